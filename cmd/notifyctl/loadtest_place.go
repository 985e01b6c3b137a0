package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/engine"
	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// stopTimeout is how long a system of ours may take to stop after a run.
const stopTimeout = 15 * time.Second

// ledgerTimeout bounds one question to the mock providers' ledger.
const ledgerTimeout = 30 * time.Second

// A place is where a load test takes place: at a server that runs already, or,
// without a target, at one that is started for it.
type place struct {
	target  *load.Endpoint
	mock    *load.Endpoint
	key     string // the target's API key; empty: none
	foreign bool   // whether the target does not have our API
}

// place looks up the addresses that the flags name and refuses those that may
// not be loaded.
func (o *loadtestOptions) place(ctx context.Context, a *app) (place, error) {
	switch {
	case o.target == "" && o.apiKeyFile != "":
		return place{}, usagef("--api-key-file is for a --target; a server that is started has no keys")
	case o.target == "" && o.mock != "":
		return place{}, usagef("--mock goes with --target; without a target the mock providers are started, too")
	case o.target != "" && o.given() != "":
		return place{}, usagef("%s is of a server that is started, and --target names one that runs", o.given())
	case o.target == "":
		return place{}, o.check(engine.All)
	case o.spoken != nil && o.apiKeyFile != "":
		return place{}, usagef("--api-key-file is for a server of notifyctl; for a --target with a path, --header 'Authorization: Bearer $KEY' says the same")
	}
	key, err := o.key(a)
	if err != nil {
		return place{}, err
	}
	p := place{key: key, foreign: o.spoken != nil}
	if p.foreign {
		p.target, err = resolveAsIs(ctx, "--target", o.target, o.external)
	} else {
		p.target, err = resolve(ctx, "--target", o.target, o.external)
	}
	if err != nil || o.mock == "" {
		return p, err
	}
	p.mock, err = resolve(ctx, "--mock", o.mock, o.external)
	return p, err
}

// resolve finds the server of ours that a flag names by its address alone.
func resolve(ctx context.Context, flag, url string, external []string) (*load.Endpoint, error) {
	endpoint, err := resolveAsIs(ctx, flag, url, external)
	if err != nil {
		return nil, err
	}
	if u := endpoint.URL; strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, usagef("%s %s: accepted is a URL without a path, as in %s", flag, u.Redacted(), endpoint.Base())
	}
	return endpoint, nil
}

// resolveAsIs finds the server that a flag names by the URL of a call.
func resolveAsIs(ctx context.Context, flag, url string, external []string) (*load.Endpoint, error) {
	endpoint, err := load.Resolve(ctx, url, external)
	switch {
	case errors.Is(err, load.ErrForbidden):
		return nil, usagef("%s: %w", flag, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	if endpoint.URL.Fragment != "" {
		return nil, usagef("%s %s: a URL to call has no fragment", flag, endpoint.URL.Redacted())
	}
	return endpoint, nil
}

// String says where it is.
func (p place) String() string {
	if p.target == nil {
		return "a system that is started for it"
	}
	if p.foreign {
		return p.target.Base() + p.target.URL.EscapedPath()
	}
	return p.target.Base()
}

// do runs a scenario there. A system that is started for it stops with it.
func (p place) do(ctx context.Context, a *app, run *scenarios.Run, o *loadtestOptions) (_ *scenarios.Result, err error) {
	var regions scenarios.Regions
	var users scenarios.Population
	embedded := p.target == nil
	if embedded {
		defer keepMemory(a, run.Plan())()
		system, err := startEmbedded(ctx, a, run.Plan(), &o.engineOptions, o.seed, run.Scale().Time)
		if err != nil {
			return nil, err
		}
		defer func() {
			stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
			defer cancel()
			if stopped := system.stop(stopping); stopped != nil {
				err = errors.Join(err, fmt.Errorf("stop the system: %w", stopped))
			}
		}()
		if p, err = p.of(ctx, system); err != nil {
			return nil, err
		}
		regions, users = system.system, system.system
	}
	client, err := api.NewClient(p.target.Base(), api.ClientOptions{Key: p.key, DialContext: p.target.DialContext})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if users == nil {
		users = scenarios.PopulationOf(client)
	}
	bench := scenarios.Bench{Target: p.target, Key: p.key, System: client, Regions: regions, Users: users, Embedded: embedded, Log: a.log}
	if p.foreign {
		bench.System = nil
	}
	if p.mock != nil {
		http := p.mock.Client(ledgerTimeout)
		defer http.CloseIdleConnections()
		ledger, err := mockproviders.NewLedgerClient(p.mock.Base(), "", http)
		if err != nil {
			return nil, err
		}
		bench.Ledger, bench.Mocks = ledger, ledger
	}
	return run.Do(ctx, bench)
}

// of gives the place at a system that was started.
func (p place) of(ctx context.Context, system *embeddedSystem) (place, error) {
	target, err := load.Resolve(ctx, system.url, nil)
	if err != nil {
		return p, err
	}
	mock, err := load.Resolve(ctx, system.mock, nil)
	return place{target: target, mock: mock}, err
}
