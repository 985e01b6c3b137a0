package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// MaxBuckets bounds a histogram that is read from the wire. An HDR histogram
// of two significant digits from a microsecond to an hour has under 3,000.
const MaxBuckets = 1 << 14

// Bucket is one filled bucket of a [Histogram]: the highest value that falls
// into it, in microseconds, and how many did. On the wire it is a pair.
type Bucket [2]int64

// Upper is the highest value of the bucket.
func (b Bucket) Upper() time.Duration { return time.Duration(b[0]) * time.Microsecond }

// Count is how many values the bucket holds.
func (b Bucket) Count() int64 { return b[1] }

// Histogram is a distribution of durations: its filled buckets, in ascending
// order. Snapshots of one source can be subtracted, and any two be merged. It
// is exact in its counts and, taken from an HDR histogram of two significant
// digits, within 1 % in its values. Its methods never change it.
type Histogram []Bucket

// NewHistogram reads an HDR histogram of microseconds.
func NewHistogram(h *hdrhistogram.Histogram) Histogram {
	var out Histogram
	for _, bar := range h.Distribution() {
		if bar.Count > 0 {
			out = append(out, Bucket{bar.To, bar.Count})
		}
	}
	return out
}

// Count is how many values the histogram holds.
func (h Histogram) Count() int64 {
	n := int64(0)
	for _, b := range h {
		n += b[1]
	}
	return n
}

// Max is the highest value, to the bucket; 0 without values.
func (h Histogram) Max() time.Duration {
	if len(h) == 0 {
		return 0
	}
	return h[len(h)-1].Upper()
}

// Mean is the average, too high by less than a bucket's width; 0 without
// values.
func (h Histogram) Mean() time.Duration {
	sum, n := 0.0, 0.0
	for _, b := range h {
		sum += float64(b[0]) * float64(b[1])
		n += float64(b[1])
	}
	if n == 0 {
		return 0
	}
	return time.Duration(sum / n * float64(time.Microsecond))
}

// Quantile is the smallest value, to the bucket, that at least q of all values
// do not exceed; 0 without values. q is held within 0 and 1.
func (h Histogram) Quantile(q float64) time.Duration {
	total := h.Count()
	if total == 0 {
		return 0
	}
	// The rank as the nearest-rank method has it: ceil(q n), at least 1.
	rank := int64(math.Ceil(min(max(q, 0), 1) * float64(total)))
	rank = min(max(rank, 1), total)
	seen := int64(0)
	for _, b := range h {
		if seen += b[1]; seen >= rank {
			return b.Upper()
		}
	}
	return h.Max()
}

// Merge gives the values of both.
func (h Histogram) Merge(other Histogram) Histogram {
	return combine(h, other, 1)
}

// Sub gives the values that came since an earlier snapshot of the same source.
// An earlier snapshot that holds more is of a source that has started anew
// since: then all values came since.
func (h Histogram) Sub(earlier Histogram) Histogram {
	out := combine(h, earlier, -1)
	for _, b := range out {
		if b[1] < 0 {
			return slices.Clone(h)
		}
	}
	return out
}

// combine adds sign times the counts of b to those of a and leaves out the
// buckets that come to nothing.
func combine(a, b Histogram, sign int64) Histogram {
	out := make(Histogram, 0, max(len(a), len(b)))
	add := func(upper, count int64) {
		if count != 0 {
			out = append(out, Bucket{upper, count})
		}
	}
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0][0] < b[0][0]:
			add(a[0][0], a[0][1])
			a = a[1:]
		case a[0][0] > b[0][0]:
			add(b[0][0], sign*b[0][1])
			b = b[1:]
		default:
			add(a[0][0], a[0][1]+sign*b[0][1])
			a, b = a[1:], b[1:]
		}
	}
	for _, rest := range a {
		add(rest[0], rest[1])
	}
	for _, rest := range b {
		add(rest[0], sign*rest[1])
	}
	return out
}

// MarshalJSON writes the pairs; a histogram without values is an empty list.
func (h Histogram) MarshalJSON() ([]byte, error) {
	if h == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]Bucket(h))
}

// UnmarshalJSON reads the pairs and refuses what the methods could not be
// right about: unordered buckets, counts below 1, sums beyond 63 bits.
func (h *Histogram) UnmarshalJSON(data []byte) error {
	var pairs [][]int64
	if err := json.Unmarshal(data, &pairs); err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	if len(pairs) > MaxBuckets {
		return fmt.Errorf("histogram: %d buckets, at most %d are read", len(pairs), MaxBuckets)
	}
	out := make(Histogram, 0, len(pairs))
	last, total := int64(-1), int64(0)
	for i, pair := range pairs {
		switch {
		case len(pair) != 2:
			return fmt.Errorf("histogram: bucket %d has %d numbers, not 2", i, len(pair))
		case pair[0] <= last:
			return fmt.Errorf("histogram: bucket %d: bound %d is not above %d", i, pair[0], last)
		case pair[0] > math.MaxInt64/int64(time.Microsecond):
			return fmt.Errorf("histogram: bucket %d: bound %d is no duration", i, pair[0])
		case pair[1] < 1:
			return fmt.Errorf("histogram: bucket %d: count %d is not positive", i, pair[1])
		case total > math.MaxInt64-pair[1]:
			return errors.New("histogram: the counts do not fit 63 bits")
		}
		last, total = pair[0], total+pair[1]
		out = append(out, Bucket{pair[0], pair[1]})
	}
	*h = out
	return nil
}
