package planner

// redisFigures lists what the redis needs.
func redisFigures() []Figure { return nil }

// redisCeilings lists what the redis of a plan can bear.
func redisCeilings() []ceiling { return nil }
