package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline/engine"
	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/reports/tui"
)

// serveOptions are the flags of serve.
type serveOptions struct {
	planOptions
	secureOptions
	traceOptions
	engineOptions
	profileOptions
	role      string
	listen    string
	hosts     []string
	providers string
	tui       bool
}

// newServeCommand builds notifyctl serve.
func newServeCommand(a *app) *cobra.Command {
	var opts serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the whole pipeline, with mock providers",
		Long: `Run the reference pipeline in this process: the HTTP interface, the queues, the
workers and, unless --providers names some, mock providers on a port of their
own. What it is made of is said by the plan's deployment section.

With --data it keeps queues, history, idempotency keys, preferences and
templates in a directory: a kill at any moment and a restart lose nothing that
was answered 202. Without it everything is in a temporary directory that is
removed at the end.

--kafka, --cassandra and --redis put queues, history, limits, caches and keys
into engines beyond the network, and --postgres the preferences; --redis and
--postgres also serve alone. Engines may be started in any order: they are
waited for. Over all four the work is shared by processes: --role gateway
answers HTTP and --role worker delivers, as many of each as it takes.

Without API keys whoever reaches it may do everything, so that it listens on
loopback alone. --api-keys names a file of keys, one a line,

  name:sha256:scope,...

with scopes of send, send_to (to an address that a request brings along), read
and admin, and limit=1000/s among them for a limit of the client's own. The file
and the certificate are read again on SIGHUP.

It is ready when one line with its URL is on stderr. SIGTERM or Ctrl-C ends it
in order: nothing more is taken, what is being sent is settled, exit 0. A second
signal ends it at once; that too loses nothing in --data.`,
		Example: `  notifyctl serve
  notifyctl serve --data ./data --listen 127.0.0.1:9000
  notifyctl mock & notifyctl serve --providers http://127.0.0.1:8090
  echo "shop:$(printf %s "$KEY" | sha256sum | cut -d' ' -f1):send,read" >keys && chmod 600 keys
  notifyctl serve --listen 0.0.0.0:8443 --api-keys keys --tls-cert cert.pem --tls-key key.pem
  notifyctl serve --redis redis://127.0.0.1:6379 --postgres postgres://notifyctl@127.0.0.1/notifyctl
  notifyctl serve --role worker --kafka 10.0.0.1:9092 --cassandra 10.0.0.2 --redis 10.0.0.3 \
       --postgres postgres://10.0.0.4/shard0 --postgres postgres://10.0.0.5/shard1 --templates s3://notifyctl-templates
  curl -d '{"user_id":"ada","channel":"email","to":"ada@example.com","template_id":"welcome","variables":{"name":"Ada"}}' \
       -H 'Content-Type: application/json' http://127.0.0.1:8080/v1/notifications`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runServe(cmd.Context(), a, opts)
		},
	}
	flags := cmd.Flags()
	opts.planOptions.register(flags)
	opts.engineOptions.register(flags)
	choiceVar(cmd, flags, &opts.role, "role", "", string(engine.All), "what this process does: everything, answer HTTP, or deliver", roleNames()...)
	flags.StringVar(&opts.listen, "listen", "127.0.0.1:8080", "`address` of the HTTP interface; one that is not on loopback needs --api-keys")
	flags.StringVar(&opts.apiKeys, "api-keys", "", "`file` of API keys (default: none is asked for)")
	flags.StringVar(&opts.tlsCert, "tls-cert", "", "`file` of the certificate, and those above it, as PEM")
	flags.StringVar(&opts.tlsKey, "tls-key", "", "`file` of the certificate's key, as PEM")
	opts.registerTrace(flags)
	opts.profileOptions.register(flags)
	flags.StringArrayVar(&opts.hosts, "allowed-host", nil, "`name` it answers to beside loopback's; repeatable")
	flags.StringVar(&opts.providers, "providers", "", "`URL` of running mock providers (default: they are started)")
	flags.BoolVar(&opts.tui, "tui", false, "show the live screen; its help says what its keys do")
	return cmd
}

// drainTimeout bounds an orderly end: a provider's call, its settlement, and
// what a temporary directory still queues.
const drainTimeout = 30 * time.Second

