package planner

// An Outage is what follows when a channel's providers do not answer for a
// time.
type Outage struct {
	Channel  string
	Seconds  float64 // how long it lasts
	AtPeak   bool    // at the design rate, or at the average rate
	Arriving float64 // notifications a second meanwhile
	Backlog  float64 // notifications that wait at its end
	Drain    float64 // seconds until they are gone
	Expired  float64 // notifications that ended as expired
	Extra    float64 // US dollars that it costs, by retries and the backup's price
}
