package planner

// workloadRules lists the contradictions in what a plan says of it.
func workloadRules() []auditRule { return nil }
