package planner_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/planner/units"
)

func TestGatewaysAreSized(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  []string
		want map[string]units.Range
	}{
		// 50K at 1000/s and at 500/s, x 3/2 for a lost zone. Square-root staffing
		// with Q = 0.829: 35 + Q x sqrt(35/4) = 37.5, 80 + Q x sqrt(80/2) = 85.2.
		// Of 4 cores 39 % idle, of 2 53.1 %: 35/.61 = 57.4, 80/.469 = 170.4. The
		// autoscaler asks for 75 x 70/70 and 150 x 80/70. 20 gateways take 10K or
		// 20K/s of the 50K/s, for 2 minutes and a start of 20 s.
		{"the reference", nil, map[string]units.Range{
			"gateway.minimum":              {Low: 50, High: 100},
			"gateway.instances":            {Low: 75, High: 150},
			"gateway.staffing":             {Low: 38, High: 86},
			"gateway.headroom.instances":   {Low: 58, High: 171},
			"gateway.recommended":          {Low: 75, High: 171},
			"gateway.instances.per_region": {Low: 38, High: 75},
			"gateway.autoscale.min":        {Low: 50, High: 100},
			"gateway.autoscale.max":        {Low: 75, High: 172},
			"gateway.spike.excess":         {Low: 30_000, High: 40_000},
			"gateway.spike.duration":       units.Exactly(140),
			"gateway.spike.refused":        {Low: 4_200_000, High: 5_600_000},
		}},
		// 900/200 = 4.5. n = 2.25: 2.25 + .829 x 1.5 = 3.5. One core is to be 70 %
		// idle: 2.25/.3 = 7.5. 10 x 50/60 = 8.3. The spike: 600 - 2 x 200.
		{"single cores in two zones of one region", []string{
			"workload.design_rate=900/s", "gateway.rate_per_instance=200/s", "gateway.cpu=1", "kafka.zones=2",
			"service_levels.utilisation=50%", "workload.regions=1", "gateway.scale_up_cpu=60%",
			"workload.spike={from: 100/s, to: 600/s}", "gateway.min=2", "gateway.scale_up_after=30s",
			"deployment.start_delay=10s", "workload.users=864000",
		}, map[string]units.Range{
			"gateway.minimum":              units.Exactly(5),
			"gateway.instances":            units.Exactly(10),
			"gateway.staffing":             units.Exactly(4),
			"gateway.headroom":             units.Exactly(0.7),
			"gateway.headroom.instances":   units.Exactly(8),
			"gateway.recommended":          units.Exactly(10),
			"gateway.instances.per_region": units.Exactly(10),
			"gateway.autoscale.min":        units.Exactly(3),
			"gateway.autoscale.max":        units.Exactly(10),
			"gateway.spike.excess":         units.Exactly(200),
			"gateway.spike.duration":       units.Exactly(40),
			"gateway.spike.refused":        units.Exactly(8000),
		}},
		// A small fleet needs more room for chance than its utilisation leaves:
		// .8 + .829 x sqrt(.8/4) = 1.17, x 3/2 of the 2 that makes. Between 10K/s
		// on average and no spike, one for each zone runs always.
		{"a rate that one gateway takes", []string{
			"workload.design_rate=1000/s", "gateway.rate_per_instance=1000/s", "gateway.cpu=4",
			"service_levels.utilisation=80%", "workload.spike={from: 100/s, to: 100/s}", "workload.users=864000",
		}, map[string]units.Range{
			"gateway.minimum":       units.Exactly(1),
			"gateway.instances":     units.Exactly(2),
			"gateway.staffing":      units.Exactly(2),
			"gateway.recommended":   units.Exactly(3),
			"gateway.autoscale.min": units.Exactly(3),
			"gateway.spike.excess":  units.Exactly(0),
			"gateway.spike.refused": units.Exactly(0),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { checkFigures(t, estimate(t, tt.set...), tt.want) })
	}
}

// By Erlang C with 30 % waiting: .7000 of one core, .3900 of four, .2022 of 16
// and .1025 of 64. Parts of a core do not count.
func TestGatewayHeadroomFollowsTheCores(t *testing.T) {
	for cores, want := range map[string]float64{"1": .7000, "4": .3900, "4.9": .3900, "16": .2022, "64": .1025} {
		d, ok := estimate(t, "gateway.cpu="+cores).Figure("gateway.headroom")
		if !ok || d.Value() < want-5e-5 || d.Value() > want+5e-5 {
			t.Errorf("%s cores: %v, want %v", cores, d.Value(), want)
		}
	}
}
