package planner

// providerFigures lists what the provider needs.
func providerFigures(c choices) []Figure { return nil }

// providerCeilings lists what the provider of a plan can bear.
func providerCeilings() []ceiling { return nil }
