package scenarios

import "fmt"

// mergeAccounts adds up the accounts of shards, each of which is about its own
// notifications. What is in flight, ambiguous or taken over the system counts of
// all that it holds, and the shards differ only by when they asked last: the most
// that any saw is what can be relied on.
func mergeAccounts(shards []*Result) Account {
	sum := Account{why: map[string]reason{}}
	for _, s := range shards {
		sum.Accepted += s.Ledger.Accepted
	}
	for _, part := range []struct {
		name string
		of   func(*Account) **int64
	}{
		{"delivered", func(a *Account) **int64 { return &a.Delivered }},
		{"suppressed", func(a *Account) **int64 { return &a.Suppressed }},
		{"expired", func(a *Account) **int64 { return &a.Expired }},
		{"rate_dropped", func(a *Account) **int64 { return &a.RateDropped }},
		{"dead", func(a *Account) **int64 { return &a.Dead }},
		{"duplicates", func(a *Account) **int64 { return &a.Duplicates }},
		{"lost", func(a *Account) **int64 { return &a.Lost }},
		{"unacknowledged", func(a *Account) **int64 { return &a.Unacknowledged }},
		{"arrived", func(a *Account) **int64 { return &a.Arrived }},
	} {
		total := int64(0)
		*part.of(&sum) = &total
		for _, s := range shards {
			n := *part.of(&s.Ledger)
			if n == nil {
				*part.of(&sum) = nil
				sum.why[part.name] = unknownTo(s, part.name)
				break
			}
			total += *n
		}
	}
	for _, s := range shards {
		sum.InFlight = most(sum.InFlight, s.Ledger.InFlight)
		sum.Ambiguous = most(sum.Ambiguous, s.Ledger.Ambiguous)
		sum.Takeovers = most(sum.Takeovers, s.Ledger.Takeovers)
	}
	if sum.Lost != nil && *sum.Lost > 0 && sum.InFlight != nil && *sum.InFlight > 0 {
		sum.why["lost"] = reason{atLeast: true}
	}
	return sum
}

// unknownTo says why a shard could not tell a number of the account: by its check
// of it, if it has one.
func unknownTo(s *Result, name string) reason {
	why := fmt.Sprintf("shard %d of %d did not see it", s.Shard.Index, s.Shard.Of)
	for _, c := range s.Checks {
		if c.Subject != name || c.Why == "" {
			continue
		}
		why += ": " + c.Why
		if c.Verdict == Inconclusive {
			return reason{open: why}
		}
		break
	}
	return reason{missing: why}
}
