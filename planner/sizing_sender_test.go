package planner_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/planner/units"
)

func TestSenderFigures(t *testing.T) {
	one := units.Exactly
	for _, tt := range []struct {
		name string
		set  []string
		want map[string]units.Range
	}{
		{"the reference", nil, map[string]units.Range{
			"workers.push.unbatched":  one(1500),
			"workers.email.unbatched": one(1500),
			"workers.sms.unbatched":   one(334), // 333.3
			"workers.push.batched":    one(60),
			"workers.email.batched":   one(30),
			"workers.sms.batched":     one(10),
			"workers.push.needed":     one(60),
			// At 70 to 80 % busy, and with one of three zones to lose:
			// 60 / 0.8 x 1.5 = 112.5 to 60 / 0.7 x 1.5 = 128.6, and so on.
			"workers.push.recommended":       {Low: 113, High: 129},
			"workers.email.recommended":      {Low: 57, High: 65},
			"workers.sms.recommended":        {Low: 19, High: 22},
			"workers.capacity.min.unbatched": one(2_800), // 2,000 + 500 + 300
			"workers.capacity.max.unbatched": one(28_000),
			"workers.capacity.min.batched":   one(85_000), // 170 x 500
			"workers.capacity.max.batched":   one(850_000),

			"providers.push.projects":               one(3),
			"providers.push.granted":                one(10_000),
			"providers.sms.segment_rate":            one(5_000),
			"providers.sms.senders":                 one(50),
			"providers.sms.granted":                 one(100),
			"providers.calls":                       one(1_000),
			"providers.push.calls":                  one(60),
			"providers.email.calls":                 one(15),
			"providers.sms.calls":                   one(50),
			"providers.push.connections.unbatched":  one(3_000),
			"providers.email.connections.unbatched": one(1_500),
			"providers.sms.connections.unbatched":   one(500),
			"providers.push.connections":            one(12),
			"providers.email.connections":           one(3),
			"providers.sms.connections":             one(10),
		}},
		// By hand: 1,000/s, of which 500 push, 300 e-mail and 200 SMS.
		{"a small plan of single sends, in two zones", []string{
			"workload.design_rate=1000/s", "workload.channels={push: 50%, email: 30%, sms: 20%}", "kafka.zones=2",
			"providers.push={wire: single, quota: 9000/min}", "providers.sms={wire: single, sender_rate: 3/s, segments: 1.5}",
			"providers.call_time=50ms", "providers.batch_time=400ms", "service_levels.utilisation=50%",
			"workers.push.rate=40/s", "workers.email={rate: 7/s, batch: 10}", "workers.sms.rate=15/s",
		}, map[string]units.Range{
			"workers.push.unbatched":     one(13), // 12.5
			"workers.push.needed":        one(13),
			"workers.push.recommended":   one(52), // x 2 x 2
			"workers.email.unbatched":    one(43), // 42.9
			"workers.email.needed":       one(1),  // 0.6
			"workers.email.recommended":  one(4),
			"workers.sms.needed":         one(14),  // 13.3
			"providers.push.projects":    one(4),   // 500 / 150
			"providers.sms.senders":      one(100), // 300 / 3
			"providers.calls":            one(2_000),
			"providers.push.calls":       one(500),
			"providers.push.connections": one(25),
			// 30 calls/s x 0.4 s.
			"providers.email.connections": one(12),
			"providers.sms.connections":   one(10),
		}},
		// One zone is counted as two, and a channel without a share needs nobody.
		{"one zone, one channel", []string{
			"kafka.zones=1", "workload.channels={push: 100%}", "service_levels.utilisation=100%",
		}, map[string]units.Range{
			"workers.push.recommended":  one(200),
			"workers.email.unbatched":   one(0),
			"workers.email.recommended": one(0),
			"providers.sms.senders":     one(0),
			"providers.sms.connections": one(0),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { checkFigures(t, estimate(t, tt.set...), tt.want) })
	}
}

// What the plan gives is carried up to these multiples of its demand.
func TestSenderCeilings(t *testing.T) {
	want := map[string]float64{
		"SMS senders":       1.0 / 50,
		"push projects":     1.0 / 3,
		"push workers":      1000.0 * 500 / 30_000,
		"email workers":     500.0 * 500 / 15_000,
		"sms workers":       200.0 * 500 / 5_000,
		"push connections":  100 / 12.0,
		"email connections": 100 / 3.0,
		"sms connections":   100 / 10.0,
	}
	for _, c := range estimate(t).Ceilings {
		factor, ok := want[c.Title]
		if !ok {
			continue
		}
		delete(want, c.Title)
		if c.Factor < factor*(1-1e-9) || c.Factor > factor*(1+1e-9) {
			t.Errorf("%s carry %vx, want %vx", c.Title, c.Factor, factor)
		}
	}
	for title := range want {
		t.Errorf("there is no ceiling of %s", title)
	}
}
