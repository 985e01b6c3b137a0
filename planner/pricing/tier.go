package pricing

// Split divides a month's quantity over the tiers of a tariff, which are in
// the order of their From as [Book.Tariff] gives them: each takes what lies
// above its From up to the next one's. The shares add up to the quantity;
// without any, or with less than none, they are all zero.
func Split(quantity float64, tiers []Price) []float64 {
	shares := make([]float64, len(tiers))
	for i, tier := range tiers {
		top := quantity
		if i+1 < len(tiers) {
			top = min(quantity, tiers[i+1].From)
		}
		shares[i] = max(0, top-tier.From)
	}
	return shares
}

// Tiered is what a month's quantity costs by a tariff, in US dollars. The
// price is marginal: a tier's price holds for the units within it alone, so
// that the cost never falls or jumps as the quantity grows.
func Tiered(quantity float64, tiers []Price) float64 {
	var cost float64
	for i, share := range Split(quantity, tiers) {
		cost += share * tiers[i].Value
	}
	return cost
}
