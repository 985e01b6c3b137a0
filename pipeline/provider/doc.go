// Package provider hands rendered notifications to the providers: one client a
// provider, in the provider's own wire format. Against the real service and
// against a mock only the base URL and the credentials differ.
//
// A client takes any number of messages and gives one answer a message, in the
// same order, whatever the provider does:
//
//   - Answers are classified in one place a provider, a table of what its
//     statuses and codes mean; byStatus holds what all have in common.
//   - A call that is refused for what is in it is split until the guilty
//     message stands alone; its neighbours are sent (split.go).
//   - A call that fails keeps every message: transient when the request was
//     certainly not processed, since it was never written in whole; ambiguous
//     when it was written and no answer came (post.go).
//   - What the provider's answer does not mention is ambiguous.
//   - What no call was made with, since there was no time or no credentials, is
//     unsent, which is no attempt.
//
// A provider's words are kept with an answer, without control characters and
// with the recipients in them masked.
//
// No provider takes an idempotency key on a send, so nothing is ever sent again
// here: that is decided by who knows what an ambiguous answer costs.
//
// Requests are written by appending to pooled buffers and answers are scanned,
// without reflection: a notification's share of a call is about a microsecond.
package provider
