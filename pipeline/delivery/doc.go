// Package delivery takes notifications from the feed to their providers and
// settles what became of them.
//
// For each channel it holds one lease. A goroutine a priority waits until a
// batch is due to be cut, takes a worker for it, and only then fetches: a batch
// is as full as it can be when a worker has time for it, and waits for none
// while it is in nobody's hands. A worker is one batch in flight. What came of
// a batch goes to the channel's settler, which makes it durable together with
// the mark; nothing waits for that.
//
// When it ends it fetches no more, waits for the batches in flight, settles
// them and gives the leases back: nothing is left in doubt.
package delivery
