package scenarios

import (
	"fmt"
	"slices"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// markScaling notes what scaling did since the answer before.
func (c *course) markScaling(status *api.Status) {
	offset := time.Since(status.Now) // of our clock from the system's, and the answer's way
	latest := c.events
	for _, e := range status.Scaling.Events {
		if !e.At.After(c.events) {
			continue
		}
		c.marks.at(e.At.Add(offset), ScalingMark, e.Text)
		if e.At.After(latest) {
			latest = e.At
		}
	}
	c.events = latest
}

// markBreakers notes which breakers changed from one answer to the next.
func (c *course) markBreakers(then, now *api.Status) {
	for _, p := range now.Providers {
		before := find(then.Providers, func(o api.Provider) bool { return o.Name == p.Name }).Breaker
		if before != "" && before != p.Breaker {
			c.marks.moment(BreakerMark, fmt.Sprintf("%s: breaker %s", p.Name, words(p.Breaker)))
		}
	}
}

// words writes a breaker's state for people.
func words(state string) string {
	if state == "half_open" {
		return "half open"
	}
	return state
}

// mostLateSecond is the share of a second's requests that may be sent late by the
// generator itself before the second is marked.
const mostLateSecond = 0.1

// markLateness notes when the generator falls behind its schedule by its own fault,
// and until when.
func (c *course) markLateness(s *clientCounts) {
	if s.seconds == 0 {
		return
	}
	late := float64(s.late-min(s.late, s.lateHeld)) > mostLateSecond*float64(s.answered())
	behind := late || s.dropped > s.droppedHeld
	switch {
	case behind && c.behind == nil:
		c.behind = c.marks.lasting(GeneratorMark, "the generator is behind its schedule")
	case !behind && c.behind != nil:
		c.behind()
		c.behind = nil
	}
}

// answers notes when the system stops answering for its status, and until when.
func (c *course) answers(failed error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case failed != nil && c.away == nil:
		c.away = c.marks.lasting(SystemMark, "the system does not answer GET /v1/status")
	case failed == nil && c.away != nil:
		c.away()
		c.away = nil
	}
}

// allMarks gives the stages so far and what happened meanwhile, oldest first.
func (c *course) allMarks() []Mark {
	c.mu.Lock()
	defer c.mu.Unlock()
	var stages []Mark
	for _, s := range c.stages {
		if c.at <= s.from {
			break
		}
		mark := Mark{At: s.from.Seconds(), Kind: StageMark, Text: s.name}
		if end := min(c.at, s.to); s.name != Drain && end < c.at {
			until := s.to.Seconds()
			mark.Until = &until
		}
		stages = append(stages, mark)
	}
	return sortMarks(slices.Concat(stages, c.marks.all()))
}
