package pricing

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// BookVersion is the version of the book file that this package reads.
const BookVersion = "1"

// Parse reads a book file, called name in messages. The error is an
// [*yamldoc.InvalidError] with the faults that were found, by line and column; what
// prices are to each other is checked once each is sound.
//
// A file names its region, the sources it was read from, and the prices:
//
//	version: 1
//	region: us-east-1
//	sources:
//	  ec2: {page: Amazon EC2 On-Demand Pricing, url: "https://aws.amazon.com/ec2/pricing/on-demand/", as_of: 2026-07-20, confidence: high}
//	  ses: {page: Amazon SES pricing, as_of: 2026-07-22, confidence: high}
//	prices:
//	  ec2.c7g.xlarge:       {title: EC2 c7g.xlarge, value: 0.145, unit: instance-hour, source: ec2, sizes: large..8xlarge}
//	  ses.email.first_10m:  {title: "SES, the first 10M", value: 0.16, per: 1000, unit: email, source: ses, from: 0}
//	  ses.email.above_10m:  {title: "SES, above 10M", value: 0.14, per: 1000, unit: email, source: ses, from: 10000000}
//
// value is in US dollars for one unit, or for as many as per says; low and high
// bound it where sources disagree; of a fraction it is the share taken off.
// from makes the price a tier of the tariff that is named by the id without its
// last part. sizes has the sizes of the same family scaled from the price, in
// proportion to the machine, but for those that have a price of their own. note
// is for the reader.
func Parse(name string, text []byte) (*Book, error) {
	body, err := yamldoc.Parse(name, text)
	if err != nil {
		return nil, err
	}
	d := decoder{file: name, sources: make(map[string]source), prices: make(map[string]Price), places: make(map[string]*token.Token)}
	region := d.book(body)
	if len(d.faults) == 0 { // or what is missing would be called at odds with the rest
		d.checkTariffs()
		d.checkSizes()
	}
	if err := yamldoc.Invalid(d.faults); err != nil {
		return nil, err
	}
	return newBook(region, d.prices), nil
}

// A source is a page that prices were read on.
type source struct {
	text       string
	asOf       time.Time
	confidence Confidence
}

// maxFaults is how many faults one reading lists; one more says that there are
// others.
const maxFaults = 100

// A decoder reads a book from the nodes of its file, and goes on after a fault
// so that one reading finds them all.
type decoder struct {
	file    string
	sources map[string]source
	prices  map[string]Price
	places  map[string]*token.Token // where each price starts
	faults  []yamldoc.Fault
}

// fault notes what is wrong with the value or key at t.
func (d *decoder) fault(t *token.Token, path, format string, args ...any) {
	if len(d.faults) > maxFaults {
		return
	}
	if len(d.faults) == maxFaults {
		path, format, args = "", "more than %d faults; the others are left out", []any{maxFaults}
	}
	place := yamldoc.SourceOf(t)
	place.File = d.file
	d.faults = append(d.faults, yamldoc.Fault{Source: place, Key: path, Message: fmt.Sprintf(format, args...)})
}

// book decodes the whole file and gives its region.
func (d *decoder) book(body ast.Node) string {
	f, ok := d.fields("", body, "version", "region", "sources", "prices")
	if !ok {
		return ""
	}
	d.version(f)
	region := d.text(f, "region")
	if region != "" && !isWord(region) {
		d.fault(f.nodes["region"].GetToken(), "region", "%s; accepted is a name like us-east-1", yamldoc.Quote(region))
	}
	for _, p := range d.section(f, "sources") {
		d.source(p)
	}
	for _, p := range d.section(f, "prices") {
		if len(d.faults) > maxFaults {
			break
		}
		d.price(p)
	}
	return region
}

// version accepts the one version there is.
func (d *decoder) version(f fields) {
	if v := d.text(f, "version"); v != "" && v != BookVersion {
		d.fault(f.nodes["version"].GetToken(), "version", "%s; accepted is %s", yamldoc.Quote(v), BookVersion)
	}
}

// section gives the entries of one of the file's mappings.
func (d *decoder) section(f fields, key string) []yamldoc.Entry {
	node, ok := f.nodes[key]
	if !ok {
		d.fault(f.start, key, "missing")
		return nil
	}
	pairs, _ := yamldoc.Mapping(key, node, d.fault)
	return pairs
}

// source decodes one source.
func (d *decoder) source(entry yamldoc.Entry) {
	path := "sources." + entry.Key
	f, ok := d.fields(path, entry.Value, "page", "url", "as_of", "confidence")
	if !ok {
		return
	}
	s := source{text: d.text(f, "page"), asOf: d.date(f, "as_of")}
	s.confidence = word(d, f, "confidence", Confidences())
	if url := d.optional(f, "url"); url != "" {
		if !strings.HasPrefix(url, "https://") || strings.ContainsAny(url, " \"<>") {
			d.fault(f.nodes["url"].GetToken(), path+".url", "%s; accepted is an address that starts with https://", yamldoc.Quote(url))
		}
		s.text += ", " + url
	}
	d.sources[entry.Key] = s
}

