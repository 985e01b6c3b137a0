package main

import (
	"github.com/notifyctl/notifyctl/planner"
)

// quotas are what a plan's deployment sends at most a second, by push and by
// SMS; 0 is no bound. Of what is not known exactly it is the high end.
func quotas(plan *planner.Plan) (push, sms float64) {
	if plan.Deployment.Quotas != "plan" {
		return 0, 0
	}
	p, s := plan.Providers.Push, plan.Providers.SMS
	return p.Quota.High * p.Projects.High, s.SenderRate.High * s.Senders.High
}
