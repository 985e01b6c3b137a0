package planner

// choices are the words of a plan that decide by which formula a figure is
// computed. Its numbers reach a figure through the figure's inputs alone.
type choices struct {
	sharding                  string // of the preferences
	servicesClaimed           bool   // how many notification services there are
	skewed                    bool   // some users are read more often than others
	pushWire, smsWire         string
	pushPrimary               string
	emailCharged              string // whose prices the e-mail is reckoned by
	smsPrimary, smsSender     string
	pushBackup, smsBackup     string
	emailPrimary, emailBackup string
	machines                  Machines
	coldTier, commitment      string
	prices                    *priceBook // nil before it is opened
}

// choices gives the words of the plan.
func (p *Plan) choices() choices {
	_, servicesClaimed := p.Claims.Find(claimedServices)
	return choices{
		sharding:        p.Postgres.Sharding,
		servicesClaimed: servicesClaimed,
		skewed:          p.Workload.UserSkew.High > 0,
		pushWire:        p.Providers.Push.Wire,
		pushPrimary:     p.Providers.Push.Primary,
		pushBackup:      p.Providers.Push.Backup,
		emailPrimary:    p.Providers.Email.Primary,
		emailBackup:     p.Providers.Email.Backup,
		emailCharged:    p.Providers.Email.Charged,
		smsWire:         p.Providers.SMS.Wire,
		smsPrimary:      p.Providers.SMS.Primary,
		smsBackup:       p.Providers.SMS.Backup,
		smsSender:       p.Providers.SMS.Sender,
		machines:        p.Prices.Machines,
		coldTier:        p.Savings.ColdTier,
		commitment:      p.Savings.Commitment,
		prices:          p.book,
	}
}
