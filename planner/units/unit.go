package units

// A Unit says what a quantity measures, and with it the base it is kept in.
type Unit uint8

// The units of a plan and of the figures derived from it.
const (
	Scalar          Unit = iota // a plain factor, like a peak factor of 3
	Whole                       // a number of things that cannot be halved
	ByteSize                    // bytes
	Seconds                     // seconds
	PerSecond                   // events a second
	BytesPerSecond              // bytes a second
	Ratio                       // a fraction of one
	DollarsPerMonth             // US dollars a month
	Dollars                     // US dollars for one of something, like a notification or a gigabyte
)

// String names the base of the unit as results state it.
func (u Unit) String() string {
	switch u {
	case Scalar:
		return "number"
	case Whole:
		return "count"
	case ByteSize:
		return "B"
	case Seconds:
		return "s"
	case PerSecond:
		return "/s"
	case BytesPerSecond:
		return "B/s"
	case Ratio:
		return "fraction"
	case DollarsPerMonth:
		return "USD/month"
	case Dollars:
		return "USD"
	}
	panic("BUG: units: unknown unit")
}

// Money reports whether the unit is one of money.
func (u Unit) Money() bool { return u == DollarsPerMonth || u == Dollars }

// MarshalText writes the name that [Unit.String] gives.
func (u Unit) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// Describe says in words what is meant, with an example, for messages and
// schemas.
func (u Unit) Describe() string {
	switch u {
	case Scalar:
		return "a number, like 2.5"
	case Whole:
		return "a whole number, like 12 or 100M"
	case ByteSize:
		return "a size, like 2KB or 4GiB"
	case Seconds:
		return "a duration, like 500ms, 2m or 7d"
	case PerSecond:
		return "a rate, like 50K/s or 600K/min"
	case BytesPerSecond:
		return "a bandwidth, like 24MB/s"
	case Ratio:
		return "a fraction, like 60% or 0.6"
	case DollarsPerMonth:
		return "an amount of money a month, like $50K/month"
	case Dollars:
		return "a price in US dollars, like $0.0083"
	}
	panic("BUG: units: unknown unit")
}

// A fraction is an exact factor, num/den.
type fraction struct{ num, den int64 }

// multiplier gives the factor of the prefix of a plain number or a rate.
func multiplier(prefix string) (factor int64, ok bool) {
	switch prefix {
	case "":
		return 1, true
	case "K", "k":
		return 1e3, true
	case "M":
		return 1e6, true
	case "G":
		return 1e9, true
	case "T":
		return 1e12, true
	}
	return 0, false
}

// size gives the bytes of a suffix: decimal, or binary with an i.
func size(suffix string) (bytes int64, ok bool) {
	switch suffix {
	case "B":
		return 1, true
	case "KB", "kB":
		return 1e3, true
	case "MB":
		return 1e6, true
	case "GB":
		return 1e9, true
	case "TB":
		return 1e12, true
	case "PB":
		return 1e15, true
	case "EB":
		return 1e18, true
	case "KiB":
		return 1 << 10, true
	case "MiB":
		return 1 << 20, true
	case "GiB":
		return 1 << 30, true
	case "TiB":
		return 1 << 40, true
	case "PiB":
		return 1 << 50, true
	case "EiB":
		return 1 << 60, true
	}
	return 0, false
}

// duration gives the seconds of a suffix. A bare m is minutes; a month is no
// fixed time, so it is no suffix of a duration.
func duration(suffix string) (seconds fraction, ok bool) {
	switch suffix {
	case "us":
		return fraction{1, 1e6}, true
	case "ms":
		return fraction{1, 1e3}, true
	case "s":
		return fraction{1, 1}, true
	case "m", "min":
		return fraction{60, 1}, true
	case "h":
		return fraction{3600, 1}, true
	case "d":
		return fraction{86_400, 1}, true
	}
	return fraction{}, false
}

// period gives the seconds that a rate is counted over.
func period(suffix string) (seconds int64, ok bool) {
	switch suffix {
	case "s":
		return 1, true
	case "min":
		return 60, true
	case "h":
		return 3600, true
	case "day", "d":
		return 86_400, true
	}
	return 0, false
}

// HoursPerMonth is the month of every price, as cloud providers count it.
const HoursPerMonth = 730

// billing gives how often a month an amount of money is due.
func billing(suffix string) (perMonth fraction, ok bool) {
	switch suffix {
	case "month":
		return fraction{1, 1}, true
	case "year":
		return fraction{1, 12}, true
	case "h":
		return fraction{HoursPerMonth, 1}, true
	}
	return fraction{}, false
}
