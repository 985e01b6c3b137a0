package planner

// postgresFigures lists what the postgres needs.
func postgresFigures(c choices) []Figure { return nil }

// postgresCeilings lists what the postgres of a plan can bear.
func postgresCeilings() []ceiling { return nil }
