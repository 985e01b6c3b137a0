package planner

// A Rule is what the audit looks for in a plan.
type Rule struct {
	Name      string   // as findings give it
	Component string   // that it is about
	Severity  Severity // the usual one; a finding may be milder or worse
}

// Rules lists what the audit looks for, in the order that reports show it. What
// is left of claims that are not what follows is found under the name "claim",
// of every component.
func Rules() []Rule {
	var all []Rule
	for _, r := range auditRules() {
		all = append(all, Rule{Name: r.name, Component: r.component, Severity: r.severity})
	}
	return all
}
