package scenarios

import (
	"maps"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// peaks are the most that a system had, at any of its answers, of what has a
// limit.
type peaks struct {
	waiting int64              // in all queues, for a worker
	gateway float64            // notifications a second that one gateway was given
	running map[string]float64 // workers and gateways, by group
	space   map[string]float64 // bytes, by part of the store
	sends   map[string]float64 // notifications a second that a provider was sent, by its name
	parts   map[string]float64 // segments of SMS a second, likewise
}

// leastForRates is the least number of seconds between two answers that a rate is
// taken over: batches of a second make none of less.
const leastForRates = 0.9

// groupKey names a group of workers or gateways.
func groupKey(kind, name string) string { return kind + "/" + name }

// peaksOf reads two answers of a system, the earlier first.
func peaksOf(then, now *api.Status) peaks {
	p := peaks{running: map[string]float64{}, space: map[string]float64{}, sends: map[string]float64{}, parts: map[string]float64{}}
	for _, q := range now.Queues {
		p.waiting += q.Waiting
	}
	for _, g := range now.Scaling.Groups {
		p.running[groupKey(g.Kind, g.Name)] = float64(g.Running)
	}
	for _, s := range now.Space {
		p.space[s.Part] = float64(s.Bytes)
	}
	seconds := now.Now.Sub(then.Now).Seconds()
	if seconds < leastForRates {
		return p
	}
	for _, provider := range now.Providers {
		before := find(then.Providers, func(o api.Provider) bool { return o.Name == provider.Name })
		p.sends[provider.Name] = float64(grown(provider.Entries, before.Entries)) / seconds
		p.parts[provider.Name] = float64(grown(provider.Segments, before.Segments)) / seconds
	}
	for _, region := range now.Regions {
		earlier := find(then.Regions, func(o api.Region) bool { return o.Name == region.Name })
		for _, g := range region.Gateways {
			before := find(earlier.Gateways, func(o api.Gateway) bool { return o.Name == g.Name })
			p.gateway = max(p.gateway, float64(grown(g.Notifications, before.Notifications))/seconds)
		}
	}
	return p
}

func (p peaks) merge(other peaks) peaks {
	return peaks{
		waiting: max(p.waiting, other.waiting),
		gateway: max(p.gateway, other.gateway),
		running: mostOf(p.running, other.running),
		space:   mostOf(p.space, other.space),
		sends:   mostOf(p.sends, other.sends),
		parts:   mostOf(p.parts, other.parts),
	}
}

// mostOf gives the greater of both, by name.
func mostOf(a, b map[string]float64) map[string]float64 {
	sum := maps.Clone(a)
	for name, v := range b {
		sum[name] = max(sum[name], v)
	}
	return sum
}
