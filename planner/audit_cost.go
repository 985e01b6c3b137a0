package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyctl/notifyctl/planner/pricing"
	"github.com/notifyctl/notifyctl/planner/units"
)

// costRules lists the contradictions in what a plan says of money, and what is
// doubtful in the prices that its bill is reckoned by.
func costRules() []auditRule {
	const component = "cost"
	return []auditRule{
		{name: "providers-left-out", component: component, severity: Warning, examine: providersLeftOut},
		{name: "infrastructure-cost", component: component, severity: Warning, examine: infrastructureCost},
		{name: "unit-cost-rises", component: component, severity: Warning, examine: unitCostRises},
		{name: "savings-not-additive", component: component, severity: Warning, examine: savingsNotAdditive},
		{name: "savings-beyond-share", component: component, severity: Warning, examine: savingsBeyondShare},
		{name: "stale-prices", component: component, severity: Warning, examine: stalePrices},
		{name: "doubtful-prices", component: component, severity: Info, examine: doubtfulPrices},
	}
}

// notable is the share of a bill from which a part of it is worth a word.
const notable = 0.1

// providersLeftOut finds a stated cost that is of the infrastructure alone,
// where the providers charge a notable sum beside it.
func providersLeftOut(f *facts) []Finding {
	claims := f.plan.Claims
	_, providers := claims.Find("cost.providers")
	_, total := claims.Find("cost.total")
	if len(f.stated) == 0 || providers || total {
		return nil
	}
	stated, charged := f.stated[0].Stated, f.value(figure("cost.providers"))
	if charged <= notable*stated {
		return nil
	}
	bill := stated + charged
	finding := Finding{
		Stated: &stated, Derived: &bill, Unit: units.DollarsPerMonth,
		Message: fmt.Sprintf("the stated %s a month leaves the providers out, who charge %s: %s; they are %s of the two together",
			dollars(stated), dollars(charged), f.providersCharge(), percent(stated/bill)),
		Remedy: fmt.Sprintf("state cost.providers as %s beside it, and show what one notification costs against both", dollars(charged)),
	}
	if _, ok := claims.Find("cost.infrastructure"); ok {
		finding.Claim = "cost.infrastructure"
	}
	if list, ok := f.emailAtList(); ok {
		finding.Message += list
	}
	return []Finding{finding}
}

// providersCharge lists what the providers charge for each channel.
func (f *facts) providersCharge() string {
	var parts []string
	for _, channel := range channels() {
		var charged float64
		for _, it := range providerItems(f.plan.choices()) {
			if it.channel == channel {
				charged += f.value(figure(it.id()))
			}
		}
		parts = append(parts, fmt.Sprintf("%s for %s by %s", dollars(charged), count(f.value(figure("volume.per_month."+channel))), channel))
	}
	return strings.Join(parts, ", ")
}

// emailAtList says what e-mail would cost by the list price of the provider that
// sends it, where another one's is charged.
func (f *facts) emailAtList() (string, bool) {
	e := f.plan.Providers.Email
	tiers, err := f.plan.book.high.Tariff(e.Primary + ".email")
	if e.Charged == e.Primary || err != nil {
		return "", false
	}
	cost := pricing.Tiered(f.value(figure("volume.per_month.email")), tiers)
	return fmt.Sprintf("; e-mail is charged as by %s, and by the list price of %s, who sends it, would be %s",
		e.Charged, e.Primary, dollars(cost)), true
}

// infrastructureCost finds a stated cost of the infrastructure that neither what
// is planned nor what is needed comes to.
func infrastructureCost(f *facts) []Finding {
	const id = "cost.infrastructure"
	claim, ok := f.plan.Claims.Find(id)
	planned, needed := f.rangeOf(figure(id)), f.rangeOf(figure(id+".needed"))
	if !ok || agree(claim.Value, planned) && agree(claim.Value, needed) {
		return nil
	}
	stated, derived := claim.Value.High, planned.High
	return []Finding{{
		Claim: id, Stated: &stated, Derived: &derived, Unit: units.DollarsPerMonth,
		Message: fmt.Sprintf("%s a month is stated; what is planned comes to %s part by part, and to %s at the size that its load needs",
			ofDollars(claim.Value), ofDollars(planned), ofDollars(needed)),
		Remedy: fmt.Sprintf("plan with %s for the parts as they are, or with %s for parts that suffice", dollars(planned.High), dollars(needed.High)),
	}}
}

// unitCostRises finds stated costs of which a unit gets dearer with scale. What
// is bought by the machine gets no dearer by the dozen.
func unitCostRises(f *facts) []Finding {
	steps := slices.Clone(f.stated)
	slices.SortStableFunc(steps, func(a, b CostStep) int {
		switch {
		case a.Rate < b.Rate:
			return -1
		case a.Rate > b.Rate:
			return 1
		}
		return 0
	})
	const rounding = 1.01
	rises := false
	for i := 1; i < len(steps); i++ {
		rises = rises || steps[i].PerThousand() > steps[i-1].PerThousand()*rounding
	}
	if !rises {
		return nil
	}
	var stated, derived []string
	for _, s := range steps {
		stated = append(stated, fmt.Sprintf("%s at %s", dollars(s.PerThousand()), units.Humanize(units.PerSecond, units.Exactly(s.Rate))))
		derived = append(derived, dollars(s.DerivedPerThousand()))
	}
	first, last := steps[0].PerThousand(), steps[len(steps)-1].PerThousand()
	return []Finding{{
		Stated: &first, Derived: &last, Unit: units.DollarsPerMonth,
		Message: "the stated cost of each 1,000/s rises with scale: " + strings.Join(stated, ", "),
		Remedy: "expect a unit to cost about the same: by its parts, the infrastructure that is needed comes to " +
			strings.Join(derived, ", ") + " for each 1,000/s",
	}}
}

