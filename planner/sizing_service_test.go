package planner_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/planner/units"
)

func TestServicesAreSized(t *testing.T) {
	// 50K at 1700/s is 29.4, at 1000/s 50; x 3/2 for a lost zone; over .8 and .7.
	t.Run("the reference", func(t *testing.T) {
		checkFigures(t, estimate(t), map[string]units.Range{
			"service.minimum":              {Low: 30, High: 50},
			"service.instances":            {Low: 45, High: 75},
			"service.recommended":          {Low: 57, High: 108},
			"service.instances.per_region": {Low: 23, High: 38},
			"service.connections":          {Low: 900, High: 1500},
			"service.connections.maximum":  units.Exactly(4000),
		})
	})
	// 900/250 = 3.6.
	t.Run("two zones of one region", func(t *testing.T) {
		checkFigures(t, estimate(t, "workload.design_rate=900/s", "service={rate_per_instance: 250/s, connections_per_instance: 5, max: 12}",
			"kafka.zones=2", "service_levels.utilisation=50%", "workload.regions=1"), map[string]units.Range{
			"service.minimum":              units.Exactly(4),
			"service.instances":            units.Exactly(8),
			"service.recommended":          units.Exactly(16),
			"service.instances.per_region": units.Exactly(8),
			"service.connections":          units.Exactly(40),
			"service.connections.maximum":  units.Exactly(60),
		})
	})
}
