package planner

// cassandraRules lists the contradictions in what a plan says of it.
func cassandraRules() []auditRule { return nil }
