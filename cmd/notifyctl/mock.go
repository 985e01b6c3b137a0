package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/notifyctl/notifyctl/mockproviders"
)

// mockOptions are the flags of mock.
type mockOptions struct {
	listen       string
	hosts        []string
	latency      time.Duration
	fixed        bool // latency was given
	seed         uint64
	faults       string
	limits       string
	latencies    string
	controlToken string
	tls          string
}

// newMockCommand builds notifyctl mock.
func newMockCommand(a *app) *cobra.Command {
	var opts mockOptions
	cmd := &cobra.Command{
		Use:   "mock",
		Short: "Run the mock providers alone, for any notification system",
		Long: `Run SendGrid, SES, FCM, APNs, Twilio and Vonage as mock servers that speak the
providers' own HTTP APIs, each under a prefix of its name: a client's base URL
is http://127.0.0.1:8090/sendgrid, /ses, /fcm, /apns, /twilio or /vonage. Any
credentials that are not empty serve. Nothing is sent to anybody.

What was accepted is told by GET /_mock/ledger, of one id by ?id=ID, of a load
run by ?run=RUN; ?duplicates=1 lists what came more than once, DELETE starts
over. Our ids travel as SendGrid's custom_args.notification_id, an e-mail tag of
SES, FCM's data.notification_id, beside "aps" in APNs' payload, in the query of
Twilio's StatusCallback, and in Vonage's client-ref, as "id.ref".

Faults are set by --faults, or live by PUT /_mock/faults, in JSON:

  {"faults": [{"provider": "sendgrid", "at": "10s", "for": "30s", "fault": "outage"},
              {"fault": "status", "status": 429, "retry_after": "2s", "rate": 0.3},
              {"provider": "fcm", "fault": "status", "status": 404, "to": "gone-*"}]}

A fault is outage, status, slow, hang, reset_before, reset_after, html_502, drip
or partial_batch; to, template, attempts and scope "entry" have it judge
notifications rather than calls. The same --seed gives the same faults again.

Limits are off. --limits published keeps every account to what the provider
publishes; --limits FILE, or PUT /_mock/limits, to others:

  {"fcm": {"messages": {"limit": 600000, "per": "1m", "window": true}},
   "ses": {"messages": {"limit": 14}, "daily": 50000},
   "vonage": {"calls": {"limit": 30}}}

Latencies are those of --latency, or of --latencies FILE, by median and p99 or
as they were measured, also by provider:

  {"one": {"median": "100ms", "p99": "125ms"},
   "providers": {"ses": {"one": {"histogram": [{"up_to": "50ms", "count": 70},
                                               {"up_to": "400ms", "count": 30}]}}}}

How busy the mocks are, and what they could do, is told by GET /_mock/status.

It is ready when one line with its URL is on stderr; SIGTERM or Ctrl-C ends it.`,
		Example: `  notifyctl mock
  notifyctl mock --latency 0 --listen 127.0.0.1:9090
  notifyctl mock --faults faults.json --seed 7
  notifyctl mock --limits published
  curl http://127.0.0.1:8090/_mock/ledger`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.fixed = cmd.Flags().Changed("latency")
			return runMock(cmd.Context(), a, opts)
		},
	}
	opts.register(cmd.Flags())
	return cmd
}

func (o *mockOptions) register(flags *pflag.FlagSet) {
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8090", "`address` to listen on")
	flags.StringArrayVar(&o.hosts, "allowed-host", nil, "`name` it answers to beside loopback's; repeatable")
	flags.DurationVar(&o.latency, "latency", 0, "`duration` of every call (default: 100ms for one notification, 200ms for a batch, spread)")
	flags.Uint64Var(&o.seed, "seed", 1, "`number` that decides which calls faults and latencies hit")
	flags.StringVar(&o.faults, "faults", "", "`file` with a fault script")
	flags.StringVar(&o.limits, "limits", "", "`file` with the limits of the accounts, or published for the providers' own")
	flags.StringVar(&o.latencies, "latencies", "", "`file` with latencies, in place of --latency")
	flags.StringVar(&o.controlToken, "control-token", "", "`file` with the bearer token that /_mock asks for; needed off loopback")
	flags.StringVar(&o.tls, "tls", "", "`directory` to write a certificate authority to, and speak TLS under it")
}

// mockCloseTimeout bounds the end of calls under way, which are answered at
// once.
const mockCloseTimeout = 5 * time.Second

