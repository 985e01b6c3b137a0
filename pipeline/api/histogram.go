package api

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/go-faster/jx"
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

// NewHistogram reads an HDR histogram of microseconds that tells values from 1 on
// apart.
func NewHistogram(h *hdrhistogram.Histogram) Histogram {
	if h.TotalCount() == 0 {
		return nil
	}
	// h.Distribution gives a bar for each of the thousands of buckets up to the
	// highest value, and nearly all are empty.
	counts := h.Export()
	exact := exactBuckets(counts.SignificantFigures)
	filled := 0
	for _, n := range counts.Counts {
		if n > 0 {
			filled++
		}
	}
	out := make(Histogram, 0, filled)
	for i, n := range counts.Counts {
		if n > 0 {
			out = append(out, Bucket{upperOf(int64(i), exact), n})
		}
	}
	return out
}

// exactBuckets is how many buckets of an HDR histogram are one value wide: the
// first power of two that is at least twice the numbers of so many digits, so
// that no bucket above is wider than a unit of the last digit.
func exactBuckets(digits int64) int64 {
	return 1 << bits.Len64(uint64(2*math.Pow10(int(digits))-1))
}

// upperOf is the highest value of the bucket at a place. Behind those of one value
// come rows of half as many each, and a row's buckets are twice as wide as the
// row's before (Gil Tene's HdrHistogram, countsArrayIndex).
func upperOf(place, exact int64) int64 {
	half := exact / 2
	row := max(place/half-1, 0)
	return (place-row*half+1)<<row - 1
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
	out := make([]byte, 0, len("[]")+len(h)*len("[1000000,10000],"))
	out = append(out, '[')
	for i, b := range h {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(append(out, '['), b[0], 10)
		out = strconv.AppendInt(append(out, ','), b[1], 10)
		out = append(out, ']')
	}
	return append(out, ']'), nil
}

// UnmarshalJSON reads the pairs and refuses what the methods could not be
// right about: unordered buckets, counts below 1, sums beyond 63 bits.
func (h *Histogram) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*h = Histogram{}
		return nil
	}
	r := histogramReader{buckets: make(Histogram, 0, min(bytes.Count(data, []byte{'['}), MaxBuckets))}
	if err := jx.DecodeBytes(data).Arr(r.bucket); err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	*h = r.buckets
	return nil
}

// histogramReader reads a histogram bucket by bucket.
type histogramReader struct {
	buckets Histogram
	total   int64
}

func (r *histogramReader) bucket(d *jx.Decoder) error {
	at := len(r.buckets)
	if at == MaxBuckets {
		return fmt.Errorf("more than %d buckets, at most as many are read", MaxBuckets)
	}
	var pair Bucket
	numbers := 0
	err := d.Arr(func(d *jx.Decoder) error {
		n, err := d.Int64()
		if numbers < len(pair) {
			pair[numbers] = n
		}
		numbers++
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("bucket %d is no pair of whole numbers: %w", at, err)
	case numbers != len(pair):
		return fmt.Errorf("bucket %d has %d numbers, not 2", at, numbers)
	case at > 0 && pair[0] <= r.buckets[at-1][0]:
		return fmt.Errorf("bucket %d: bound %d is not above %d", at, pair[0], r.buckets[at-1][0])
	case pair[0] < 0 || pair[0] > math.MaxInt64/int64(time.Microsecond):
		return fmt.Errorf("bucket %d: bound %d is no duration", at, pair[0])
	case pair[1] < 1:
		return fmt.Errorf("bucket %d: count %d is not positive", at, pair[1])
	case r.total > math.MaxInt64-pair[1]:
		return errors.New("the counts do not fit 63 bits")
	}
	r.total += pair[1]
	r.buckets = append(r.buckets, pair)
	return nil
}
