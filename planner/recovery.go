package planner

import "github.com/notifyctl/notifyctl/planner/units"

// recoveryFigures lists the most that each channel can send, which is what
// drains the backlog of an outage.
func recoveryFigures(c choices) []Figure {
	push := recovery("push", c.wireOf("push"))
	email := recovery("email", c.wireOf("email"))
	sms := recovery("sms", c.wireOf("sms"))
	return []Figure{
		push.workers, push.connections,
		push.most(", providers.push.granted", []Input{figure("providers.push.granted")}, product),
		email.workers, email.connections,
		email.most("", nil, nil),
		sms.workers, sms.connections,
		sms.most(", providers.sms.granted / providers.sms.segments",
			[]Input{figure("providers.sms.granted"), key("providers.sms.segments").falling()},
			func(in []float64) float64 { return in[0] / in[1] }),
	}
}

// A channelRecovery is what bounds how fast a channel sends: its workers, and
// its connections to the provider.
type channelRecovery struct {
	channel              string
	workers, connections Figure
}

// recovery lists the bounds that every channel has.
func recovery(channel, wire string) channelRecovery {
	id, pool := "recovery."+channel, "workers."+channel
	r := channelRecovery{
		channel: channel,
		workers: Figure{
			ID: id + ".workers", Title: "most " + channel + " by the workers there may be", Unit: units.PerSecond, Safe: Low,
			Formula: pool + ".max x workers.batched_rate",
			Inputs:  []Input{key(pool + ".max"), key("workers.batched_rate")},
			Compute: product,
		},
		connections: Figure{
			ID: id + ".connections", Title: "most " + channel + " by the connections", Unit: units.PerSecond, Safe: Low,
			Formula: "providers.connections / providers.batch_time x " + pool + ".batch",
			Inputs:  []Input{key("providers.connections"), key("providers.batch_time").falling(), key(pool + ".batch")},
			Compute: func(in []float64) float64 { return in[0] / in[1] * in[2] },
		},
	}
	if wire == "single" {
		r.workers.Formula, r.workers.Inputs[1] = pool+".max x "+pool+".rate", key(pool+".rate")
		r.connections.Formula, r.connections.Inputs, r.connections.Compute =
			"providers.calls", []Input{figure("providers.calls")}, product
	}
	return r
}

// most gives the figure of the least of a channel's bounds: those of every
// channel, and one that is granted by the provider.
func (r channelRecovery) most(formula string, inputs []Input, granted func(in []float64) float64) Figure {
	return Figure{
		ID: "recovery." + r.channel, Title: "most " + r.channel + " that can be sent, to drain a backlog", Unit: units.PerSecond, Safe: Low,
		Formula: "min(" + r.workers.ID + ", " + r.connections.ID + formula + ")",
		Inputs:  append([]Input{figure(r.workers.ID), figure(r.connections.ID)}, inputs...),
		Compute: func(in []float64) float64 {
			least := min(in[0], in[1])
			if granted != nil {
				least = min(least, granted(in[2:]))
			}
			return least
		},
	}
}