// price decodes one price.
func (d *decoder) price(entry yamldoc.Entry) {
	path := "prices." + entry.Key
	if !isID(entry.Key) {
		d.fault(entry.Token, path, badID)
	}
	f, ok := d.fields(path, entry.Value, "title", "value", "per", "low", "high", "unit", "source", "from", "sizes", "note")
	if !ok {
		return
	}
	p := Price{ID: entry.Key, Title: d.text(f, "title"), Note: d.optional(f, "note")}
	p.Unit = word(d, f, "unit", Units())
	d.amounts(f, &p)
	d.cite(f, &p)
	if _, p.tier = f.nodes["from"]; p.tier {
		p.From, _ = d.number(f, "from")
	}
	d.sizes(f, &p)
	d.prices[p.ID], d.places[p.ID] = p, entry.Token
}

// amounts decodes a price's value and its bounds, each for one unit.
func (d *decoder) amounts(f fields, p *Price) {
	per := 1.0
	if _, ok := f.nodes["per"]; ok {
		if per, ok = d.number(f, "per"); ok && per < 1 {
			d.fault(f.nodes["per"].GetToken(), f.path+".per", "accepted is how many units the value is for, 1 or more")
		}
		per = max(per, 1)
	}
	amount := func(key string) float64 {
		quoted, ok := d.number(f, key)
		if !ok {
			return 0
		}
		v := decimal(quoted / per)
		if message := checkValue(v, p.Unit); message != "" {
			d.fault(f.nodes[key].GetToken(), f.path+"."+key, "%s", message)
		}
		return v
	}
	p.Value = amount("value")
	p.Low, p.High = p.Value, p.Value
	low, high := f.nodes["low"], f.nodes["high"]
	if low == nil && high == nil {
		return
	}
	p.Low, p.High = amount("low"), amount("high")
	if low != nil && high != nil && (p.Low > p.Value || p.Value > p.High) {
		d.fault(low.GetToken(), f.path+".low", "low, value and high are not in this order")
	}
}

// cite takes over what a price's source says.
func (d *decoder) cite(f fields, p *Price) {
	key := d.text(f, "source")
	if key == "" {
		return
	}
	s, ok := d.sources[key]
	if !ok {
		names := slices.Sorted(maps.Keys(d.sources))
		d.fault(f.nodes["source"].GetToken(), f.path+".source", "%s is none of the sources%s; accepted is %s", yamldoc.Quote(key), meant(key, names), yamldoc.Listed(names))
		return
	}
	p.Source, p.AsOf, p.Confidence = s.text, s.asOf, s.confidence
}

// sizes decodes which sizes are scaled from a price.
func (d *decoder) sizes(f fields, p *Price) {
	text := d.optional(f, "sizes")
	if text == "" {
		return
	}
	node, path := f.nodes["sizes"], f.path+".sizes"
	span, ok := parseSizes(text)
	_, own, sized := splitSize(p.ID)
	switch {
	case !ok:
		d.fault(node.GetToken(), path, "%s; accepted is a span of %s, like large..8xlarge", yamldoc.Quote(text), yamldoc.Listed(sizeNames()))
	case !sized:
		d.fault(node.GetToken(), path, "the id does not end with a size, as %s.large would", p.ID)
	case !strings.Contains(p.Title, "."+own):
		d.fault(node.GetToken(), path, "the title does not name the size .%s, so the other sizes' titles cannot be told", own)
	case p.tier:
		d.fault(node.GetToken(), path, "a tier has no sizes; leave out sizes or from")
	default:
		p.sizes = span
	}
}

// checkTariffs checks each tariff as a whole, each tier against the one below
// it.
func (d *decoder) checkTariffs() {
	tariffs := tariffsOf(d.prices)
	for _, tariff := range slices.Sorted(maps.Keys(tariffs)) {
		_, flat := d.prices[tariff]
		tiers := tariffs[tariff]
		for i, p := range tiers {
			place, path := d.places[p.ID], "prices."+p.ID
			switch {
			case tariff == "":
				d.fault(place, path, "a tier's id is its tariff's and a name of its own, like egress.first_10tb")
			case flat:
				d.fault(place, path, "%s has a price of its own; leave out that one or its tiers", tariff)
			case i == 0 && p.From != 0:
				d.fault(place, path+".from", "the first tier of %s starts here; accepted is 0", tariff)
			case i > 0 && p.From == tiers[i-1].From:
				d.fault(place, path+".from", "%s starts there, too", tiers[i-1].ID)
			case i > 0 && p.Unit != tiers[i-1].Unit:
				d.fault(place, path+".unit", "%s is priced by %s; accepted is one unit for all tiers", tiers[i-1].ID, tiers[i-1].Unit)
			}
		}
	}
}

// checkSizes refuses two prices that one size would be scaled from.
func (d *decoder) checkSizes() {
	from := make(map[string]string)
	for _, id := range slices.Sorted(maps.Keys(d.prices)) {
		for _, q := range d.prices[id].scaled() {
			_, own := d.prices[q.ID]
			first, again := from[q.ID]
			if again && !own {
				d.fault(d.places[id], "prices."+id+".sizes", "%s is scaled from %s, too; accepted is one of them", q.ID, first)
			}
			from[q.ID] = id
		}
	}
}
