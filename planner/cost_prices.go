package planner

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/notifyctl/notifyctl/planner/pricing"
	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// Prices say by which book the parts of a system are charged, what they run on,
// and what else the bill is reckoned from.
type Prices struct {
	Region    string         `json:"region"`
	Book      FileName       `json:"book"`
	MaxAge    units.Duration `json:"max_age"`
	Overrides Overrides      `json:"overrides"`
	Machines  Machines       `json:"machines"`
	Usage     Usage          `json:"usage"`
}

// Machines name the machine that each part runs on, as the price book does.
type Machines struct {
	Gateway       string `json:"gateway"`
	Service       string `json:"service"`
	Workers       string `json:"workers"`
	Kafka         string `json:"kafka"`
	Postgres      string `json:"postgres"`
	Cassandra     string `json:"cassandra"`
	CassandraDisk string `json:"cassandra_disk" oneof:"local gp3"`
	Redis         string `json:"redis"`
}

// Usage is what the bill is reckoned from besides the sizes of the parts.
type Usage struct {
	WorkersPerMachine units.Count    `json:"workers_per_machine"`
	PushSize          units.Bytes    `json:"push_size"` // of one message as it goes to the provider
	EmailSize         units.Bytes    `json:"email_size"`
	SMSSize           units.Bytes    `json:"sms_size"`
	Backups           units.Fraction `json:"backups" min:"0" max:"100"` // beyond what is included, of the primaries' disks
	Retries           units.Fraction `json:"retries" min:"0"`           // of what is sent, sent and charged again
	Failover          units.Fraction `json:"failover" min:"0"`          // of what is sent, sent and charged by the backup, too
}

// A FileName is the name of a file that a plan refers to, relative to the plan's
// own; "" is none.
type FileName string

// ParseFileName reads the name of a file.
func ParseFileName(text string) (FileName, error) {
	const most = 4096
	if len(text) > most || strings.ContainsFunc(text, unicode.IsControl) {
		return "", fmt.Errorf("accepted is the name of a file of at most %d bytes without control characters", most)
	}
	return FileName(text), nil
}

// A priceUse is a price that a plan's figures are computed from.
type priceUse struct {
	id   string // of a price, or of a tariff of several tiers
	unit pricing.Unit
	key  string // of the plan that chose it, "" for none
}

// priceBook holds the prices of a plan, its own among them. Those may be ranges,
// so there are two books: one has their low ends, one their high ends. In
// everything else the two are alike.
type priceBook struct{ low, high *pricing.Book }

// tariff gives what a use is charged by, tier by tier. Without a book, or with
// one that lacks it, that is the price of its id alone, which then is missing.
func (b *priceBook) tariff(use priceUse) []pricing.Price {
	if b != nil {
		if tiers, err := b.high.Tariff(use.id); err == nil {
			return tiers
		}
	}
	return []pricing.Price{{ID: use.id, Unit: use.unit}}
}

// price gives a price and the range that it lies in.
func (b *priceBook) price(id string) (pricing.Price, units.Range, error) {
	low, err := b.low.Lookup(id)
	if err != nil {
		return pricing.Price{}, units.Range{}, err
	}
	high, err := b.high.Lookup(id)
	return high, units.Range{Low: low.Value, High: high.Value}, err
}

// quantity says what a price measures, and the bounds that it keeps to: of a
// discount a share, of all else dollars.
func (b *priceBook) quantity(id string) (units.Unit, bounds) {
	if p, err := b.high.Lookup(id); err == nil && p.Unit == pricing.Fraction {
		return units.Ratio, bounds{max: 1}
	}
	return units.Dollars, bounds{max: units.Max}
}

// openPrices resolves the prices of a plan, and finds what is wrong with them.
// Every price that a figure needs must be there: what is missing would be taken
// for free.
func (p *Plan) openPrices(in Document) []yamldoc.Fault {
	book, faults := p.openBook(in)
	if len(faults) > 0 {
		return faults
	}
	uses := pricesUsed(p.choices())
	if p.book, faults = p.overridden(book, uses); len(faults) > 0 {
		return faults
	}
	seen := make(map[string]bool)
	for _, use := range uses {
		if seen[use.id] {
			continue
		}
		seen[use.id] = true
		if message := p.book.lacks(use); message != "" {
			at := p.priceKey(use)
			faults = append(faults, yamldoc.Fault{Source: p.sources[at], Key: at, Message: message})
		}
	}
	return faults
}

// lacks says why a book cannot serve a use, "" if it can.
func (b *priceBook) lacks(use priceUse) string {
	tiers, err := b.high.Tariff(use.id)
	if err != nil {
		return err.Error()
	}
	if tiers[0].Unit != use.unit {
		return fmt.Sprintf("the price %s is for one %s; needed is one for one %s", use.id, tiers[0].Unit, use.unit)
	}
	return ""
}

// priceKey gives the key of the plan by which a price is needed: the one that
// chose it or, where that is a default, the user's book.
func (p *Plan) priceKey(use priceUse) string {
	chosen := use.key != "" && p.sources[use.key].File != referenceName
	switch {
	case p.Prices.Book != "" && !chosen:
		return "prices.book"
	case use.key != "":
		return use.key
	}
	return "prices.region"
}

// openBook gives the book that the plan names: a file's, or the embedded one of
// its region. A region that is left out is that of the file.
func (p *Plan) openBook(in Document) (*pricing.Book, []yamldoc.Fault) {
	name := string(p.Prices.Book)
	if name == "" {
		book, err := pricing.Embedded(p.Prices.Region)
		if err != nil {
			return nil, []yamldoc.Fault{{Source: p.sources["prices.region"], Key: "prices.region", Message: err.Error()}}
		}
		return book, nil
	}
	unreadable := func(why string) []yamldoc.Fault {
		return []yamldoc.Fault{{Source: p.sources["prices.book"], Key: "prices.book", Message: why}}
	}
	if in.ReadFile == nil {
		return nil, unreadable("no files are read here; leave it out to take the embedded prices")
	}
	text, err := in.ReadFile(name)
	if err != nil {
		return nil, unreadable(err.Error() + "; accepted is a readable YAML file, by its name relative to the plan's")
	}
	book, err := pricing.Parse(in.beside(name), text)
	if err != nil {
		return nil, yamldoc.FaultsOf(err)
	}
	if at := p.sources["prices.region"]; at.File == referenceName {
		p.Prices.Region = book.Region
	} else if p.Prices.Region != book.Region {
		return nil, []yamldoc.Fault{{Source: at, Key: "prices.region", Message: fmt.Sprintf("%s; the book %s has the prices of %s",
			yamldoc.Quote(p.Prices.Region), yamldoc.Quote(name), yamldoc.Quote(book.Region))}}
	}
	return book, nil
}

// beside gives the name that messages call a file by which a document refers to.
func (in Document) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(in.Name), name)
}
