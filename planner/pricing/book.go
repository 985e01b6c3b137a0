package pricing

import (
	"cmp"
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

//go:embed book/*.yaml
var books embed.FS

// A Book holds the prices of one region. It does not change; any number of
// goroutines may read it.
type Book struct {
	Region string

	written map[string]Price // as the file or the plan has them, by id
	prices  map[string]Price // those, and what is scaled from them by size
	tariffs map[string][]Price
}

// newBook makes a book of the prices that are written down. A size that is
// among them keeps its own price.
func newBook(region string, written map[string]Price) *Book {
	prices := maps.Clone(written)
	for _, p := range written {
		for _, q := range p.scaled() {
			if _, own := written[q.ID]; !own {
				prices[q.ID] = q
			}
		}
	}
	return &Book{Region: region, written: written, prices: prices, tariffs: tariffsOf(written)}
}

// Regions lists the regions that there is an embedded book of.
func Regions() []string {
	files, err := books.ReadDir("book")
	if err != nil {
		panic("BUG: pricing: " + err.Error())
	}
	regions := make([]string, len(files))
	for i, file := range files {
		regions[i] = strings.TrimSuffix(file.Name(), ".yaml")
	}
	return regions
}

// Embedded gives the book of a region that comes with the program. The error
// lists the regions that there are.
func Embedded(region string) (*Book, error) {
	regions := Regions()
	if !slices.Contains(regions, region) {
		return nil, fmt.Errorf("no embedded prices for region %s%s; there are those of %s, and a book of your own can hold any region's",
			yamldoc.Quote(region), meant(region, regions), yamldoc.Listed(regions))
	}
	return embedded()[region], nil
}

// embedded reads the books that come with the program, once.
var embedded = sync.OnceValue(func() map[string]*Book { //nolint:gochecknoglobals // constants, read from what is embedded
	all := make(map[string]*Book)
	for _, region := range Regions() {
		name := "book/" + region + ".yaml"
		text, err := books.ReadFile(name)
		if err != nil {
			panic("BUG: pricing: " + err.Error())
		}
		if all[region], err = Parse(name, text); err != nil {
			panic("BUG: pricing: the embedded book is invalid: " + err.Error())
		}
	}
	return all
})

// Lookup finds a price by its id. The error is a [*MissingPriceError].
func (b *Book) Lookup(id string) (Price, error) {
	if p, ok := b.prices[id]; ok {
		return p, nil
	}
	return Price{}, b.missing(id)
}

// Tariff gives what a thing is charged by: the tiers of a volume tariff in the
// order of their From, or the one price from the first unit on that all others
// have. The tiers of "ses.email" are the prices "ses.email.NAME" that have a
// From. The error is a [*MissingPriceError].
func (b *Book) Tariff(id string) ([]Price, error) {
	if p, ok := b.prices[id]; ok && !p.tier {
		return []Price{p}, nil
	}
	if tiers, ok := b.tariffs[id]; ok {
		return slices.Clone(tiers), nil
	}
	return nil, b.missing(id)
}

// Prices lists all prices of the book, by id.
func (b *Book) Prices() []Price {
	return slices.SortedFunc(maps.Values(b.prices), func(p, q Price) int { return cmp.Compare(p.ID, q.ID) })
}

// tariffOf gives the id of the tariff that a tier's id belongs to.
func tariffOf(id string) string { return id[:max(0, strings.LastIndexByte(id, '.'))] }

// tariffsOf collects the tiers of each tariff, in the order of their From.
func tariffsOf(prices map[string]Price) map[string][]Price {
	tariffs := make(map[string][]Price)
	for id, p := range prices {
		if p.tier {
			tariffs[tariffOf(id)] = append(tariffs[tariffOf(id)], p)
		}
	}
	for _, tiers := range tariffs {
		slices.SortFunc(tiers, func(p, q Price) int {
			return cmp.Or(cmp.Compare(p.From, q.From), cmp.Compare(p.ID, q.ID))
		})
	}
	return tariffs
}

// missing makes the error for an id that there is no price or tariff of.
func (b *Book) missing(id string) error {
	return &MissingPriceError{ID: id, Region: b.Region, Nearest: yamldoc.Nearest(id, b.known())}
}

// known lists the ids of the prices and tariffs.
func (b *Book) known() []string {
	return slices.Concat(slices.Sorted(maps.Keys(b.prices)), slices.Sorted(maps.Keys(b.tariffs)))
}

// A MissingPriceError is a price that is needed and that the book lacks. It is
// never taken for zero.
type MissingPriceError struct {
	ID      string
	Region  string
	Nearest string // an id of the book that may be meant, or ""
}

// Error says what to do about it.
func (e *MissingPriceError) Error() string {
	hint := ""
	if e.Nearest != "" {
		hint = " (did you mean " + e.Nearest + "?)"
	}
	return fmt.Sprintf("no price for %s in %s%s; give it under prices.overrides, or in a book of your own", yamldoc.Quote(e.ID), e.Region, hint)
}
