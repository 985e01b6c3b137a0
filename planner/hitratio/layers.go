package hitratio

// Layers are a cache in each of several instances, and one behind them that
// they share. An instance is picked anew for each read.
type Layers struct {
	Instances int
	L1        Cache // of one instance
	L2        Cache
}

// Shares are where reads are served, 1 in total.
type Shares struct{ L1, L2, Origin float64 }

// Layers is the share of the population's reads that each layer serves, where
// a user reads at a mean rate. An instance sees one in Instances of the reads
// of a user; the second layer sees what misses in the first, as a Poisson
// process of its own, which holds where an entry's misses come from many
// instances.
//
// A better first layer takes from the second: L1 + L2 rises with the rate and
// with the bounds of L2, and L2 alone falls with those of L1.
func (p Population) Layers(rate float64, layers Layers) (Shares, error) {
	if err := checkRate(rate); err != nil {
		return Shares{}, err
	}
	if layers.Instances < 1 {
		return Shares{}, outside("number of instances", layers.Instances, "1 or more")
	}
	if err := layers.L1.check(); err != nil {
		return Shares{}, err
	}
	if err := layers.L2.check(); err != nil {
		return Shares{}, err
	}
	if rate == 0 {
		return Shares{Origin: 1}, nil
	}
	first := newLifetime(p.classes, rate/float64(layers.Instances)*layers.L1.TTL, layers.L1.Entries/p.users)
	missed := make([]class, len(p.classes))
	for i, c := range p.classes {
		h, _ := first.hits(c.rate)
		missed[i] = class{users: c.users, rate: c.rate * (1 - h)}
	}
	second := newLifetime(missed, rate*layers.L2.TTL, layers.L2.Entries/p.users)
	var s Shares
	for i, c := range p.classes {
		h, _ := second.hits(missed[i].rate)
		s.L1 += c.users * (c.rate - missed[i].rate)
		s.L2 += c.users * missed[i].rate * h
		s.Origin += c.users * missed[i].rate * (1 - h)
	}
	return s, nil
}
