package scenarios

import "github.com/notifyctl/notifyctl/planner/units"

// bookedMetrics are about the account, by id.
func bookedMetrics() []metric {
	return []metric{
		booked("delivered", func(a *Account) *int64 { return a.Delivered }),
		booked("suppressed", func(a *Account) *int64 { return a.Suppressed }),
		booked("expired", func(a *Account) *int64 { return a.Expired }),
		booked("rate_dropped", func(a *Account) *int64 { return a.RateDropped }),
		booked("dead", func(a *Account) *int64 { return a.Dead }),
		booked("in_flight", func(a *Account) *int64 { return a.InFlight }),
		booked("lost", func(a *Account) *int64 { return a.Lost }),
		booked("duplicates", func(a *Account) *int64 { return a.Duplicates }),
		booked("unacknowledged", func(a *Account) *int64 { return a.Unacknowledged }),
		booked("ambiguous", func(a *Account) *int64 { return a.Ambiguous }),
		booked("takeovers", func(a *Account) *int64 { return a.Takeovers }),
		arrivedMetric(),
	}
}

// arrivedMetric is about the share of what was accepted that reached a provider.
func arrivedMetric() metric {
	m := booked("arrived", func(a *Account) *int64 { return a.Arrived })
	count := m.measure
	m.unit, m.limit, m.factor = "%", units.Ratio, 100
	m.measure = func(v *view) reading {
		r := count(v)
		switch accepted := v.evidence.account.Accepted; {
		case r.missing != "" || r.open != "":
			return r
		case accepted == 0:
			return reading{missing: "nothing was accepted"}
		default:
			return reading{value: r.value / float64(accepted) * 100}
		}
	}
	return m
}

// booked is about one number of the account.
func booked(name string, of func(*Account) *int64) metric {
	return metric{name: name, limit: units.Whole, factor: 1, by: byAccount, measure: func(v *view) reading {
		account := &v.evidence.account
		n := of(account)
		why := account.why[name]
		switch {
		case n != nil:
			return reading{value: float64(*n), atLeast: why.atLeast}
		case why.open != "":
			return reading{open: why.open}
		case !v.evidence.over:
			return reading{open: "the run is not over"}
		case why.missing == "":
			return reading{missing: "nobody said it"}
		}
		return reading{missing: why.missing}
	}}
}
