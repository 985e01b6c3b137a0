package pricing_test

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/planner/pricing"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// small is a book that has one of everything.
const small = `version: 1
region: eu-north-1
sources:
  list: {page: The list, url: "https://example.com/prices", as_of: 2026-10-01, confidence: medium}
prices:
  ec2.c7g.xlarge: {title: c7g.xlarge, value: 0.2, unit: instance-hour, source: list, sizes: large..2xlarge}
  mail.first: {title: The first million, value: 0.2, per: 1000, unit: email, source: list, from: 0}
  mail.above: {title: Above, value: 0.1, per: 1000, unit: email, source: list, from: 1000000}
  sms: {title: SMS, value: 9, low: 8, high: 12, per: 1000, unit: segment, source: list, note: "About, and more abroad."}
`

func TestParse(t *testing.T) {
	book, err := pricing.Parse("small.yaml", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	if book.Region != "eu-north-1" || len(book.Prices()) != 6 {
		t.Errorf("%d prices of %s, want 6 of eu-north-1", len(book.Prices()), book.Region)
	}
	got := lookup(t, book, "sms")
	want := pricing.Price{
		ID: "sms", Title: "SMS", Value: 0.009, Low: 0.008, High: 0.012, Unit: pricing.Segment,
		Source: "The list, https://example.com/prices", AsOf: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC),
		Confidence: pricing.Medium, Note: "About, and more abroad.",
	}
	if got != want {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if _, err := book.Lookup("ec2.c7g.4xlarge"); err == nil {
		t.Error("a size outside the span has a price")
	}
}

// TestParseNamesEveryFault changes the small book and reads it.
func TestParseNamesEveryFault(t *testing.T) {
	const ec2 = "  ec2.c7g.xlarge: {title: c7g.xlarge, value: 0.2, unit: instance-hour, source: list, sizes: large..2xlarge}\n"
	for _, tt := range []struct {
		name     string
		old, new string
		want     string // every fault, one a line
	}{
		{"negative", "value: 0.2, unit", "value: -0.2, unit", `b.yaml:6:46: prices.ec2.c7g.xlarge.value: "-0.2"; accepted is a number, 0 or more, like 0.145`},
		{"not a number", "value: 0.2, unit", "value: .nan, unit", `b.yaml:6:46: prices.ec2.c7g.xlarge.value: ".nan"; accepted is a number, 0 or more, like 0.145`},
		{"infinite", "value: 0.2, unit", "value: 1e999, unit", `b.yaml:6:46: prices.ec2.c7g.xlarge.value: "1e999"; accepted is a number, 0 or more, like 0.145`},
		{"a word", "value: 0.2, unit", "value: free, unit", `b.yaml:6:46: prices.ec2.c7g.xlarge.value: "free"; accepted is a number, 0 or more, like 0.145`},
		{"dear", "value: 0.2, unit", "value: 2e6, unit", `b.yaml:6:46: prices.ec2.c7g.xlarge.value: 2e+06; accepted is 0 to 1000000 dollars a unit`},
		{"percents", "value: 0.2, unit: instance-hour", "value: 20, unit: fraction", `b.yaml:6:46: prices.ec2.c7g.xlarge.value: 20; accepted is 0 to 1 of another price`},
		{"no value", "value: 0.2, unit", "unit", "b.yaml:6:20: prices.ec2.c7g.xlarge.value: missing"},
		{"an empty value", "value: 0.2, unit", "value: , unit", "b.yaml:6:45: prices.ec2.c7g.xlarge.value: no value; a key that is not needed is left out"},
		{"per nothing", "per: 1000, unit: segment", "per: 0, unit: segment", "b.yaml:9:54: prices.sms.per: accepted is how many units the value is for, 1 or more"},
		{"unknown key", "title: SMS", "titel: SMS", "b.yaml:9:9: prices.sms.titel: unknown key (did you mean title?); accepted are title, value, per, low, high, unit, source, from, sizes or note\nb.yaml:9:9: prices.sms.title: missing"},
		{"unknown section", "version: 1\n", "version: 1\nprizes: {}\n", "b.yaml:2:1: prizes: unknown key (did you mean prices?); accepted are version, region, sources or prices"},
		{"unit", "unit: email, source: list, from: 0", "unit: e-mail, source: list, from: 0", `b.yaml:7:71: prices.mail.first.unit: "e-mail" (did you mean email?); accepted is instance-hour, hour, LCU-hour, GB-month, GB, IOPS-month, MBps-month, month, email, segment, message, notification, request or fraction`},
		{"source", "source: list, note", "source: lists, note", `b.yaml:9:83: prices.sms.source: "lists" is none of the sources (did you mean list?); accepted is list`},
		{"no source", "source: list, note", "note", "b.yaml:9:9: prices.sms.source: missing"},
		{"an id given twice", "  sms:", "  mail.first:", "b.yaml:9:3: prices.mail.first: the key is given twice, first on line 7"},
		{"a bad id", "  sms:", "  SMS:", "b.yaml:9:3: prices.SMS: accepted is an id of lower-case words between dots, like ec2.c7g.xlarge"},
		{"a bad date", "2026-10-01", "2026-13-01", `b.yaml:4:68: sources.list.as_of: "2026-13-01" is no date; accepted is year-month-day, like 2026-11-24`},
		{"no date", "as_of: 2026-10-01, ", "", "b.yaml:4:10: sources.list.as_of: missing"},
		{"confidence", "medium", "hihg", `b.yaml:4:92: sources.list.confidence: "hihg" (did you mean high?); accepted is high, medium or low`},
		{"a page's address", "https://example.com/prices", "example.com", `b.yaml:4:31: sources.list.url: "example.com"; accepted is an address that starts with https://`},
		{"one bound", "low: 8, ", "", "b.yaml:9:9: prices.sms.low: missing"},
		{"bounds", "low: 8", "low: 10", "b.yaml:9:36: prices.sms.low: low, value and high are not in this order"},
		{"no first tier", "from: 0", "from: 5", "b.yaml:7:3: prices.mail.first.from: the first tier of mail starts here; accepted is 0"},
		{"two tiers from one place", "from: 1000000", "from: 0", "b.yaml:7:3: prices.mail.first.from: mail.above starts there, too"},
		{"tiers of two units", "unit: email, source: list, from: 0", "unit: GB, source: list, from: 0", "b.yaml:8:3: prices.mail.above.unit: mail.first is priced by GB; accepted is one unit for all tiers"},
		{"tiers beside a price", "  sms:", "  mail:", "b.yaml:7:3: prices.mail.first: mail has a price of its own; leave out that one or its tiers\nb.yaml:8:3: prices.mail.above: mail has a price of its own; leave out that one or its tiers"},
		{"a tier of nothing", "source: list, note", "source: list, from: 0, note", "b.yaml:9:3: prices.sms: a tier's id is its tariff's and a name of its own, like egress.first_10tb"},
		{"sizes", "large..2xlarge", "2xlarge..large", `b.yaml:6:93: prices.ec2.c7g.xlarge.sizes: "2xlarge..large"; accepted is a span of large, xlarge, 2xlarge, 4xlarge or 8xlarge, like large..8xlarge`},
		{"sizes of no machine", "source: list, note", "source: list, sizes: large..xlarge, note", "b.yaml:9:96: prices.sms.sizes: the id does not end with a size, as sms.large would"},
		{"a title without the size", "title: c7g.xlarge", "title: A machine", "b.yaml:6:92: prices.ec2.c7g.xlarge.sizes: the title does not name the size .xlarge, so the other sizes' titles cannot be told"},
		{"sizes from two prices", ec2, ec2 + "  ec2.c7g.large: {title: c7g.large, value: 0.1, unit: instance-hour, source: list, sizes: large..2xlarge}\n", "b.yaml:6:3: prices.ec2.c7g.xlarge.sizes: ec2.c7g.2xlarge is scaled from ec2.c7g.large, too; accepted is one of them"},
		{"version", "version: 1", "version: 2", `b.yaml:1:10: version: "2"; accepted is 1`},
		{"no version", "version: 1\n", "", "b.yaml:1:1: version: missing"},
		{"no region", "region: eu-north-1\n", "", "b.yaml:1:1: region: missing"},
		{"a region", "eu-north-1", "The North", `b.yaml:2:9: region: "The North"; accepted is a name like us-east-1`},
		{"a price alone", "  sms: {", "  voice: 0.1\n  sms: {", `b.yaml:9:10: prices.voice: found "0.1"; accepted is a mapping of keys to values`},
		{"an alias", "value: 0.2, unit", "value: *x, unit", "b.yaml:6:46: an alias (*); accepted are plain values"},
		{"a list", "value: 0.2, unit", "value: [1], unit", "b.yaml:6:46: prices.ec2.c7g.xlarge.value: found a list; accepted is a single value"},
		{"two documents", "prices:", "---\nprices:", "b.yaml:5:1: a second document; accepted is one"},
		{"a mapping", "value: 0.2, unit", "value: {a: 1}, unit", "b.yaml:6:46: prices.ec2.c7g.xlarge.value: found a mapping; accepted is a single value"},
		{"no YAML", "prices:", "prices", "b.yaml:5:1: not YAML: non-map value is specified"},
		{"not UTF-8", "SMS", "\xff", "b.yaml:9:16: byte 0xff is not UTF-8"},
		{"huge", "prices:", "# " + strings.Repeat("x", yamldoc.MaxBytes) + "\nprices:", "b.yaml: larger than 1048576 bytes, the most that are read"},
		{"empty", small, "", "b.yaml: the document is empty; accepted is one with values"},
		{"a comment", small, "# nothing\n", "b.yaml: the document is empty; accepted is one with values"},
		{"a key of two lines", "  sms:", "  \"s\\nms\":", "b.yaml:9:3: \"prices.s\\nms\": accepted is an id of lower-case words between dots, like ec2.c7g.xlarge"},
		{"a word alone", small, "prices", `b.yaml:1:1: found "prices"; accepted is a mapping of keys to values`},
	} {
		if !strings.Contains(small, tt.old) {
			t.Fatalf("%s: the small book has no %q", tt.name, tt.old)
		}
		text := strings.Replace(small, tt.old, tt.new, 1)
		_, err := pricing.Parse("b.yaml", []byte(text))
		var bad *yamldoc.InvalidError
		if !errors.As(err, &bad) {
			t.Errorf("%s: %v, want an *InvalidError", tt.name, err)
			continue
		}
		if err.Error() != tt.want {
			t.Errorf("%s:\n%v\nwant\n%s", tt.name, err, tt.want)
		}
	}
}

// TestParseBoundsItsWork reads books that are as large and as wrong as they
// can be: the faults stay few, and each is a line.
func TestParseBoundsItsWork(t *testing.T) {
	const head = "version: 1\nregion: eu-north-1\nsources: {s: {page: p, as_of: 2026-10-01, confidence: low}}\nprices:\n"
	for name, line := range map[string]string{
		"prices without anything": "  p%d: {}\n",
		"tiers from one place":    "  p.t%d: {title: t, value: 1, unit: GB, source: s, from: 0}\n",
		"one price again":         "  p: {title: t, value: 1, unit: GB, source: s}\n",
	} {
		var text strings.Builder
		text.WriteString(head)
		for i := range 2000 {
			text.WriteString(strings.ReplaceAll(line, "%d", strconv.Itoa(i)))
		}
		_, err := pricing.Parse("b.yaml", []byte(text.String()))
		var bad *yamldoc.InvalidError
		if !errors.As(err, &bad) {
			t.Errorf("%s: %v, want an *InvalidError", name, err)
			continue
		}
		if lines := strings.Count(err.Error(), "\n") + 1; lines != 101 || !strings.Contains(err.Error(), "more than 100 faults; the others are left out") {
			t.Errorf("%s: %d lines, want 100 faults and that there are more:\n%.500v", name, lines, err)
		}
	}
}

// FuzzParse reads any text: it ends with a book whose prices are sound, or
// with faults that name the file.
func FuzzParse(f *testing.F) {
	book, err := os.ReadFile("book/us-east-1.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(book)
	for _, text := range []string{small, "", "# x", "a: b: c", "{", "? a\n: b", "prices: {a: {value: }}", "version: 1\nregion: |\n  x\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		book, err := pricing.Parse("b.yaml", text)
		if err != nil {
			var bad *yamldoc.InvalidError
			if !errors.As(err, &bad) || len(bad.Faults) == 0 {
				t.Fatalf("%v, want an *InvalidError with faults", err)
			}
			for _, fault := range bad.Faults {
				if fault.Source.File != "b.yaml" || fault.Message == "" {
					t.Fatalf("the fault %+v does not say where or what", fault)
				}
			}
			return
		}
		for _, p := range book.Prices() {
			if !(0 <= p.Low && p.Low <= p.Value && p.Value <= p.High) || p.Source == "" || p.AsOf.IsZero() {
				t.Fatalf("%+v is no sound price", p)
			}
			if found, err := book.Lookup(p.ID); err != nil || found != p {
				t.Fatalf("%+v is listed, and %+v found: %v", p, found, err)
			}
		}
	})
}
