package planner_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/pricing"
	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// priced loads a plan beside the files that it may name.
func priced(text string, files map[string]string, assignments ...string) (*planner.Plan, error) {
	return planner.Load(planner.Document{
		Name: "plan.yaml", Text: []byte(text), Assignments: assignments, Today: today(),
		ReadFile: func(name string) ([]byte, error) {
			text, ok := files[name]
			if !ok {
				return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
			}
			return []byte(text), nil
		},
	})
}

// otherBook is the embedded book under the name of another region, all prices
// but those of machines on EC2 alike.
func otherBook() string {
	book, err := pricing.Embedded("us-east-1")
	if err != nil {
		panic(err)
	}
	var b strings.Builder
	b.WriteString("version: 1\nregion: eu-west-1\nsources:\n  mine: {page: A quotation, as_of: 2026-11-01, confidence: medium}\nprices:\n")
	for _, p := range book.Prices() {
		value := p.Value
		if strings.HasPrefix(p.ID, "ec2.") {
			value *= 2
		}
		tier := ""
		if p.From > 0 || strings.Contains(p.ID, ".first_") {
			tier = fmt.Sprintf(", from: %.0f", p.From)
		}
		fmt.Fprintf(&b, "  %s: {title: %q, value: %.12f, unit: %s, source: mine%s}\n", p.ID, p.Title, value, p.Unit, tier)
	}
	return b.String()
}

func TestPricesNameEveryFault(t *testing.T) {
	book := otherBook()
	const missing = `give it under prices.overrides, or in a book of your own`
	for _, tt := range []struct {
		name, text string
		want       string
	}{
		{
			"a machine that there is no price of", "version: 1\nprices:\n  machines: {gateway: c9g.xlarge}\n",
			`plan.yaml:3:23: prices.machines.gateway: no price for "ec2.c9g.xlarge" in us-east-1 (did you mean ec2.c7g.xlarge?); ` + missing,
		},
		{
			"another region", "version: 1\nprices: {region: mars-1}\n",
			`plan.yaml:2:18: prices.region: no embedded prices for region "mars-1"; there are those of us-east-1, and a book of your own can hold any region's`,
		},
		{
			"no book", "version: 1\nprices: {book: none.yaml}\n",
			`plan.yaml:2:16: prices.book: none.yaml: file does not exist; accepted is a readable YAML file, by its name relative to the plan's`,
		},
		{
			"a broken book", "version: 1\nprices: {book: broken.yaml}\n",
			"broken.yaml:1:1: sources: missing\nbroken.yaml:1:1: prices: missing\nbroken.yaml:2:9: region: ",
		},
		{
			"a book of too little", "version: 1\nprices: {book: little.yaml}\n",
			`plan.yaml:2:16: prices.book: no price for "alb.hour" in eu-west-1; ` + missing,
		},
		{
			"a price by another unit", "version: 1\nprices: {book: odd.yaml}\n",
			`plan.yaml:2:16: prices.book: the price alb.hour is for one month; needed is one for one hour`,
		},
		{
			"a region that the book is not of", "version: 1\nprices: {region: us-east-1, book: book.yaml}\n",
			`plan.yaml:2:18: prices.region: "us-east-1"; the book "book.yaml" has the prices of "eu-west-1"`,
		},
		{"prices of one's own", "version: 1\nprices:\n  overrides:\n    twilio.sms.segmnt: $0.007\n    discount.commitment_1y: $3\n    fcm.push: 10%\n    nat.hour: 5/s\n    alb.hour:\n", strings.Join([]string{
			"plan.yaml:7:15: prices.overrides.nat.hour: 5/s is a rate of events; accepted is a price in US dollars, like $0.0083",
			"plan.yaml:8:5: prices.overrides.alb.hour: no value; leave the key out to take the book's price",
		}, "\n")},
		{"prices that are none", "version: 1\nprices:\n  overrides:\n    twilio.sms.segmnt: $0.007\n    discount.commitment_1y: $3\n    fcm.push: 10%\n", strings.Join([]string{
			"plan.yaml:4:24: prices.overrides.twilio.sms.segmnt: neither a price of the book of us-east-1 nor one that the plan needs; did you mean twilio.sms.segment?",
			"plan.yaml:5:29: prices.overrides.discount.commitment_1y: a discount; accepted is the share taken off, like 28%",
			"plan.yaml:6:15: prices.overrides.fcm.push: a percentage; accepted is the price of one notification, like $0.0083",
		}, "\n")},
		{
			"a discount of more than all", "version: 1\nprices:\n  overrides: {discount.commitment_1y: 120%}\n",
			"plan.yaml:3:39: prices.overrides.discount.commitment_1y: 1.2; accepted is 0 to 1 of another price",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := priced(tt.text, map[string]string{
				"book.yaml":   book,
				"broken.yaml": "version: 1\nregion: \"\"\n",
				"little.yaml": dropPrice(book, "alb.hour"),
				"odd.yaml":    strings.Replace(book, "value: 0.022500000000, unit: hour", "value: 0.022500000000, unit: month", 1),
			})
			var invalid *yamldoc.InvalidError
			if !errors.As(err, &invalid) || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got:\n%v\nwant:\n%s", err, tt.want)
			}
		})
	}
	if _, err := planner.Load(planner.Document{Assignments: []string{"prices.book=book.yaml"}}); err == nil ||
		!strings.Contains(err.Error(), "--set prices.book=book.yaml: prices.book: no files are read here") {
		t.Errorf("a book without a reader: %v", err)
	}
}

