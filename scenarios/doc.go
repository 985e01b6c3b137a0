// Package scenarios runs load scenarios against a notification system and says
// whether what must hold did hold.
//
// A scenario is a file: the stages of the load, the mix of the traffic, and
// the checks. A run brings three witnesses together: the clients (package
// load), the system itself, asked once a second over its HTTP interface, and
// the ledger of the mock providers that it sent to. The account is made from
// them by id: what was answered 202, what the system says became of it, and
// what reached a provider. A check whose witness is missing is not observed,
// and never a pass.
package scenarios
