package pricing_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/planner/pricing"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

func TestWith(t *testing.T) {
	planned, agreed := day(t, "2026-11-24"), day(t, "2026-09-01")
	book := embedded(t)
	with, err := book.With(map[string]pricing.Override{
		"ec2.c7g.xlarge":     {Value: 0.1, Written: "plan.yaml:14"},
		"ec2.c7g.2xlarge":    {Value: 0.19},
		"twilio.sms.carrier": {Value: 0.003, Unit: pricing.Segment, Source: "our contract", Written: "plan.yaml:15", AsOf: agreed},
		"ses.email":          {Value: 0.00008},
		"egress.next_40tb":   {Value: 0.06},
		"gateway.licence":    {Value: 900, Unit: pricing.Month},
	}, planned)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		id      string
		value   float64
		unit    pricing.Unit
		source  string
		asOf    time.Time
		derived string
	}{
		{"ec2.c7g.xlarge", 0.1, pricing.InstanceHour, "the plan (plan.yaml:14)", planned, ""},
		{"ec2.c7g.large", 0.05, pricing.InstanceHour, "the plan (plan.yaml:14)", planned, "ec2.c7g.xlarge"},
		{"ec2.c7g.2xlarge", 0.19, pricing.InstanceHour, "the plan", planned, ""},
		{"ec2.c7g.4xlarge", 0.4, pricing.InstanceHour, "the plan (plan.yaml:14)", planned, "ec2.c7g.xlarge"},
		{"twilio.sms.carrier", 0.003, pricing.Segment, "our contract (plan.yaml:15)", agreed, ""},
		{"ses.email", 0.00008, pricing.Email, "the plan", planned, ""},
		{"egress.next_40tb", 0.06, pricing.GB, "the plan", planned, ""},
		{"gateway.licence", 900, pricing.Month, "the plan", planned, ""},
	} {
		p := lookup(t, with, want.id)
		if !near(p.Value, want.value) || p.Low != p.Value || p.High != p.Value {
			t.Errorf("%s is $%v within %v and %v, want $%v", want.id, p.Value, p.Low, p.High, want.value)
		}
		if p.Unit != want.unit || p.Source != want.source || !p.AsOf.Equal(want.asOf) || p.Derived != want.derived || p.Confidence != pricing.High {
			t.Errorf("%+v, want %+v", p, want)
		}
	}
	for id, want := range map[string]float64{
		"ses.email":       200_000 * 0.00008,
		"egress":          10_240*0.09 + 40_960*0.06 + 102_400*0.07 + 46_400*0.05,
		"gateway.licence": 200_000 * 900,
	} {
		tiers, err := with.Tariff(id)
		if err != nil {
			t.Fatal(err)
		}
		if got := pricing.Tiered(200_000, tiers); !near(got, want) {
			t.Errorf("200,000 by %s cost $%v, want $%v", id, got, want)
		}
	}
	if p := lookup(t, book, "ec2.c7g.xlarge"); p.Value != 0.145 {
		t.Errorf("the book under it now says $%v", p.Value)
	}
	if _, err := with.Lookup("ses.email.first_10m"); err == nil {
		t.Error("a tier is left of the tariff that was replaced")
	}
}

func TestWithNamesEveryFault(t *testing.T) {
	_, err := embedded(t).With(map[string]pricing.Override{
		"ec2.c7g.xlarge":      {Value: -0.1},
		"ec2.m7g.xlarge":      {Value: math.NaN()},
		"ec2.r7g.xlarge":      {Value: math.Inf(1)},
		"discount.valkey":     {Value: 20},
		"fcm.push":            {Value: 0.1, Unit: pricing.Email},
		"fcm.pusj":            {Value: 0.1},
		"pigeon.post":         {Value: 0.1, Unit: "feather"},
		"Not an id":           {Value: 0.1, Unit: pricing.Email},
		"egress":              {Value: 0.01},
		"egress.first_10tb":   {Value: 0.02},
		"ses.email_legacy":    {Value: 0.0001}, // as it should be
		"sendgrid.plan.giant": {Value: 1, Unit: pricing.Month},
	}, day(t, "2026-11-24"))
	var bad *yamldoc.InvalidError
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	const units = "instance-hour, hour, LCU-hour, GB-month, GB, IOPS-month, MBps-month, month, email, segment, message, notification, request or fraction"
	want := []string{
		"prices.overrides.Not an id: accepted is an id of lower-case words between dots, like ec2.c7g.xlarge",
		"prices.overrides.discount.valkey: 20; accepted is 0 to 1 of another price",
		"prices.overrides.ec2.c7g.xlarge: -0.1; accepted is 0 to 1000000 dollars a unit",
		"prices.overrides.ec2.m7g.xlarge: NaN; accepted is 0 to 1000000 dollars a unit",
		"prices.overrides.ec2.r7g.xlarge: +Inf; accepted is 0 to 1000000 dollars a unit",
		"prices.overrides.egress.first_10tb: egress is given as a whole, too; give it or its tiers",
		`prices.overrides.fcm.push: the unit is notification and not "email"; an override keeps it`,
		"prices.overrides.fcm.pusj: the book of us-east-1 has no such price (did you mean fcm.push?); one of your own needs its unit: " + units,
		`prices.overrides.pigeon.post: unit "feather"; accepted is ` + units,
	}
	if len(bad.Faults) != len(want) {
		t.Fatalf("%d faults, want %d:\n%v", len(bad.Faults), len(want), err)
	}
	for i, f := range bad.Faults {
		if f.String() != want[i] {
			t.Errorf("fault %d: %s\nwant %s", i, f, want[i])
		}
	}
}