// runServe serves until ctx ends or the system fails.
func runServe(ctx context.Context, a *app, opts serveOptions) error {
	around, log := a, tui.NewLog(a.stderr) // what is around a screen
	if opts.tui {
		if !isTerminal(a.stdin) || !isTerminal(a.stderr) {
			return usagef("--tui needs a terminal for its input and its messages; without one leave it out, and look with notifyctl monitor")
		}
		a = a.logging(log)
	}
	plan, err := opts.load(a)
	if err != nil {
		return err
	}
	if err := errors.Join(checkProviderURLs(plan), opts.check()); err != nil {
		return err
	}
	secured, err := opts.open(a)
	if err != nil {
		return err
	}
	targets, prices, err := promises(plan)
	if err != nil {
		return err
	}
	tracer, stopTracer, err := opts.openTracer(ctx, a.log)
	if err != nil {
		return err
	}
	providers, stopMocks, err := opts.startProviders(ctx, a, plan)
	if err != nil {
		return err
	}
	stopProfiles, err := startProfiles(ctx, a.log, opts.pprof, secured.keys)
	if err != nil {
		return errors.Join(err, stopMocks())
	}
	stopAround := func() error { return errors.Join(stopProfiles(), stopMocks(), stopTracer()) }
	defer keepMemory(a, plan)()
	config := engineConfig(plan, providers)
	config.Listen, config.Hosts, config.Role = opts.listen, opts.hosts, engine.Role(opts.role)
	opts.configure(&config, plan)
	config.Keys, config.TLS = secured.keys, secured.tls()
	config.Targets, config.Prices, config.Tracer = targets, prices, tracer
	config.IDKey, _ = a.getenv("NOTIFYCTL_ID_KEY")
	config.Version, config.Log, config.Fatal = buildVersion().String(), a.log, fatal(a)
	system, err := engine.Open(ctx, config)
	if err != nil {
		return errors.Join(err, stopAround())
	}
	defer secured.watch(ctx, a)()
	if err := announce(ctx, a, system, providers); err != nil {
		return errors.Join(err, end(system), stopAround())
	}
	if opts.tui {
		err = showServer(ctx, around, system, log)
	} else {
		awaitEnd(ctx, system)
	}
	return errors.Join(err, end(system), stopAround())
}

// awaitEnd waits until the server is to end, or has failed.
func awaitEnd(ctx context.Context, system *engine.System) {
	select {
	case <-ctx.Done():
	case <-system.Done():
	}
}

// check refuses what the flags must not say.
func (o *serveOptions) check() error {
	loopback, err := isLoopback(o.listen)
	if err != nil {
		return usagef("--listen %s: want host:port, as in 127.0.0.1:8080", o.listen)
	}
	if !loopback && o.apiKeys == "" {
		return usagef("--listen %s: an address that is not on loopback needs --api-keys, for whoever can reach it could send", o.listen)
	}
	if err := o.checkProfiles(); err != nil {
		return err
	}
	if err := o.engineOptions.check(engine.Role(o.role)); err != nil {
		return err
	}
	if o.providers == "" {
		return nil
	}
	u, err := url.Parse(o.providers)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return usagef("--providers %s: want the URL of running mock providers, as in http://127.0.0.1:8090", o.providers)
	}
	return nil
}

// isLoopback says whether only this machine reaches an address.
func isLoopback(address string) (bool, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false, err
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback(), nil
}

// roleNames lists what --role takes.
func roleNames() []string {
	var names []string
	for _, role := range engine.Roles() {
		names = append(names, string(role))
	}
	return names
}

// startProviders gives the base URL of the providers, and starts mock ones when
// none is named and something is to be sent.
func (o *serveOptions) startProviders(ctx context.Context, a *app, plan *planner.Plan) (base string, stop func() error, err error) {
	if o.providers != "" || o.role == string(engine.Gateway) {
		return strings.TrimRight(o.providers, "/"), func() error { return nil }, nil
	}
	mocks, err := startMocks(ctx, a.log, mockproviders.Options{Latency: mockproviders.ReferenceLatency(), Connect: plan.Deployment.ConnectTime, Logger: a.log})
	if err != nil {
		return "", nil, err
	}
	return mocks.url, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		return mocks.stop(ctx)
	}, nil
}

// announce waits until the system says that it is ready, and says where it is.
func announce(ctx context.Context, a *app, system *engine.System, providers string) error {
	readiness := system.Readiness(ctx)
	if readiness.Status != "ready" {
		return fmt.Errorf("the system started and is %s: %v", readiness.Status, readiness.Checks)
	}
	kept := ""
	if path, temporary := system.DataDir(); temporary {
		kept = fmt.Sprintf("; its data is in %s and removed at the end (--data DIR keeps it)", path)
	}
	ready := "ready"
	if role := system.Role(); role != engine.All {
		ready = string(role) + " ready"
	}
	if providers != "" {
		providers = ", providers at " + providers
	}
	_, err := fmt.Fprintf(a.stderr, "notifyctl: %s at %s%s%s\n", ready, system.URL(), providers, kept)
	return err
}

// end drains the system. Its own time starts now: the context that ended the
// serving is over. A second signal ends the process at once.
func end(system *engine.System) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	return system.Drain(ctx)
}

// fatal ends the process when the store can no longer keep a promise: whatever
// ran on would promise more.
func fatal(a *app) func(error) {
	return func(err error) {
		a.log.Error("the store cannot be written any more; nothing that was answered 202 is lost", "error", err)
		os.Exit(exitFailed)
	}
}
