package planner

// choices are the words of a plan that decide by which formula a figure is
// computed. Its numbers reach a figure through the figure's inputs alone.
type choices struct {
	sharding                  string // of the preferences
	servicesClaimed           bool   // how many notification services there are
	pushWire, smsWire         string
	pushPrimary               string
	emailCharged              string // whose prices the e-mail is reckoned by
	smsPrimary, smsSender     string
	pushBackup, smsBackup     string
	emailPrimary, emailBackup string
}

// choices gives the words of the plan.
func (p *Plan) choices() choices {
	_, servicesClaimed := p.Claims.Find(claimedServices)
	return choices{
		sharding:        p.Postgres.Sharding,
		servicesClaimed: servicesClaimed,
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
	}
}
