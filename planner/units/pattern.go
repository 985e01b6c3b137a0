package units

// Pattern gives a regular expression for the texts that [Parse] reads as a
// quantity of the unit, for schemas, with ranges or without. It does not know
// the order of a range, the size of a number or whether it is whole.
func Pattern(u Unit, ranges bool) string {
	const (
		number     = `\d+(\.\d+)?([eE][+-]?\d{1,2})?`
		multiplier = `[KkMGT]?`
		size       = `([kKMGTPE]?B|[KMGTPE]iB)`
		gap        = ` *`
	)
	dollar, unit := ``, ``
	switch u {
	case ByteSize:
		unit = size
	case Seconds:
		unit = `(us|ms|s|min|m|h|d)`
	case PerSecond:
		unit = multiplier + gap + `/` + gap + `(s|min|h|day|d)`
	case BytesPerSecond:
		unit = size + gap + `/` + gap + `s`
	case Ratio:
		unit = `(%|ppm)`
	case DollarsPerMonth:
		dollar = `\$?`
		unit = multiplier + gap + `/` + gap + `(month|year|h)`
	case Dollars:
		dollar = `\$?`
	}
	one := number + gap + multiplier
	if unit != `` {
		one = number + gap + `(` + unit + `|` + multiplier + `)`
	}
	one = gap + dollar + one + gap
	if ranges {
		one += `(\.\.` + one + `)?`
	}
	return `^` + one + `$`
}
