package autoscale_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/autoscale"
)

func TestEventsInWords(t *testing.T) {
	for want, e := range map[string]autoscale.Event{
		"push wants 20 workers":            {Kind: autoscale.Workers, Name: "push", Act: autoscale.Wants, Count: 20, Granted: 20},
		"push wants 20 workers and gets 8": {Kind: autoscale.Workers, Name: "push", Act: autoscale.Wants, Count: 20, Granted: 8},
		"region-1 wants 1 gateway":         {Kind: autoscale.Gateways, Name: "region-1", Act: autoscale.Wants, Count: 1, Granted: 1},
		"region-1: 1 gateway serves":       {Kind: autoscale.Gateways, Name: "region-1", Act: autoscale.Serves, Count: 1},
		"push: 5 workers start":            {Kind: autoscale.Workers, Name: "push", Act: autoscale.Starts, Count: 5},
		"push: 5 workers stop":             {Kind: autoscale.Workers, Name: "push", Act: autoscale.Stops, Count: 5},
	} {
		if got := e.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
