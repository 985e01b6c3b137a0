package planner

// preferenceRules lists the contradictions in what a plan says of it.
func preferenceRules() []auditRule { return nil }
