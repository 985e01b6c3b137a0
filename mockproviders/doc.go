// Package mockproviders serves the notification providers' own HTTP APIs on
// loopback, so that a notification system can be tested and loaded without
// sending anything: SendGrid, Amazon SES, FCM, APNs, Twilio and Vonage in their
// wire formats, limits and errors, each under a prefix of its name.
//
// A request walks one way, whatever the provider (exchange.go): its wire reads
// it into a [call], the fault script judges it, the account's limits are held
// against it, the [Ledger] records what is accepted, the wire writes the answer,
// and the answer waits for its latency. A provider is added by its wires
// (wire.go); the rest does not change.
//
// What a mock accepted is accepted from the moment it was read, before its
// answer is waited for: a client that gives up waiting cannot know, as with
// the real provider.
//
// Under /_mock stand the ledger, which tells what was accepted, by id, the fault
// script, the limits, and how busy the mocks are. [LedgerClient] reads the ledger
// over HTTP.
package mockproviders