// runMock serves the mocks until ctx ends.
func runMock(ctx context.Context, a *app, opts mockOptions) error {
	o, err := opts.server(a)
	if err != nil {
		return err
	}
	server, err := mockproviders.New(o)
	if err != nil {
		return &usageError{err}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", opts.listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("cannot listen on %s: the port is in use; give another by --listen", opts.listen)
	}
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", opts.listen, err)
	}
	scheme := "http"
	if o.Certificate != nil {
		scheme = "https"
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if _, err := fmt.Fprintf(a.stderr, "notifyctl: mock providers ready at %s://%s\n", scheme, listener.Addr()); err != nil {
		return errors.Join(err, stopMock(server, served))
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return stopMock(server, served)
	}
}

// stopMock ends a server. Its own time starts now: the context that ended the
// serving is over.
func stopMock(server *mockproviders.Server, served <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), mockCloseTimeout)
	defer cancel()
	err := server.Close(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil // a client that does not read its answer does not make the end a failure
	}
	return errors.Join(err, <-served)
}

// server turns the flags into the server's options. Whatever is wrong is found
// here, before anything is started.
func (o *mockOptions) server(a *app) (mockproviders.Options, error) {
	out := mockproviders.Options{
		Latency: mockproviders.ReferenceLatency(), Seed: o.seed,
		AllowedHosts: o.hosts, Logger: a.log,
	}
	if o.latency < 0 {
		return out, usagef("--latency %s: cannot be negative", o.latency)
	}
	if err := o.readLatencies(&out); err != nil {
		return out, err
	}
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return out, usagef("--listen %s: want host:port, as in 127.0.0.1:8090", o.listen)
	}
	if out.ControlToken, err = o.readControlToken(); err != nil {
		return out, err
	}
	if address, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !address.IsLoopback()) && out.ControlToken == "" {
		return out, usagef("--listen %s: an address that is not on loopback needs --control-token, for whoever can reach it could clear the ledger", o.listen)
	}
	if o.faults != "" {
		if out.Faults, err = readSetting("--faults", o.faults, mockproviders.ParseScript); err != nil {
			return out, err
		}
	}
	switch o.limits {
	case "":
	case "published":
		out.Limits = mockproviders.PublishedLimits()
	default:
		if out.Limits, err = readSetting("--limits", o.limits, mockproviders.ParseLimits); err != nil {
			return out, err
		}
	}
	if o.tls != "" {
		certificate, err := mockproviders.NewCertificate(o.tls, append([]string{host}, o.hosts...))
		if err != nil {
			return out, err
		}
		out.Certificate = &certificate
	}
	return out, nil
}

// readLatencies takes the latencies from the one flag or the other.
func (o *mockOptions) readLatencies(out *mockproviders.Options) error {
	switch {
	case o.fixed && o.latencies != "":
		return usagef("--latency and --latencies: give one of them")
	case o.fixed:
		out.Latency = mockproviders.FixedLatency(o.latency)
	case o.latencies != "":
		latencies, err := readSetting("--latencies", o.latencies, mockproviders.ParseLatencies)
		if err != nil {
			return err
		}
		out.Latency, out.ProviderLatency = latencies.Latency, latencies.Providers
	}
	return nil
}

// maxControlFile bounds the files that flags name, in bytes.
const maxControlFile = 1 << 20

// readSetting reads what a flag's file holds.
func readSetting[T any](flag, path string, parse func([]byte) (T, error)) (T, error) {
	text, _, err := readBounded(path)
	if err != nil {
		var none T
		return none, usagef("%s: %w", flag, err)
	}
	setting, err := parse(text)
	if err != nil {
		return setting, usagef("%s: %w", path, err)
	}
	return setting, nil
}

// readControlToken reads the token from its file, which nobody else may read.
func (o *mockOptions) readControlToken() (string, error) {
	if o.controlToken == "" {
		return "", nil
	}
	return readSecret("--control-token", o.controlToken)
}

// readBounded reads a file that is not too large.
func readBounded(path string) (text []byte, info fs.FileInfo, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if info, err = file.Stat(); err != nil {
		return nil, nil, err
	}
	text, err = io.ReadAll(io.LimitReader(file, maxControlFile+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("reading %s: %w", path, err)
	case len(text) > maxControlFile:
		return nil, nil, fmt.Errorf("%s is larger than 1 MiB", path)
	}
	return text, info, nil
}
