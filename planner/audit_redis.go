package planner

// redisRules lists the contradictions in what a plan says of it.
func redisRules() []auditRule { return nil }
