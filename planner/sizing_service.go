package planner

// serviceFigures lists what the service needs.
func serviceFigures() []Figure { return nil }

// serviceCeilings lists what the service of a plan can bear.
func serviceCeilings() []ceiling { return nil }
