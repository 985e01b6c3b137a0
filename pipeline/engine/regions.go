package engine

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/gateway"
	"github.com/notifyctl/notifyctl/pipeline/region"
)

// openRegions puts the regions before the gateway. Every gateway of every region
// answers by the same one: they share the stages, and the room for requests,
// which is the process's. What is the process's own is answered by it as well,
// whatever becomes of the regions.
func (s *System) openRegions(g *gateway.Gateway) (err error) {
	regions := make([]region.Region, max(1, s.cfg.Scaling.Regions))
	for i := range regions {
		regions[i] = region.Region{Name: fmt.Sprintf("region-%d", i+1), Weight: 1, Gateways: s.cfg.Scaling.gateways().Start}
	}
	s.regions, err = region.New(region.Config{
		Regions: regions,
		Handler: func(string) http.Handler { return g },
		Rate:    s.cfg.Scaling.GatewayRate,
		Metered: isSubmission,
		Refuse:  refuseBy(g),
		Ready:   s.checkOwn,
	})
	if err != nil {
		return err
	}
	s.server.Front(s.traced(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ofProcess(r.URL.Path) {
			g.ServeHTTP(w, r)
			return
		}
		s.regions.ServeHTTP(w, r)
	})))
	s.background(s.regions.Run)
	return nil
}

// isSubmission says which requests count for a gateway's rate.
func isSubmission(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == submitRoute
}

// ofProcess says which paths are of the process and not of any gateway.
func ofProcess(path string) bool {
	return !strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/v1/status")
}

// refuseBy answers by a gateway what the balancer refuses.
func refuseBy(g *gateway.Gateway) func(http.ResponseWriter, *http.Request, region.Refusal) {
	return func(w http.ResponseWriter, r *http.Request, why region.Refusal) {
		switch why {
		case region.Overloaded:
			g.Refuse(w, r, api.CodeAdmission, "every gateway is at its rate; nothing was accepted")
		case region.Ambiguous:
			g.Refuse(w, r, api.CodeAmbiguous, "the gateway was lost before it answered, and some entries may be queued; repeat the request with the same idempotency keys")
		default:
			g.Refuse(w, r, api.CodeUnavailable, "no gateway serves; nothing was accepted")
		}
	}
}

// Lose loses a region, as in "region-1", or a gateway, as in
// "region-1/gateway-2", with what it had not answered.
func (s *System) Lose(name string) error { return s.regions.Lose(name) }

// Restore brings back what Lose lost.
func (s *System) Restore(name string) error { return s.regions.Restore(name) }

func (s *System) regionStatus() []api.Region {
	if s.regions == nil {
		return []api.Region{} // of a worker
	}
	stats := s.regions.Stats()
	regions := make([]api.Region, len(stats))
	for i, r := range stats {
		regions[i] = api.Region{Name: r.Name, Weight: r.Weight, Lost: r.Lost, Notifications: r.Notifications, Refused: r.Refused}
		for _, g := range r.Gateways {
			regions[i].Gateways = append(regions[i].Gateways, api.Gateway{
				Name: g.Name, State: string(g.State), InFlight: g.InFlight, Requests: g.Requests,
				Notifications: g.Notifications, Failed: g.Failed, Dropped: g.Dropped,
			})
		}
	}
	return regions
}
