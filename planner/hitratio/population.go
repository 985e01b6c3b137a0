package hitratio

import "math"

// A Population is users whose reads are unevenly spread. It is built once for
// a number and a skew, is not changed by use, and is the same for any rate.
type Population struct {
	users   float64
	skew    float64
	classes []class
}

// A class is users who read equally often: their share of all users, and their
// rate as a multiple of the mean.
type class struct{ users, rate float64 }

const (
	// oneByOne ranks are classes of their own; over the rest the integral is
	// within 1e-4 of the sum at any skew.
	oneByOne = 16
	// binWidth is how far a bin of ranks reaches: the logarithm of how many
	// times more often its first user reads than its last, or of the ranks
	// themselves, whichever is more.
	binWidth = 0.8
)

// NewPopulation is the population of a number of users, a whole one, with a
// skew: the s of Zipf's law, 0 for users who all read equally often. What has
// been measured of caches is mostly between 0.6 and 1.2.
func NewPopulation(users, skew float64) (Population, error) {
	const steepest = 4 // the first user makes 92 % of the reads
	if !(users >= 1 && users <= mostUsers) {
		return Population{}, outside("number of users", users, "1 to 1e15")
	}
	if !(skew >= 0 && skew <= steepest) {
		return Population{}, outside("skew", skew, "0 to 4")
	}
	p := Population{users: math.Round(users), skew: skew}
	if skew == 0 {
		p.classes = []class{{users: 1, rate: 1}}
		return p, nil
	}
	p.classes = ranks(p.users, skew)
	// Rates as multiples of the mean, and users as shares.
	total := 0.0
	for _, c := range p.classes {
		total += c.users * c.rate
	}
	for i, c := range p.classes {
		p.classes[i] = class{users: c.users / p.users, rate: c.rate * p.users / total}
	}
	return p, nil
}

// ranks lists the users of a population, counted, in order of their rate,
// which is 1 for the first.
func ranks(users, skew float64) []class {
	first := math.Min(users, oneByOne)
	width := math.Log((users + .5) / (first + .5))
	bins := math.Ceil(width / binWidth)
	classes := make([]class, 0, int(first)+2*int(bins))
	for k := 1.0; k <= first; k++ {
		classes = append(classes, class{users: 1, rate: math.Pow(k, -skew)})
	}
	if users == first {
		return classes
	}
	// From bin to bin ranks grow by the same factor, and so do rates fall; the
	// last bin ends early.
	grow, fall := math.Exp(binWidth), math.Exp(-binWidth*skew)
	low := first + .5
	bin := appendBin(nil, low, low*grow, skew)
	for range int(bins) - 1 {
		classes = append(classes, bin...)
		for i, c := range bin {
			bin[i] = class{users: c.users * grow, rate: c.rate * fall}
		}
		low *= grow
	}
	return appendBin(classes, low, users+.5, skew)
}

// appendBin adds the classes that stand for the users of ranks from low to
// high: the two points of Gauss's rule over the logarithm of the rank, with as
// many users as there are.
func appendBin(classes []class, low, high, skew float64) []class {
	width := math.Log(high / low)
	near := low * math.Exp((.5-.5/math.Sqrt(3))*width)
	far := low * math.Exp((.5+.5/math.Sqrt(3))*width)
	users := max(high-low, 0) / (near + far) // or rounding would take some away
	return append(classes,
		class{users: near * users, rate: math.Pow(near, -skew)},
		class{users: far * users, rate: math.Pow(far, -skew)})
}

// Users is the number of users.
func (p Population) Users() float64 { return p.users }

// Pinned is the share of the reads that hit a cache that holds the entries of
// so many users for good, those who read most. No cache of that size does
// better, and with equal users none does better than its share of them.
func (p Population) Pinned(entries float64) (float64, error) {
	if err := checkEntries(entries); err != nil {
		return 0, err
	}
	switch {
	case entries >= p.users:
		return 1, nil
	case p.skew == 0:
		return entries / p.users, nil
	}
	// Ranks one by one, the last in part; then the integral, as a share of that
	// to the end.
	sum := 0.0
	for _, c := range p.classes[:min(len(p.classes), oneByOne)] {
		sum += min(entries, 1) * c.users * c.rate
		if entries--; entries <= 0 {
			return sum, nil
		}
	}
	const low = oneByOne + .5
	return sum + (1-sum)*p.integral(low, low+entries)/p.integral(low, p.users+.5), nil
}

// integral is that of 1/x^s from low to high, divided by low^(1-s).
func (p Population) integral(low, high float64) float64 {
	if p.skew == 1 {
		return math.Log(high / low)
	}
	return math.Expm1((1-p.skew)*math.Log(high/low)) / (1 - p.skew)
}
