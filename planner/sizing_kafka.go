package planner

// kafkaFigures lists what the kafka needs.
func kafkaFigures() []Figure { return nil }

// kafkaCeilings lists what the kafka of a plan can bear.
func kafkaCeilings() []ceiling { return nil }
