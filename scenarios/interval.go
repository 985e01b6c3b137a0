package scenarios

import (
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// interval is what was seen of a stretch of a run: of a second at first, and of
// any longer one by merging those that it consists of. The timeline's points, the
// windows, the stages and the whole run are intervals. It is a value, which nothing
// changes once it is made.
type interval struct {
	from, to time.Duration // since the load began
	clients  clientCounts
	system   systemCounts
	cpu      load.CPUUse
	mock     float64 // the most that the mock providers were busy, from 0 to 1
}

// merge gives the interval of both, of which the other is the later.
func (i interval) merge(other interval) interval {
	switch {
	case i.to == 0 && i.from == 0:
		return other
	case other.to == 0 && other.from == 0:
		return i
	}
	return interval{
		from: min(i.from, other.from), to: max(i.to, other.to),
		clients: i.clients.merge(other.clients),
		system:  i.system.merge(other.system),
		cpu:     i.cpu.Plus(other.cpu),
		mock:    max(i.mock, other.mock),
	}
}

// clientCounts is what the clients saw: numbers of requests, and their latencies,
// both by when they were answered.
type clientCounts struct {
	seconds                   float64 // that the counts are of
	offered, sent, dropped    uint64
	accepted, refused, errors uint64
	droppedHeld               uint64 // of the dropped: the target kept all connections waiting
	late, lateHeld            uint64 // sent more than 10 ms late, and of those for the same reason
	response, service         api.Histogram
}

func (c clientCounts) merge(other clientCounts) clientCounts {
	return clientCounts{
		seconds: c.seconds + other.seconds,
		offered: c.offered + other.offered, sent: c.sent + other.sent, dropped: c.dropped + other.dropped,
		accepted: c.accepted + other.accepted, refused: c.refused + other.refused, errors: c.errors + other.errors,
		droppedHeld: c.droppedHeld + other.droppedHeld,
		late:        c.late + other.late, lateHeld: c.lateHeld + other.lateHeld,
		response: c.response.Merge(other.response), service: c.service.Merge(other.service),
	}
}

// clientsOf reads a second of the generator, which begins where the one before
// ended.
func clientsOf(s load.Second, began time.Duration) clientCounts {
	return clientCounts{
		seconds: (s.At - began).Seconds(),
		offered: s.Offered, sent: s.Sent, dropped: s.Dropped,
		accepted: s.Accepted, refused: s.Refused, errors: s.Errors,
		droppedHeld: s.DroppedHeld, late: s.Late, lateHeld: s.LateHeld,
		response: s.Responses, service: s.Services,
	}
}

// answered is how many requests came to an end.
func (c *clientCounts) answered() uint64 { return c.accepted + c.refused + c.errors }
