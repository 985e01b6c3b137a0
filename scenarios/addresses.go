package scenarios

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// Population takes what a run's users want, before its load begins.
type Population interface {
	// ImportPreferences returns when they are durable, and may be repeated. A
	// user's are never divided over two calls.
	ImportPreferences(ctx context.Context, preferences []pipeline.Preference) error
}

const (
	// importUsers is how many users are written at once: one commit for each
	// shard of the preferences.
	importUsers = 2000
	// putConnections is how many are set at a time by the API, a call each. More
	// would only wait for each other at the target.
	putConnections = 16
	// putPatience is how long a call is put off while the target is too busy for
	// it.
	putPatience = 30 * time.Second
)

// writing is how far the writing of preferences is, in users.
type writing struct{ done, of atomic.Int64 }

// populate writes the preferences of the users that the run sends to, of a shard
// its share of them, unless entries bring the addresses themselves. Neither the
// load's time has begun by then, nor what the system is watched for.
func (r *Run) populate(ctx context.Context, b Bench, watched *observer) error {
	if r.options.Addresses != load.AddressPreferences {
		return nil
	}
	if b.Users == nil {
		panic("BUG: a run whose addresses are preferences, and nobody to take them")
	}
	from, to := r.population()
	r.writing.of.Store(int64(to - from))
	began := time.Now()
	for first := from; first < to; first += importUsers {
		end := min(first+importUsers, to)
		if err := b.Users.ImportPreferences(ctx, r.traffic.Preferences(first, end)); err != nil {
			return fmt.Errorf("write the preferences of the run's users, of which %d of %d are written: %w", first-from, to-from, err)
		}
		r.writing.done.Store(int64(end - from))
	}
	if watched != nil {
		if _, err := watched.poll(ctx); err != nil {
			return fmt.Errorf("ask the target how it is, now that the run's users are written: %w", err)
		}
		watched.restart()
	}
	b.Log.Info("the run's users have their addresses", "users", to-from, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// population is the users whose preferences the run writes, from one number up
// to another.
func (r *Run) population() (from, to int) {
	users := r.traffic.Users()
	if s := r.options.Part.Shard; s != nil {
		return users * (s.Index - 1) / s.Of, users * s.Index / s.Of
	}
	return 0, users
}

// PopulationOf is the one that a target has, which is told by PUT
// /v1/users/{user}/preferences.
func PopulationOf(client *api.Client) Population { return putPopulation{client} }

type putPopulation struct{ client *api.Client }

// ImportPreferences sets each user's by a call.
func (p putPopulation) ImportPreferences(ctx context.Context, preferences []pipeline.Preference) error {
	calls, ctx := errgroup.WithContext(ctx)
	calls.SetLimit(putConnections)
	for len(preferences) > 0 {
		user := preferences[0].UserID
		n := 1
		for n < len(preferences) && preferences[n].UserID == user {
			n++
		}
		body := preferencesOf(preferences[:n])
		preferences = preferences[n:]
		calls.Go(func() error { return p.put(ctx, user, body) })
	}
	return calls.Wait()
}

// preferencesOf is the wire form of one user's.
func preferencesOf(preferences []pipeline.Preference) api.Preferences {
	body := api.Preferences{UserID: preferences[0].UserID}
	for _, p := range preferences {
		wanted := &api.Preference{Transactional: p.Transactional, Promotional: p.Promotional, Addresses: p.Addresses}
		switch p.Channel {
		case pipeline.Email:
			body.Channels.Email = wanted
		case pipeline.Push:
			body.Channels.Push = wanted
		case pipeline.SMS:
			body.Channels.SMS = wanted
		}
	}
	return body
}

// put sets one user's, and waits where the target asks for it.
func (p putPopulation) put(ctx context.Context, user string, body api.Preferences) error {
	patience, cancel := context.WithTimeout(ctx, putPatience)
	defer cancel()
	for {
		err := p.client.SetPreferences(ctx, user, body)
		var problem *api.Problem
		if !errors.As(err, &problem) {
			return err
		}
		switch problem.Status {
		case http.StatusForbidden, http.StatusUnauthorized:
			return fmt.Errorf("the target refuses to have preferences set (%w); give an API key with the scope admin by --api-key-file, or leave the addresses with the entries by --addresses entry", err)
		case http.StatusNotFound, http.StatusMethodNotAllowed:
			return fmt.Errorf("the target keeps no preferences (%w); leave the addresses with the entries by --addresses entry", err)
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		default:
			return err
		}
		wait := time.NewTimer(time.Duration(max(problem.RetryAfter, 1)) * time.Second)
		select {
		case <-wait.C:
		case <-patience.Done():
			wait.Stop()
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("the target has been too busy for %v: %w", putPatience, err)
		}
	}
}
