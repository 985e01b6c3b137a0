package planner

// workerRules lists the contradictions in what a plan says of it.
func workerRules() []auditRule { return nil }
