package planner

// serviceRules lists the contradictions in what a plan says of it.
func serviceRules() []auditRule { return nil }
