package autoscale

import "time"

// Bounds of a group.
type Bounds struct{ Start, Min, Max int }

// clamp brings a wish within the bounds.
func (b Bounds) clamp(wish int) int { return max(b.Min, min(wish, b.Max)) }

// Group is what the loop has made of one channel's workers, or of one region's
// gateways.
type Group struct {
	Kind     Kind
	Name     string // of the channel or region
	Min, Max int
	Wished   int // by policy, at the last look
	Desired  int // the wish, within the bounds
	Running  int
	Starting int
}

// group is a group and what starts in it.
type group struct {
	kind    Kind
	name    string
	bounds  Bounds
	wished  int
	running int
	starts  []starting // in the order in which they end
	apply   func(n int)
}

// starting is some of a group that serve from a time on.
type starting struct {
	count int
	at    time.Time
}

func (g *group) starting() int {
	n := 0
	for _, s := range g.starts {
		n += s.count
	}
	return n
}

// desired is what there will be once all has started.
func (g *group) desired() int { return g.running + g.starting() }

// grow starts so many, which serve after a delay.
func (g *group) grow(n int, now time.Time, delay time.Duration) {
	g.starts = append(g.starts, starting{n, now.Add(delay)})
}

// shrink takes so many away: those that would start last, then those that run.
func (g *group) shrink(n int) {
	for n > 0 && len(g.starts) > 0 {
		last := &g.starts[len(g.starts)-1]
		gone := min(n, last.count)
		last.count -= gone
		n -= gone
		if last.count == 0 {
			g.starts = g.starts[:len(g.starts)-1]
		}
	}
	if n > 0 {
		g.running -= n
		g.apply(g.running)
	}
}

// ready lets those serve whose start is over, and says how many they are.
func (g *group) ready(now time.Time) int {
	n := 0
	for len(g.starts) > 0 && !g.starts[0].at.After(now) {
		n += g.starts[0].count
		g.starts = g.starts[1:]
	}
	if n > 0 {
		g.running += n
		g.apply(g.running)
	}
	return n
}

func (g *group) snapshot() Group {
	return Group{
		Kind: g.kind, Name: g.name, Min: g.bounds.Min, Max: g.bounds.Max,
		Wished: g.wished, Desired: g.desired(), Running: g.running, Starting: g.starting(),
	}
}
