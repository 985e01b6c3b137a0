package telemetry

import (
	"fmt"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Endings tallies notifications that met their outcome together, so that the
// metrics are told once a slice. The zero value has none.
type Endings struct {
	counts [numChannels][numPriorities][numCategories][numStates]int32
	total  int
}

// Add counts a notification by its outcome.
func (e *Endings) Add(n *pipeline.Notification, outcome pipeline.State) {
	if !outcome.Terminal() || n.Category == 0 || int(n.Category) >= numCategories {
		panic(fmt.Sprintf("BUG: metrics of a %v notification that ended %v", n.Category, outcome))
	}
	e.counts[n.Channel][n.Priority][n.Category][outcome]++
	e.total++
}

// Total is how many were added.
func (e *Endings) Total() int { return e.total }

// Ended counts notifications whose outcome is durable.
func (m *Metrics) Ended(e *Endings) {
	if e.total == 0 {
		return
	}
	for _, q := range pipeline.Queues() {
		series, counts := m.queue(q), &e.counts[q.Channel][q.Priority]
		for category := range counts {
			for state, n := range counts[category] {
				if n > 0 {
					series.ended[category][state].Add(int64(n))
				}
			}
		}
	}
}
