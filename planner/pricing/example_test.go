package pricing_test

import (
	"fmt"
	"time"

	"github.com/notifyctl/notifyctl/planner/pricing"
)

func ExampleBook_Lookup() {
	book, err := pricing.Embedded("us-east-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := book.Lookup("ec2.c7g.2xlarge")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: $%.2f a month, of %s\n", p.Title, p.Value*pricing.HoursPerMonth, p.AsOf.Format(time.DateOnly))

	_, err = book.Lookup("ec2.c7g.3xlarge")
	fmt.Println(err)
	// Output:
	// EC2 c7g.2xlarge, on demand: $211.70 a month, of 2026-07-20
	// no price for "ec2.c7g.3xlarge" in us-east-1 (did you mean ec2.c7g.2xlarge?); give it under prices.overrides, or in a book of your own
}

func ExampleTiered() {
	book, err := pricing.Embedded("us-east-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	tiers, err := book.Tariff("ses.email")
	if err != nil {
		fmt.Println(err)
		return
	}
	const emails = 9e9 // a month
	for i, share := range pricing.Split(emails, tiers) {
		fmt.Printf("%-20s %10.0f x $%.5f\n", tiers[i].ID, share, tiers[i].Value)
	}
	fmt.Printf("$%.0f a month\n", pricing.Tiered(emails, tiers))
	// Output:
	// ses.email.first_10m    10000000 x $0.00016
	// ses.email.next_90m     90000000 x $0.00014
	// ses.email.above_100m 8900000000 x $0.00011
	// $993200 a month
}

func ExampleBook_With() {
	book, err := pricing.Embedded("us-east-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	book, err = book.With(map[string]pricing.Override{
		"ec2.c7g.xlarge": {Value: 0.1, Written: "plan.yaml:14"},
	}, day)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := book.Lookup("ec2.c7g.4xlarge") // is scaled from the plan's price
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("$%.2f, by %s\n", p.Value, p.Source)
	// Output:
	// $0.40, by the plan (plan.yaml:14)
}
