package planner

// postgresRules lists the contradictions in what a plan says of it.
func postgresRules() []auditRule { return nil }
