package pricing_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/planner/pricing"
)

// embedded gives the book of us-east-1.
func embedded(t testing.TB) *pricing.Book {
	t.Helper()
	book, err := pricing.Embedded("us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// day is a day in UTC.
func day(t testing.TB, text string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// lookup gives a price that has to be there.
func lookup(t testing.TB, book *pricing.Book, id string) pricing.Price {
	t.Helper()
	p, err := book.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// near reports whether two amounts are the same but for rounding.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12*max(math.Abs(a), math.Abs(b)) }

// TestEmbeddedPrices holds the vendors' figures once more, by hand and for one
// unit, so that a slip in the book does not pass.
func TestEmbeddedPrices(t *testing.T) {
	const (
		ec2         = "2026-07-20"
		msk         = "2026-06-23"
		ebs         = "2024-07-01"
		elasticache = "2026-10-02"
		ses         = "2026-07-22"
		twilio      = "2026-07-05"
		read        = "2026-11-24"
	)
	book := embedded(t)
	for _, want := range []struct {
		id         string
		value      float64
		unit       pricing.Unit
		asOf       string
		confidence pricing.Confidence
	}{
		{"ec2.c7g.xlarge", 0.145, pricing.InstanceHour, ec2, pricing.High},
		{"ec2.c6i.xlarge", 0.170, pricing.InstanceHour, ec2, pricing.High},
		{"ec2.c7i.xlarge", 0.1785, pricing.InstanceHour, ec2, pricing.High},
		{"ec2.m7g.xlarge", 0.1632, pricing.InstanceHour, ec2, pricing.High},
		{"ec2.m6i.xlarge", 0.192, pricing.InstanceHour, ec2, pricing.High},
		{"ec2.m7i.xlarge", 0.2016, pricing.InstanceHour, ec2, pricing.High},
		{"ec2.r7g.xlarge", 0.2142, pricing.InstanceHour, ec2, pricing.High},
		{"ec2.r6i.xlarge", 0.252, pricing.InstanceHour, ec2, pricing.High},
		{"ec2.r7i.xlarge", 0.2646, pricing.InstanceHour, ec2, pricing.High},
		{"ec2.i4i.xlarge", 0.343, pricing.InstanceHour, ec2, pricing.High},
		{"ec2.i3en.xlarge", 0.452, pricing.InstanceHour, ec2, pricing.High},
		{"ec2.c7g.large", 0.0725, pricing.InstanceHour, ec2, pricing.High},
		{"ec2.c7g.2xlarge", 0.29, pricing.InstanceHour, ec2, pricing.High},
		{"ec2.r7i.4xlarge", 1.0584, pricing.InstanceHour, ec2, pricing.High},
		{"ec2.m6i.8xlarge", 1.536, pricing.InstanceHour, ec2, pricing.High},
		{"discount.commitment_1y", 0.28, pricing.Fraction, read, pricing.Low},
		{"discount.commitment_3y", 0.46, pricing.Fraction, read, pricing.Low},

		{"msk.m5.large", 0.21, pricing.InstanceHour, msk, pricing.High},
		{"msk.m7g.large", 0.204, pricing.InstanceHour, msk, pricing.High},
		{"msk.m7g.xlarge", 0.408, pricing.InstanceHour, msk, pricing.High},
		{"msk.m7g.2xlarge", 0.816, pricing.InstanceHour, msk, pricing.High},
		{"msk.m5.4xlarge", 1.68, pricing.InstanceHour, msk, pricing.High},
		{"msk.storage", 0.10, pricing.GBMonth, msk, pricing.High},
		{"msk.storage_tiered", 0.023, pricing.GBMonth, msk, pricing.High},
		{"msk.crosszone.gb", 0.02, pricing.GB, msk, pricing.High},

		{"ebs.gp3", 0.08, pricing.GBMonth, ebs, pricing.High},
		{"ebs.gp3.iops", 0.005, pricing.IOPSMonth, ebs, pricing.High},
		{"ebs.gp3.throughput", 0.04, pricing.MBpsMonth, ebs, pricing.High},
		{"crosszone.gb", 0.01, pricing.GB, ebs, pricing.High},
		{"interregion.gb", 0.02, pricing.GB, ebs, pricing.High},
		{"egress.first_10tb", 0.09, pricing.GB, ebs, pricing.High},
		{"egress.next_40tb", 0.085, pricing.GB, ebs, pricing.High},
		{"egress.next_100tb", 0.07, pricing.GB, ebs, pricing.High},
		{"egress.above_150tb", 0.05, pricing.GB, "2026-04-27", pricing.Low},
		{"nat.hour", 0.045, pricing.Hour, ebs, pricing.High},
		{"nat.gb", 0.045, pricing.GB, ebs, pricing.High},
		{"alb.hour", 0.0225, pricing.Hour, ebs, pricing.High},
		{"alb.lcu", 0.008, pricing.LCUHour, ebs, pricing.High},

		{"rds.r6g.xlarge", 0.45, pricing.InstanceHour, read, pricing.Low},
		{"rds.r6g.2xlarge", 0.90, pricing.InstanceHour, read, pricing.Low},
		{"rds.storage", 0.115, pricing.GBMonth, read, pricing.Medium},
		{"rds.storage_multi_az", 0.23, pricing.GBMonth, read, pricing.Medium},
		{"rds.backup", 0.095, pricing.GBMonth, read, pricing.Medium},

		{"elasticache.r7g.large", 0.219, pricing.InstanceHour, elasticache, pricing.High},
		{"elasticache.r7g.xlarge", 0.437, pricing.InstanceHour, elasticache, pricing.High},
		{"elasticache.r7g.2xlarge", 0.873, pricing.InstanceHour, elasticache, pricing.High},
		{"elasticache.r7g.4xlarge", 1.746, pricing.InstanceHour, elasticache, pricing.High},
		{"elasticache.r7g.8xlarge", 3.492, pricing.InstanceHour, elasticache, pricing.High},
		{"elasticache.m7g.large", 0.158, pricing.InstanceHour, elasticache, pricing.High},
		{"elasticache.m7g.xlarge", 0.316, pricing.InstanceHour, elasticache, pricing.High},
		{"discount.valkey", 0.20, pricing.Fraction, elasticache, pricing.High},

		{"s3.standard", 0.023, pricing.GBMonth, read, pricing.Low},
		{"s3.infrequent", 0.0125, pricing.GBMonth, read, pricing.Low},
		{"s3.archive_instant", 0.004, pricing.GBMonth, read, pricing.Low},
		{"s3.put", 0.000005, pricing.Request, read, pricing.Low},
		{"s3.get", 0.0000004, pricing.Request, read, pricing.Low},

		{"ses.email.first_10m", 0.00016, pricing.Email, ses, pricing.High},
		{"ses.email.next_90m", 0.00014, pricing.Email, ses, pricing.High},
		{"ses.email.above_100m", 0.00011, pricing.Email, ses, pricing.High},
		{"ses.email_legacy", 0.0001, pricing.Email, ses, pricing.High},
		{"ses.attachment", 0.12, pricing.GB, ses, pricing.High},
		{"sendgrid.email", 0.000449, pricing.Email, read, pricing.Low},
		{"sendgrid.plan.50k", 19.95, pricing.Month, read, pricing.Low},
		{"sendgrid.plan.100k", 89.95, pricing.Month, read, pricing.Low},
		{"sendgrid.plan.1m", 449, pricing.Month, read, pricing.Low},

		{"twilio.sms.segment", 0.0083, pricing.Segment, twilio, pricing.Low},
		{"twilio.sms.carrier", 0.0035, pricing.Segment, twilio, pricing.Low},
		{"twilio.sms.failed", 0.001, pricing.Message, twilio, pricing.Low},
		{"vonage.sms.segment", 0.008, pricing.Segment, read, pricing.Low},
		{"fcm.push", 0, pricing.Notification, read, pricing.High},
		{"sns.push", 0.0000005, pricing.Notification, read, pricing.Medium},
	} {
		p, err := book.Lookup(want.id)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if p.Value != want.value && (p.Derived == "" || !near(p.Value, want.value)) {
			t.Errorf("%s is $%v, want $%v", want.id, p.Value, want.value)
		}
		if p.Unit != want.unit || p.AsOf.Format(time.DateOnly) != want.asOf || p.Confidence != want.confidence {
			t.Errorf("%s: %s, %s, %s; want %s, %s, %s", want.id,
				p.Unit, p.AsOf.Format(time.DateOnly), p.Confidence, want.unit, want.asOf, want.confidence)
		}
		if !strings.Contains(p.Source, ", https://") {
			t.Errorf("%s names no page as its source: %q", want.id, p.Source)
		}
	}
}

func TestPricesThatSourcesDisagreeOnHaveBounds(t *testing.T) {
	book := embedded(t)
	for _, want := range []struct {
		id        string
		low, high float64
	}{
		{"rds.r6g.xlarge", 0.418, 0.480},
		{"rds.r6g.large", 0.209, 0.240},
		{"twilio.sms.carrier", 0.0025, 0.0062},
		{"ec2.c7g.xlarge", 0.145, 0.145},
	} {
		if p := lookup(t, book, want.id); !near(p.Low, want.low) || !near(p.High, want.high) {
			t.Errorf("%s is within %v and %v, want %v and %v", want.id, p.Low, p.High, want.low, want.high)
		}
	}
}

func TestSizesAreScaled(t *testing.T) {
	p := lookup(t, embedded(t), "ec2.m7g.4xlarge")
	if p.Derived != "ec2.m7g.xlarge" || p.ID != "ec2.m7g.4xlarge" || p.Title != "EC2 m7g.4xlarge, on demand" {
		t.Errorf("%+v, want one that says what it is and what it was scaled from", p)
	}
	if own := lookup(t, embedded(t), "elasticache.r7g.xlarge"); own.Derived != "" {
		t.Errorf("%+v was scaled, although it has a price of its own", own)
	}
}

func TestPricesListsEachOnceInOrder(t *testing.T) {
	prices := embedded(t).Prices()
	for i, p := range prices[1:] {
		if prices[i].ID >= p.ID {
			t.Errorf("%s stands before %s", prices[i].ID, p.ID)
		}
	}
	if len(prices) < 100 {
		t.Errorf("%d prices, want those that are scaled, too", len(prices))
	}
}

func TestAMissingPriceIsAnError(t *testing.T) {
	book := embedded(t)
	lookup := func(id string) error { _, err := book.Lookup(id); return err }
	tariff := func(id string) error { _, err := book.Tariff(id); return err }
	for _, tt := range []struct {
		name, id string
		find     func(string) error
		want     string
	}{
		{
			"unlike any", "gcp.quantum.computer", lookup,
			`no price for "gcp.quantum.computer" in us-east-1; give it under prices.overrides, or in a book of your own`,
		},
		{
			"misspelt", "twilio.sms.segmnt", lookup,
			`no price for "twilio.sms.segmnt" in us-east-1 (did you mean twilio.sms.segment?); give it under prices.overrides, or in a book of your own`,
		},
		{
			"a size that is not made", "ec2.i3en.8xlarge", lookup,
			`no price for "ec2.i3en.8xlarge" in us-east-1 (did you mean ec2.i3en.2xlarge?); give it under prices.overrides, or in a book of your own`,
		},
		{
			"a tariff's name", "egres", tariff,
			`no price for "egres" in us-east-1 (did you mean egress?); give it under prices.overrides, or in a book of your own`,
		},
	} {
		err := tt.find(tt.id)
		var missing *pricing.MissingPriceError
		if !errors.As(err, &missing) || missing.ID != tt.id || missing.Region != "us-east-1" || err.Error() != tt.want {
			t.Errorf("%s: %v\nwant %s", tt.name, err, tt.want)
		}
	}
}

func TestEmbeddedNamesTheRegionsThereAre(t *testing.T) {
	for _, region := range pricing.Regions() {
		book, err := pricing.Embedded(region)
		if err != nil || book.Region != region {
			t.Errorf("the book of %s: %v", region, err)
		}
	}
	if _, err := pricing.Embedded("us-east-2"); err == nil || !strings.Contains(err.Error(), "did you mean us-east-1?") {
		t.Errorf("a region without a book: %v", err)
	}
}

func TestStale(t *testing.T) {
	p := lookup(t, embedded(t), "ec2.c7g.xlarge") // of 2026-07-20
	for _, tt := range []struct {
		day  string
		age  int // days
		want bool
	}{
		{"2026-07-19", -1, false},
		{"2026-07-20", 0, false},
		{"2026-11-24", 127, false},
		{"2027-01-16", 180, false},
		{"2027-01-17", 181, true},
	} {
		on := day(t, tt.day)
		if age := p.Age(on); age != time.Duration(tt.age)*24*time.Hour {
			t.Errorf("on %s the price is %v old, want %d days", tt.day, age, tt.age)
		}
		if got := p.Stale(on, pricing.DefaultMaxAge); got != tt.want {
			t.Errorf("on %s it is stale: %v, want %v", tt.day, got, tt.want)
		}
	}
}
