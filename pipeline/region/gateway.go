package region

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

// State is what a gateway is fit for.
type State string

// The states. Only a serving gateway is given requests, unless there is none in
// any region: then unready and ejected ones are, and their answers say what is
// wrong.
const (
	Serving  State = "serving"
	Unready  State = "unready"  // what it stands on does not work
	Ejected  State = "ejected"  // it failed too often, and is left alone for a while
	Draining State = "draining" // it ends with the requests that it has
	Lost     State = "lost"     // it is gone, with the requests that it had
)

// life is whether a gateway is there, as it is itself: the balancer finds out.
type life = int32

const (
	alive life = iota
	leaving
	lost
)

// gateway is one instance of the HTTP side.
type gateway struct {
	name    string
	region  *regional
	handler http.Handler
	bucket  bucket

	life     atomic.Int32
	inFlight atomic.Int64
	failures atomic.Int64 // in a row
	// ended is done when the gateway is lost, and with it what it reads for
	// clients.
	ended atomic.Pointer[ending]

	requests, notifications, failed, dropped atomic.Int64

	// What the balancer knows of it, under the balancer's lock.
	down      bool // found lost
	probesBad int  // in a row
	ejections int
	ejected   time.Time // until then
}

// ending is a context and what ends it.
type ending struct {
	context.Context
	end context.CancelFunc
}

func newEnding() *ending {
	ctx, cancel := context.WithCancel(context.Background())
	return &ending{ctx, cancel}
}

// entry says how a gateway took a request.
type entry int

const (
	entered entry = iota
	busy          // over its rate
	absent        // leaving or lost; it never saw the request
)

// enter gives the gateway a request of about so many notifications, 0 for none.
// Who entered leaves. now is in nanoseconds.
func (g *gateway) enter(now int64, notifications float64) entry {
	// The count comes first: a gateway that leaves looks at it after it has
	// changed its life, so one of the two sees the other.
	g.inFlight.Add(1)
	switch {
	case g.life.Load() != alive:
		g.exit()
		return absent
	case notifications > 0 && !g.bucket.admit(now, notifications):
		g.exit()
		return busy
	}
	g.requests.Add(1)
	return entered
}

// exit ends what enter began.
func (g *gateway) exit() {
	if g.inFlight.Add(-1) == 0 && g.life.Load() == leaving {
		g.region.global.left(g)
	}
}

// isLost says whether the gateway is gone with what it was doing.
func (g *gateway) isLost() bool { return g.life.Load() == lost }

// known is the state that the balancer takes the gateway to be in.
func (g *gateway) known(now time.Time) State {
	switch {
	case g.life.Load() == leaving:
		return Draining
	case g.down:
		return Lost
	case g.ejected.After(now):
		return Ejected
	case g.probesBad >= unreadyAfter:
		return Unready
	}
	return Serving
}
