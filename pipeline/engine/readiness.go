package engine

import (
	"context"
	"errors"
)

// checks are the parts that readiness asks for.
func (s *System) checks(b base) map[string]func(context.Context) error {
	checks := map[string]func(context.Context) error{}
	for _, d := range s.dependencies {
		checks[d.name] = d.check
	}
	if !s.cfg.Engines.externalStore() {
		checks["store"] = s.checkStore
	}
	if !s.cfg.Engines.externalPreferences() {
		checks["preferences"] = checkPreferences(b.preferences)
	}
	if s.cfg.Role.delivers() {
		checks["delivery"] = s.checkDelivery
	}
	return checks
}

// checkOwn says whether the process itself works. What it shares with others is
// not asked: every gateway misses it alike, and none serves better than this.
func (s *System) checkOwn(ctx context.Context) error {
	if s.cfg.Engines.externalStore() {
		return s.checkDelivery(ctx)
	}
	return errors.Join(s.checkStore(ctx), s.checkDelivery(ctx))
}

func (s *System) checkStore(ctx context.Context) error {
	_, err := s.store.Account(ctx)
	return err
}

var errNotDelivering = errors.New("nothing is delivered any more")

// checkDelivery says whether the delivery runs; in a process without one it
// always does.
func (s *System) checkDelivery(context.Context) error {
	select {
	case <-s.delivered:
		return errNotDelivering
	default:
		return nil
	}
}
