package planner

// serviceLevelRules lists the contradictions in what a plan says of it.
func serviceLevelRules() []auditRule { return nil }
