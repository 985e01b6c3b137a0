package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/pipeline/telemetry/tracing"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

// Templates gives compiled templates; *[template.Service] is one.
type Templates interface {
	Newest(ctx context.Context, id string) (uint32, error)
	Get(ctx context.Context, id string, version uint32, locale string) (*template.Compiled, error)
}

// Preferences reads what users want: it fills in one preference a key, in the
// same order, and keeps neither.
type Preferences interface {
	Lookup(ctx context.Context, keys []pipeline.PreferenceKey, found []pipeline.Preference) error
}

// Addresses reads what is wanted of addresses, whoever's they are, one
// preference each in order; nil says that nothing was said of any of them.
type Addresses interface {
	LookupAddresses(ctx context.Context, recipients []pipeline.Recipient) ([]pipeline.Preference, error)
}

// Observer records what was taken in; *telemetry.Metrics is one.
type Observer interface {
	Accepted(q pipeline.Queue, n int)
	Ended(e *telemetry.Endings)
	Replayed(n int)
}

// Config is what an [Ingest] is made of.
type Config struct {
	Intake      pipeline.Intake
	DeadLetters pipeline.DeadLetters
	Preferences Preferences
	Addresses   Addresses
	Templates   Templates
	IDs         *pipeline.IDMinter
	// Limits count what DailyLimits bound; without a limit they are not asked.
	Limits      pipeline.Limits
	DailyLimits pipeline.DailyLimits
	Log         *slog.Logger
	Observer    Observer
	Tracer      *tracing.Tracer  // nil: nothing is traced
	Now         func() time.Time // nil: time.Now
}

// Ingest takes submissions in. It is safe for concurrent use.
type Ingest struct {
	cfg     Config
	limiter limiter
	lists   listPool
}

// New makes an ingest stage.
func New(cfg Config) *Ingest {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Ingest{cfg: cfg, limiter: limiter{limits: cfg.Limits, daily: cfg.DailyLimits, log: cfg.Log}}
}

// Accept takes a submission in. Its nil error is the promise behind a 202, with
// one receipt a notification, in order. Nothing of it was accepted after a
// *[pipeline.InvalidError], a *[pipeline.ClaimError], [pipeline.ErrFull] and
// [pipeline.ErrUnavailable]; after [pipeline.ErrAmbiguous] some may be, and the
// same keys resume it.
func (g *Ingest) Accept(ctx context.Context, s pipeline.Submission) ([]pipeline.Receipt, error) {
	slice := &slice{Submission: s}
	c := newChecker(&slice.Submission, roomFor(&slice.room.versions, len(s.Notifications)))
	c.checkFields()
	if len(c.faults) > 0 {
		// It is refused whatever its templates are, but told of them too.
		if err := g.checkTemplates(ctx, &c, everyEntry(&slice.Submission)); err != nil {
			return nil, err
		}
		return nil, c.invalid()
	}
	// The bodies are hashed as they came, and only what is fresh needs its
	// template: a newer one must not make the same request another one, nor an
	// invalid one.
	ctx = g.cfg.Tracer.Accept(ctx)
	defer g.cfg.Tracer.End(ctx)
	slice.stampOn(g.cfg.Now(), g.cfg.IDs)
	reservation, err := g.cfg.Intake.Reserve(ctx, slice.claims)
	g.cfg.Tracer.Done(ctx, tracing.Reserve)
	if err != nil {
		return nil, err
	}
	defer reservation.Release()
	receipts, fresh := slice.stand(reservation.Standing())
	if err := g.checkTemplates(ctx, &c, fresh); err != nil {
		return nil, err
	}
	if err := c.invalid(); err != nil {
		return nil, err
	}
	if len(fresh) > 0 {
		if err := g.admit(ctx, slice, fresh, c.versions, receipts, reservation); err != nil {
			return nil, err
		}
	}
	if replayed := len(receipts) - len(fresh); replayed > 0 {
		g.cfg.Observer.Replayed(replayed)
	}
	return receipts, nil
}

func everyEntry(s *pipeline.Submission) []int {
	all := make([]int, len(s.Notifications))
	for i := range all {
		all[i] = i
	}
	return all
}

