package planner

// cassandraFigures lists what the cassandra needs.
func cassandraFigures() []Figure { return nil }

// cassandraCeilings lists what the cassandra of a plan can bear.
func cassandraCeilings() []ceiling { return nil }
