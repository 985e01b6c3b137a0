package planner

// A CostLine is one line of the bill for a month.
type CostLine struct {
	Component  string
	Item       string
	Quantity   float64
	Unit       string // of the quantity and of the price: "instance-hour", "GB-month", "segment"
	UnitPrice  float64
	Monthly    float64 // US dollars
	Confidence string  // of the price: high, medium, low
	Source     string  // of the price
	AsOf       Date    // of the price
	Provider   bool    // of a provider's bill, not of the infrastructure's
}

// costFigures lists what the system costs a month.
func costFigures(choices) []Figure { return nil }
