package planner

// providerRules lists the contradictions in what a plan says of it.
func providerRules() []auditRule { return nil }
