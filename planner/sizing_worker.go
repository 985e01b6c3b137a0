package planner

// workerFigures lists what the worker needs.
func workerFigures() []Figure { return nil }

// workerCeilings lists what the worker of a plan can bear.
func workerCeilings() []ceiling { return nil }
