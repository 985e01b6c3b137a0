package pricing

import (
	"slices"
	"strings"
)

// A size is a machine's size as AWS names it, the last part of a price's id.
type size struct {
	name   string
	factor float64
}

// sizes are the machine sizes that are scaled between, with AWS's
// normalization factors (Amazon EC2 User Guide, "Size flexibility"): within a
// family, a machine of twice the factor has twice the CPUs and memory, and
// twice the price.
func sizes() []size {
	return []size{{"large", 4}, {"xlarge", 8}, {"2xlarge", 16}, {"4xlarge", 32}, {"8xlarge", 64}}
}

// sizeNames lists the names of the sizes.
func sizeNames() []string {
	var names []string
	for _, s := range sizes() {
		names = append(names, s.name)
	}
	return names
}

// sizeIndex finds a size by its name, or -1.
func sizeIndex(name string) int { return slices.Index(sizeNames(), name) }

// A sizeSpan is a range of sizes as indexes of sizes, the second one
// excluded; the zero span is empty.
type sizeSpan struct{ from, to int }

// sizesBetween separates the ends of a span in a book file.
const sizesBetween = ".."

// parseSizes reads a span like "large..8xlarge".
func parseSizes(text string) (sizeSpan, bool) {
	low, high, ok := strings.Cut(text, sizesBetween)
	from, to := sizeIndex(low), sizeIndex(high)
	if !ok || from < 0 || to < from {
		return sizeSpan{}, false
	}
	return sizeSpan{from: from, to: to + 1}, true
}

// splitSize divides an id into its family and its size.
func splitSize(id string) (family, sizeName string, ok bool) {
	dot := strings.LastIndexByte(id, '.')
	if dot < 0 || sizeIndex(id[dot+1:]) < 0 {
		return "", "", false
	}
	return id[:dot], id[dot+1:], true
}

// scaled gives the prices of the sizes that a price spans, its own apart, in
// proportion to their factors.
func (p Price) scaled() []Price {
	family, own, ok := splitSize(p.ID)
	if !ok {
		return nil
	}
	all := sizes()
	base := all[sizeIndex(own)].factor
	var prices []Price
	for _, s := range all[p.sizes.from:p.sizes.to] {
		if s.name == own {
			continue
		}
		q, by := p, s.factor/base
		q.ID = family + "." + s.name
		q.Title = strings.Replace(p.Title, "."+own, "."+s.name, 1)
		q.Value, q.Low, q.High = p.Value*by, p.Low*by, p.High*by
		q.Derived, q.sizes = p.ID, sizeSpan{}
		prices = append(prices, q)
	}
	return prices
}
