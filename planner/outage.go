package planner

import "math"

// An Outage is what follows when the provider of a channel does not answer for
// a time. What waits and expires is of the plan without a second provider;
// what it costs if the channel's backup takes over instead stands beside that.
type Outage struct {
	Channel  string
	Seconds  float64 // how long it lasts
	AtPeak   bool    // at the design rate, or at the average rate
	Arriving float64 // notifications a second, during it and after
	Rate     float64 // notifications a second that can be sent after it
	Backlog  float64 // notifications that wait at its end, and have not expired
	Drains   bool    // more can be sent after it than arrives
	Drain    float64 // seconds until no backlog is left; 0 if it does not drain
	Expired  float64 // notifications of the outage's time that end as expired
	// Extra is what it costs in US dollars, over what the primary would have
	// charged, if the backup sends everything meanwhile, so that nothing waits.
	Extra float64
}

// outageLengths are the outages that are reckoned, in seconds: one that retries
// bridge, one that a breaker notices, and the long ones of providers' reports.
func outageLengths() []float64 { return []float64{60, 5 * 60, 30 * 60, 120 * 60} }

// outages reckons the outages of each channel, at the average rate and at the
// design rate. Of ranges, the ends are taken at which the most waits.
func (v *valuation) outages() []Outage {
	var all []Outage
	expiry := v.rangeOf(key("workload.expiry")).Low
	for _, channel := range channels() {
		share := v.rangeOf(key("workload.channels." + channel)).High
		for _, atPeak := range []bool{false, true} {
			arriving := v.value(figure("rate.average")) * share
			if atPeak {
				arriving = v.value(figure("rate." + channel))
			}
			for _, length := range outageLengths() {
				o := Outage{
					Channel: channel, Seconds: length, AtPeak: atPeak,
					Arriving: arriving, Rate: v.value(figure("recovery." + channel)),
				}
				o.wait(expiry)
				o.Extra = arriving * length * v.value(figure("recovery."+channel+".extra"))
				all = append(all, o)
			}
		}
	}
	return all
}

// wait reckons what waits, for how long, and what expires of it. Notifications
// are taken for a flow, sent in the order they came, and one that has expired
// takes no sending.
//
// What came more than the expiry before the end is gone by then. Of the rest,
// what came t after the first of them is sent t x arriving / rate after the end,
// so waits get shorter towards the outage's end if rate is above arriving, and
// nothing more expires. Otherwise they get longer, until they reach the expiry;
// from there on what cannot be sent expires.
func (o *Outage) wait(expiry float64) {
	kept := min(o.Seconds, expiry) // seconds of arrivals that still wait at the end
	o.Backlog = o.Arriving * kept
	o.Expired = o.Arriving * (o.Seconds - kept)
	spare := o.Rate - o.Arriving
	if o.Drains = spare > 0 || o.Backlog == 0; !o.Drains {
		// A wait of kept grows by -spare / rate with each second of arrivals.
		reached := min((expiry-kept)*o.Rate/max(-spare, math.SmallestNonzeroFloat64), kept)
		o.Expired += (kept - reached) * -spare
		return
	}
	if o.Backlog > 0 {
		o.Drain = o.Arriving * kept / spare
	}
}
