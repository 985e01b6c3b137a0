package planner

// gatewayFigures lists what the gateway needs.
func gatewayFigures() []Figure { return nil }

// gatewayCeilings lists what the gateway of a plan can bear.
func gatewayCeilings() []ceiling { return nil }