// admit decides on the fresh notifications of a slice and commits them, with
// the versions of their templates.
func (g *Ingest) admit(ctx context.Context, slice *slice, fresh []int, versions []uint32, receipts []pipeline.Receipt, reservation pipeline.Reservation) error {
	l := g.lists.get(len(fresh))
	admissions := l.admissions
	for i, at := range fresh {
		a := &admissions[i]
		a.Notification = slice.Notifications[at]
		a.TemplateVersion = versions[at]
		a.ID = receipts[at].ID
		a.Claim = slice.claimOf(at)
	}
	if err := g.decide(ctx, l); err != nil {
		return err
	}
	taken := g.limiter.take(ctx, g.cfg.Now(), admissions)
	g.cfg.Tracer.Done(ctx, tracing.Limits)
	for i, at := range fresh {
		receipts[at].Result = admissions[i].Result
	}
	err := reservation.Commit(ctx, admissions)
	g.cfg.Tracer.Done(ctx, tracing.Commit)
	g.limiter.settle(ctx, taken, err)
	if err != nil {
		return err
	}
	g.observe(ctx, admissions)
	g.lists.put(l)
	return nil
}

// decide says what becomes of each notification at ingest, by what its user
// wants and what is wanted of the address that it brings along.
func (g *Ingest) decide(ctx context.Context, l *lists) error {
	if err := g.preferences(ctx, l); err != nil {
		return err
	}
	addresses, err := g.addresses(ctx, l)
	g.cfg.Tracer.Done(ctx, tracing.Preferences)
	if err != nil {
		return err
	}
	now := g.cfg.Now()
	for i := range l.admissions {
		a := &l.admissions[i]
		if a.To != "" && addresses != nil {
			if !addresses[0].Wants(a.Category) {
				a.Result = pipeline.Result{State: pipeline.Suppressed, Reason: "address_opted_out"}
			}
			addresses = addresses[1:]
		}
		if a.State == 0 {
			a.Result = decide(&a.Notification, &l.preferences[i], now)
		}
	}
	return nil
}

// preferences looks up what the users of notifications want.
func (g *Ingest) preferences(ctx context.Context, l *lists) error {
	for i := range l.admissions {
		l.users[i] = pipeline.PreferenceKey{UserID: l.admissions[i].UserID, Channel: l.admissions[i].Channel}
	}
	if err := g.cfg.Preferences.Lookup(ctx, l.users, l.preferences); err != nil {
		return fmt.Errorf("%w: %w", pipeline.ErrUnavailable, err)
	}
	return nil
}

// addresses looks up what is wanted of the addresses that notifications bring
// along, in the order of those that do.
func (g *Ingest) addresses(ctx context.Context, l *lists) ([]pipeline.Preference, error) {
	for i := range l.admissions {
		if to := l.admissions[i].To; to != "" {
			l.recipients = append(l.recipients, pipeline.Recipient{Channel: l.admissions[i].Channel, Address: to})
		}
	}
	if len(l.recipients) == 0 {
		return nil, nil
	}
	addresses, err := g.cfg.Addresses.LookupAddresses(ctx, l.recipients)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", pipeline.ErrUnavailable, err)
	}
	return addresses, nil
}

// decide says what becomes of a notification at ingest, and fills in the
// address that its user prefers when it names none. One without any is queued:
// an address may be added before it is sent.
func decide(n *pipeline.Notification, p *pipeline.Preference, now time.Time) pipeline.Result {
	if !p.Wants(n.Category) {
		return pipeline.Result{State: pipeline.Suppressed, Reason: "opted_out"}
	}
	if !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(now) {
		return pipeline.Result{State: pipeline.Expired, Reason: "expired"}
	}
	if n.To == "" && len(p.Addresses) > 0 {
		n.To = p.Addresses[0]
	}
	return pipeline.Result{State: pipeline.Queued}
}

// observe counts what was accepted, a call a queue, and what ended with that.
func (g *Ingest) observe(ctx context.Context, admissions []pipeline.Admission) {
	var counts [int(pipeline.SMS) + 1][int(pipeline.Low) + 1]int
	var ended *telemetry.Endings // it is large, and mostly nothing ends here
	for i := range admissions {
		counts[admissions[i].Channel][admissions[i].Priority]++
		if admissions[i].State.Terminal() {
			if ended == nil {
				ended = &telemetry.Endings{}
			}
			ended.Add(&admissions[i].Notification, admissions[i].State)
		}
	}
	if ended != nil {
		g.cfg.Observer.Ended(ended)
	}
	g.cfg.Tracer.Committed(ctx, admissions)
	for channel := range counts {
		for priority, n := range counts[channel] {
			if n > 0 {
				g.cfg.Observer.Accepted(pipeline.Queue{Channel: pipeline.Channel(channel), Priority: pipeline.Priority(priority)}, n)
			}
		}
	}
}
