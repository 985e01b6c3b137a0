package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/notifyctl/notifyctl/pipeline/gateway"
)

// Limits of the profiles' server. A profile takes half a minute unless asked
// for longer.
const (
	profileHeaderTimeout = 5 * time.Second
	profileTimeout       = 5 * time.Minute
)

// profileOptions are the flags that say where profiles of the process are served.
type profileOptions struct {
	pprof string
}

// register adds the flags.
func (o *profileOptions) register(flags *pflag.FlagSet) {
	flags.StringVar(&o.pprof, "pprof", "", "serve profiles of this process at this loopback `address`")
}

// checkProfiles refuses an address that others reach.
func (o *profileOptions) checkProfiles() error {
	if o.pprof == "" {
		return nil
	}
	if loopback, err := isLoopback(o.pprof); err != nil || !loopback {
		return usagef("--pprof %s: want a loopback address, as in 127.0.0.1:6060", o.pprof)
	}
	return nil
}

// startProfiles serves profiles of this process at a loopback address, and gives
// what ends it. None is served without an address.
func startProfiles(ctx context.Context, log *slog.Logger, address string, keys *gateway.Keys) (stop func() error, err error) {
	if address == "" {
		return func() error { return nil }, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--pprof: %w", err)
	}
	routes := http.NewServeMux()
	routes.HandleFunc("/debug/pprof/", pprof.Index)
	routes.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	routes.HandleFunc("/debug/pprof/profile", pprof.Profile)
	routes.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	routes.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{
		Handler:           gateway.Guard(routes, nil, keys, gateway.ScopeAdmin),
		ReadHeaderTimeout: profileHeaderTimeout, WriteTimeout: profileTimeout,
	}
	var served sync.WaitGroup
	served.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("profiles are not served any more", "error", err)
		}
	})
	log.Info("serving profiles", "url", "http://"+listener.Addr().String()+"/debug/pprof/")
	return func() error {
		err := server.Close() // a profile that is being taken is of no use to the end
		served.Wait()
		return err
	}, nil
}
