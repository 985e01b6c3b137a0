// Package autoscale is the loop that measures, asks policy and applies: workers
// for each channel, gateways for each region.
//
// Policy wishes; the loop grants within bounds, and shows both. What it adds
// serves only after a start delay, as a new machine would. What it takes away is
// first what has not started, then what serves: at once, but whatever that has in
// hand it ends. A count of what runs and what starts is what policy is asked
// about, so that nothing is asked for twice.
package autoscale