// savingNames are the optimisations that a plan states savings of.
func savingNames() []string { return []string{"batching", "cold_storage", "reserved"} }

// savingsNotAdditive finds savings that cannot all be had of the same bill: each
// acts on what the others leave.
func savingsNotAdditive(f *facts) []Finding {
	sum, left := 0.0, 1.0
	var stated, leaves []string
	for _, name := range savingNames() {
		share := f.rangeOf(key("savings." + name)).High
		sum, left = sum+share, left*(1-share)
		stated, leaves = append(stated, percent(share)), append(leaves, percent(1-share))
	}
	together := 1 - left
	const rounding = 1e-9
	if sum <= together+rounding {
		return nil
	}
	saved := f.value(figure("savings.combined"))
	return []Finding{{
		Stated: &sum, Derived: &together, Unit: units.Ratio,
		Message: fmt.Sprintf("savings of %s add up to %s, but one after the other they leave %s = %s of a bill: together %s at most, and that only if each acted on all of it",
			enumerate(stated), percent(sum), strings.Join(leaves, " x "), percent(left), percent(together)),
		Remedy: fmt.Sprintf("count on %s a month for all three, each on its own share: %s of the infrastructure, %s of the total",
			dollars(saved), percent(f.value(figure("savings.combined.of_infrastructure"))), percent(f.value(figure("savings.combined.of_total")))),
	}}
}

// savingsBeyondShare finds savings that are stated larger than what they act on
// allows, as shares of the infrastructure. The one that is furthest off is what
// is compared.
func savingsBeyondShare(f *facts) []Finding {
	var parts []string
	var stated, derived float64
	for _, name := range savingNames() {
		id := "savings." + name
		says, is := f.rangeOf(key(id)), f.rangeOf(figure(id+".of_infrastructure"))
		if says.Low <= is.High*(1+claimTolerance) {
			continue
		}
		parts = append(parts, fmt.Sprintf("%s saves %s and not %s of the infrastructure (%s a month, %s of the total)",
			strings.ReplaceAll(name, "_", " "), units.Humanize(units.Ratio, is), units.Humanize(units.Ratio, says),
			dollars(f.value(figure(id))), percent(f.value(figure(id+".of_total")))))
		if says.Low-is.High > stated-derived {
			stated, derived = says.Low, is.High
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return []Finding{{
		Stated: &stated, Derived: &derived, Unit: units.Ratio,
		Message: strings.Join(parts, "; "),
		Remedy:  "take each saving of what it acts on: workers, cold history, machines; none of them touches what the providers charge",
	}}
}

// stalePrices finds prices of the bill that were read too long ago.
func stalePrices(f *facts) []Finding {
	limit := f.plan.Prices.MaxAge
	var ids []string
	var oldest pricing.Price
	for _, id := range pricesOf(f.model.figures) {
		p, err := f.plan.book.high.Lookup(id)
		if err != nil || p.Age(f.plan.AsOf.t).Seconds() <= limit.High {
			continue
		}
		ids = append(ids, id)
		if oldest.ID == "" || p.AsOf.Before(oldest.AsOf) {
			oldest = p
		}
	}
	if len(ids) == 0 {
		return nil
	}
	most, age := limit.High, oldest.Age(f.plan.AsOf.t).Seconds()
	return []Finding{{
		Stated: &most, Derived: &age, Unit: units.Seconds,
		Message: fmt.Sprintf("prices older than %s: %s; the oldest is of %s (%s)",
			ofTime(limit.Range), enumerate(ids), DateOf(oldest.AsOf), oldest.Source),
		Remedy: "look them up again, and give what has changed under prices.overrides",
	}}
}

// doubtfulPrices finds that a notable share of the bill rests on prices of low
// confidence.
func doubtfulPrices(f *facts) []Finding {
	var doubtful, total float64
	var parts []string
	for _, line := range f.bill(f.plan.choices()) {
		total += line.Monthly
		if line.Confidence == string(pricing.Low) {
			doubtful += line.Monthly
		}
	}
	if doubtful <= notable*total {
		return nil
	}
	for _, line := range f.bill(f.plan.choices()) {
		if line.Confidence == string(pricing.Low) && line.Monthly > notable*doubtful {
			parts = append(parts, line.Item+" "+dollars(line.Monthly)+f.uncertainty(line))
		}
	}
	most, share := notable, doubtful/total
	return []Finding{{
		Stated: &most, Derived: &share, Unit: units.Ratio,
		Message: fmt.Sprintf("%s of the bill rests on prices of low confidence: %s", percent(share), enumerate(parts)),
		Remedy:  "give the prices of your own contracts under prices.overrides",
	}}
}

// uncertainty says between what bounds a line's price lies, "" if it is exact.
func (f *facts) uncertainty(line CostLine) string {
	for _, it := range costItems(f.plan.choices()) {
		p, err := f.plan.book.high.Lookup(it.price.id)
		if it.id() == line.Figure && err == nil && p.Low < p.High {
			return fmt.Sprintf(" (between %s and %s by the price's bounds)",
				dollars(line.Quantity*p.Low), dollars(line.Quantity*p.High))
		}
	}
	return ""
}