// dropPrice takes a price out of a book's text.
func dropPrice(book, id string) string {
	var kept []string
	for line := range strings.Lines(book) {
		if !strings.HasPrefix(line, "  "+id+":") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// A book of one's own has its region's prices; what it does not say of itself,
// the plan need not say either.
func TestAnotherBook(t *testing.T) {
	p, err := priced("version: 1\nprices: {book: book.yaml}\n", map[string]string{"book.yaml": otherBook()})
	if err != nil {
		t.Fatal(err)
	}
	e, err := planner.NewEstimate(p)
	if err != nil {
		t.Fatal(err)
	}
	if p.Prices.Region != "eu-west-1" {
		t.Errorf("the region is %s, want the book's", p.Prices.Region)
	}
	checkValues(t, e, map[string]float64{
		"cost.gateway.machines": 36 * 730 * 0.29, "cost.redis": 6 * 730 * 0.437, "cost.providers.email": 993_200,
	})
	if x, err := e.Explain("ec2.c7g.xlarge"); err != nil || x.Source != "A quotation, 2026-11-01, medium confidence" {
		t.Errorf("the price is explained as %+v, error %v", x, err)
	}
}

func TestOverrides(t *testing.T) {
	const text = "version: 1\nprices:\n  machines: {gateway: c9g.xlarge}\n  overrides:\n" +
		"    ec2.c9g.xlarge: $0.20\n    ses.email: $0.0001\n    msk.m7g.large: $0.25\n    discount.commitment_1y: 30%\n    twilio.sms.carrier: $0.0025..0.0062\n"
	p, err := priced(text, nil, "prices.overrides.twilio.sms.segment=$0.008")
	if err != nil {
		t.Fatal(err)
	}
	e, err := planner.NewEstimate(p)
	if err != nil {
		t.Fatal(err)
	}
	checkValues(t, e, map[string]float64{
		"cost.gateway.machines": 36 * 730 * 0.2,
		"cost.providers.email":  900_000,        // one price in place of three tiers
		"cost.kafka.brokers":    12 * 730 * 0.5, // twice the large's
		"cost.providers.sms":    3e9 * 0.008,
		"savings.reserved":      (20*0.2+(11+9)*0.145)*730*0.3 + (9855+6599.2+1914.06)*0.3,
	})
	if d, _ := e.Figure("cost.providers.sms_carriers"); d.Range != (units.Range{Low: 3e9 * 0.0025, High: 3e9 * 0.0062}) {
		t.Errorf("a range of a price gives %v", d.Range)
	}
	for id, want := range map[string]string{
		"ec2.c9g.xlarge":     "the plan (plan.yaml:5), 2026-11-24, high confidence",
		"twilio.sms.segment": "the plan (--set prices.overrides.twilio.sms.segment=$0.008), 2026-11-24, high confidence",
	} {
		if x, err := e.Explain(id); err != nil || x.Source != want {
			t.Errorf("%s is from %q, error %v, want %q", id, x.Source, err, want)
		}
	}
	sampling, err := e.Sample(200, 1)
	if err != nil {
		t.Fatal(err)
	}
	if moved := sampling.Influences["cost.providers.sms_carriers"]; len(moved) != 1 || moved[0].Input.ID != "twilio.sms.carrier" {
		t.Errorf("the carriers' fees are moved by %v, want their price", moved)
	}
}

// Written out and read again, a plan has the same prices of its own.
func TestOverridesAreWrittenAsTheyAreRead(t *testing.T) {
	p, err := priced("version: 1\nprices: {overrides: {alb.hour: $0.03, discount.valkey: 25%, nat.gb: $0.04..0.05}}\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if want := `"overrides":{"alb.hour":"$0.03","discount.valkey":"25%","nat.gb":"$0.04..$0.05"}`; !strings.Contains(string(text), want) {
		t.Errorf("written as %s, want %s in it", text, want)
	}
	again, err := priced(string(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(again.Prices) != fmt.Sprint(p.Prices) {
		t.Errorf("read again as %v, want %v", again.Prices, p.Prices)
	}
}
