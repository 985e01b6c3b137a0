package catalog

import "strconv"

// ParseRunRef reads the ref of a load run's notification, "run-sequence": all
// before the last hyphen names the run, the rest is a decimal number of 32
// bits, spelt as [AppendRunRef] spells it. Other refs are their clients' own.
// The run is a part of ref, so that reading bytes allocates nothing.
func ParseRunRef[T string | []byte](ref T) (run T, sequence uint32, ok bool) {
	at := len(ref) - 1
	for at >= 0 && ref[at] != '-' {
		at--
	}
	if at < 1 {
		return run, 0, false
	}
	sequence, ok = decimal(ref[at+1:])
	if !ok {
		return run, 0, false
	}
	return ref[:at], sequence, true
}

// AppendRunRef appends the ref of a load run's notification to b; it is the
// inverse of [ParseRunRef].
func AppendRunRef(b []byte, run string, sequence uint32) []byte {
	b = append(b, run...)
	b = append(b, '-')
	return strconv.AppendUint(b, uint64(sequence), 10)
}

// decimal reads a number of 32 bits. One number has one spelling, so that two
// refs never stand for the same notification: a leading zero, like a sign,
// makes it no number.
func decimal[T string | []byte](s T) (uint32, bool) {
	if len(s) == 0 || len(s) > 10 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	var n uint64
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return uint32(n), n <= 1<<32-1
}
