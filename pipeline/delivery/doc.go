// Package delivery takes notifications from the feed to their providers and
// settles what became of them.
//
// For each channel it holds one lease after another. A goroutine a priority waits
// until a
// batch is due to be cut, takes a worker and something of a provider's quota for
// it, and only then fetches: a batch is as full as it can be when a worker has
// time for it, and what cannot be sent now stays in the queue. A worker is one
// batch in flight. What came of a batch goes to the channel's settler, which
// makes it durable together with the mark; nothing waits for that.
//
// # Providers
//
// A channel has a primary provider and may have a backup, each behind a circuit
// breaker, under a quota and with a budget for retries. A batch is cut for the
// primary and divided when it is sent: each notification goes to the first
// provider whose breaker lets it pass and that takes one of its addresses. With
// no such provider the channel pauses: nothing is fetched, so nothing dies. Of a
// breaker that is half open the next calls find out whether the provider is
// back, with a few notifications each.
//
// A call fails, for the breaker, when at least half of what it carried was
// answered transient, ambiguous or throttled. An open breaker, a spent budget or
// a quota that is used up is not an attempt: what was fetched already is put
// back. And who has used all attempts is dead only if others get through: when
// more calls in a row have failed than it made itself, it is the provider that
// fails, and the notification goes on waiting.
//
// # Scaling
//
// [Delivery.SetWorkers] may be called at any time, also before Run; it never
// ends a batch in flight. [Delivery.Measure] gives what a scaler goes by.
//
// Of several processes each has a share of a channel's partitions. It takes that
// share of the channel's workers and of its providers' quotas, and measures as if
// its own work were such a share of all.
//
// # The end
//
// When it ends it fetches no more, waits for the batches in flight, settles them
// and gives the leases back: nothing is left in doubt. A lease that is taken away
// ends in the same way, though it waits no longer than it is ours; what comes of
// a send after that is recorded all the same. Then the next lease is acquired.
package delivery
