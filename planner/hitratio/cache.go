package hitratio

import "math"

// A Cache is what bounds the life of its entries.
type Cache struct {
	Entries float64 // that it has room for, one a user; math.Inf(1) if for all
	TTL     float64 // from their fill, in the time of the rate; math.Inf(1) if none
}

// check refuses what is no cache.
func (c Cache) check() error {
	if err := checkEntries(c.Entries); err != nil {
		return err
	}
	return checkTTL(c.TTL)
}

// Hits is the share of the population's reads that hit a cache, where a user
// reads at a mean rate. Where there is no time to live the rate does not
// matter, unless it is 0.
//
// It rises with the rate, the entries and the time to live, and with the skew,
// too, as long as the number of users stays the same.
func (p Population) Hits(rate float64, cache Cache) (float64, error) {
	if err := checkRate(rate); err != nil {
		return 0, err
	}
	if err := cache.check(); err != nil {
		return 0, err
	}
	if rate == 0 {
		return 0, nil
	}
	l := newLifetime(p.classes, rate*cache.TTL, cache.Entries/p.users)
	hits := 0.0
	for _, c := range p.classes {
		h, _ := l.hits(c.rate)
		hits += c.users * c.rate * h
	}
	return min(hits, 1), nil
}

// A lifetime is for how long a cache keeps entries, in units of the mean time
// between two reads of a user.
type lifetime struct {
	ttl            float64 // from their fill
	characteristic float64 // from their last read
}

// newLifetime is the lifetime in a cache with a time to live and room for a
// share of the users of classes: its characteristic time is the one with which
// that share is in the cache. It is infinite where the room is no bound.
func newLifetime(classes []class, ttl, room float64) lifetime {
	l := lifetime{ttl: ttl, characteristic: math.Inf(1)}
	if alive, _ := l.inside(classes); room >= 1 || alive <= room {
		return l
	}
	if room == 0 {
		l.characteristic = 0
		return l
	}
	// With users who all read at the mean rate the time is the shortest there
	// can be, and with no time to live it has a closed form. From there Newton's
	// steps go over the logarithms of the time and of the share inside, which
	// are nearly a straight line: what is skewed fills a cache by a power law.
	// They do not overshoot where the line is concave; should it not be, the
	// interval that is still possible is cut in half.
	mean := 0.0
	for _, c := range classes {
		mean += c.users * c.rate
	}
	l.characteristic = -math.Log1p(-room) / mean
	if len(classes) == 1 && math.IsInf(ttl, 1) {
		return l
	}
	l.solve(classes, room)
	return l
}

// solve moves the characteristic time up to where a share of the users is
// inside.
func (l *lifetime) solve(classes []class, room float64) {
	const (
		steps = 200
		near  = 1e-4 // to the room, so that the step from there is exact: each squares the error
	)
	shortest, longest := l.characteristic, math.Inf(1)
	for range steps {
		inside, slope := l.inside(classes)
		if inside < room {
			shortest = l.characteristic
		} else {
			longest = l.characteristic
		}
		next := l.characteristic * math.Exp(math.Log(room/inside)*inside/slope)
		if !(next > shortest && next < longest) { // or NaN, without a slope
			next = math.Sqrt(shortest) * math.Sqrt(longest)
		}
		if math.IsInf(next, 1) {
			next = 2 * shortest
		}
		l.characteristic = next
		if math.Abs(inside/room-1) <= near {
			return
		}
	}
}

// inside is the share of the users who are in the cache at any time, which is
// the share of their reads that hit: a Poisson process sees averages. slope is
// by how much it rises with the logarithm of the characteristic time.
func (l lifetime) inside(classes []class) (share, slope float64) {
	for _, c := range classes {
		h, s := l.hits(c.rate)
		share += c.users * h
		slope += c.users * s
	}
	return share, slope
}

// hits is the share of the reads of a user with a rate that hit; see the
// package's comment for the formulas. slope is as in inside.
func (l lifetime) hits(rate float64) (hits, slope float64) {
	switch {
	case rate == 0:
		return 0, 0
	case l.characteristic >= l.ttl:
		return share(rate * l.ttl), 0
	case math.IsInf(l.ttl, 1):
		return again(rate * l.characteristic)
	}
	return bothBounds(rate*l.characteristic, rate*l.ttl)
}

// again is the probability of a read in a time that sees x on average.
func again(x float64) (hits, slope float64) {
	const few = 1e-3
	if x < few { // no digits lost, and no exponential to compute
		hits = x * (1 - x/2*(1-x/3))
	} else {
		hits = 1 - math.Exp(-x)
	}
	return hits, x * (1 - hits)
}

// bothBounds is the share of hits of reads that are x in the characteristic
// time, and y in the time to live, which is longer.
func bothBounds(x, y float64) (hits, slope float64) {
	const (
		always = 36   // reads in the characteristic time: no pause is as long
		few    = 1e-4 // as little that differences lose their digits
		over   = 1e3  // as much that exp(-q) is 0
	)
	if x >= always {
		return share(y), 0
	}
	grown := math.Expm1(x)
	rest := grown - x
	if x < few {
		rest = x * x / 2
	}
	q := min((y-x)/rest, over)
	ended := -math.Expm1(-q)
	after := x + rest*ended
	late := ended - q*(1-ended)
	if q < few {
		late = q * q / 2
	}
	return share(after), x * (ended + grown*late) / ((1 + after) * (1 + after))
}
