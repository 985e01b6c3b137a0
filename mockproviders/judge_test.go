package mockproviders

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// TestRatesOverAMillionCalls: 0 is none of a million, 1 all of them, and 30 % is
// 30 %, over calls as well as over notifications.
func TestRatesOverAMillionCalls(t *testing.T) {
	const n = 1_000_000
	for _, scope := range []string{"call", "entry"} {
		for _, rate := range []float64{0, 0.3, 1} {
			script := Script{Faults: []Fault{{Kind: Status, Status: 503, Rate: &rate, Scope: scope}}}
			j := newJudge(11, script, time.Unix(0, 0))
			struck := 0
			c := &call{at: time.Unix(1, 0)}
			for i := range n {
				c.text, c.entries = c.text[:0], c.entries[:0]
				name := c.keep(fmt.Appendf(nil, "id%d", i))
				c.add().id = name
				if v := j.judge(fcmWire{}, c); v.kind != "" || c.entries[0].refused != nil {
					struck++
				}
			}
			// Five standard deviations of a binomial distribution, which is none
			// at the ends.
			if bound := 5 * math.Sqrt(n*rate*(1-rate)); math.Abs(float64(struck)-rate*n) > bound {
				t.Errorf("rate %v over a %s: %d of %d failed", rate, scope, struck, n)
			}
		}
	}
}
