package queueing

import (
	"errors"
	"fmt"
	"math"
)

// ErrUnstable is the error of a queue whose load takes all servers or more: it
// grows without end, and so do its waits.
var ErrUnstable = errors.New("the queue grows without end")

// A Queue is one in front of servers that together can carry its load.
type Queue struct {
	servers, load float64
	service       float64
	waits         float64 // P(W > 0)
}

// NewQueue is the queue of the requests that arrive at a rate, in front of
// servers that take a service time for one on average.
func NewQueue(servers int, rate, service float64) (Queue, error) {
	if err := checkServers(servers); err != nil {
		return Queue{}, err
	}
	if !(rate >= 0 && rate <= maxRate) {
		return Queue{}, outside("rate", rate, "0 to 1e18")
	}
	if err := checkService(service); err != nil {
		return Queue{}, err
	}
	q := Queue{servers: float64(servers), load: rate * service, service: service}
	if q.load >= q.servers {
		return Queue{}, fmt.Errorf("queueing: %d servers under a load of %v: %w; accepted are more servers than the load",
			servers, q.load, ErrUnstable)
	}
	q.waits = erlangC(q.servers, q.load)
	return q, nil
}

// Utilisation is the share of the servers that is busy on average.
func (q Queue) Utilisation() float64 { return q.load / q.servers }

// Waits is the probability that a request has to wait.
func (q Queue) Waits() float64 { return q.waits }

// MeanWait is how long a request waits on average, those that need not
// included.
func (q Queue) MeanWait() float64 { return q.waits * q.service / (q.servers - q.load) }

// WaitsBeyond is the probability that a request waits for longer than a time.
func (q Queue) WaitsBeyond(wait float64) (float64, error) {
	if err := checkTime(wait); err != nil {
		return 0, err
	}
	return beyond(q.servers, q.load, wait/q.service, q.waits), nil
}

// WaitPercentile is the shortest time within which the wait of a share of the
// requests ends: .99 for the 99th percentile.
func (q Queue) WaitPercentile(share float64) (float64, error) {
	if err := checkProbability(share); err != nil {
		return 0, err
	}
	if q.waits <= 1-share {
		return 0, nil
	}
	return math.Log(q.waits/(1-share)) * q.service / (q.servers - q.load), nil
}

// beyond is the probability of a wait for more than a number of service times,
// if one has to wait at all with probability waits.
func beyond(servers, load, services, waits float64) float64 {
	return waits * math.Exp(-(servers-load)*services)
}
