package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/reports"
)

const (
	// defaultServer is where serve listens unless told otherwise.
	defaultServer = "http://127.0.0.1:8080"
	// followEvery is how often a notification is looked up on its way.
	followEvery = 100 * time.Millisecond
	// shippedTemplate serves without a flag: its one variable is the user's
	// name.
	shippedTemplate = "welcome"
)

// sendOptions are the flags and the argument of send.
type sendOptions struct {
	serverOptions
	user      string
	channel   string
	to        string
	template  string
	variables []string // name=value
	priority  string
	category  string
	locale    string
	wait      time.Duration
	output    string
}

// newSendCommand builds notifyctl send.
func newSendCommand(a *app) *cobra.Command {
	opts := sendOptions{serverOptions: serverOptions{url: defaultServer}}
	cmd := &cobra.Command{
		Use:   "send [URL]",
		Short: "Send one notification through a running server, and follow it",
		Long: `Send one test notification through a running server, ` + defaultServer + `
by default, and follow it to its end: every state that it takes and every
attempt at a provider is shown as it is seen.

Without --template the shipped one is used, welcome, with the user's id for a
name. Without --to the address is the first of the user's preferences.

Exit codes: 0 delivered; 1 it ended otherwise, was refused, or had not ended
after --wait; 104 bad flags.`,
		Example: `  notifyctl send --to ada@example.com
  notifyctl send --channel sms --to +12025550123 --template otp --var code=123456
  notifyctl send --user ada --channel push --priority high -o json
  notifyctl send --api-key-file key --allow-external staging.example https://staging.example`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("notifyctl send takes one URL, and was given %q", args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				opts.url = args[0]
			}
			return runSend(cmd.Context(), a, opts)
		},
	}
	flags := cmd.Flags()
	opts.register(flags)
	flags.StringVar(&opts.user, "user", "test", "`id` of the user it is for")
	choiceVar(cmd, flags, &opts.channel, "channel", "", "email", "the way to the user", "push", "email", "sms")
	flags.StringVar(&opts.to, "to", "", "`address`: of e-mail, an E.164 number or a device token (default: the user's)")
	flags.StringVar(&opts.template, "template", shippedTemplate, "`id` of the template")
	flags.StringArrayVar(&opts.variables, "var", nil, "a variable of the template, `name=value`; repeatable")
	choiceVar(cmd, flags, &opts.priority, "priority", "", "normal", "how urgent it is", "high", "normal", "low")
	choiceVar(cmd, flags, &opts.category, "category", "", "transactional", "why it is sent", "transactional", "promotional")
	flags.StringVar(&opts.locale, "locale", "", "language `tag`, as in de-AT (default: the template's)")
	flags.DurationVar(&opts.wait, "wait", 30*time.Second, "how long it is followed")
	flags.StringArrayVar(&opts.external, "allow-external", nil, "send through this `host` although it is not this machine; repeatable")
	choiceVar(cmd, flags, &opts.output, "output", "o", "table", "how it is shown", "table", "json")
	return cmd
}

// keyOptions are the flags by which a command shows an API key to a server.
type keyOptions struct{ apiKeyFile string }

func (o *keyOptions) register(flags *pflag.FlagSet) {
	flags.StringVar(&o.apiKeyFile, "api-key-file", "", "`file` with the API key (default: what NOTIFYCTL_API_KEY holds)")
}

// key gives the API key; empty: none.
func (o *keyOptions) key(a *app) (string, error) {
	if o.apiKeyFile != "" {
		return readSecret("--api-key-file", o.apiKeyFile)
	}
	key, _ := a.getenv("NOTIFYCTL_API_KEY")
	return strings.TrimSpace(key), nil
}

// runSend sends one notification and follows it.
func runSend(ctx context.Context, a *app, opts sendOptions) error {
	if opts.wait <= 0 {
		return usagef("--wait %v: want a time above 0", opts.wait)
	}
	notification, err := opts.notification()
	if err != nil {
		return err
	}
	client, err := opts.client(ctx, a)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, opts.wait, errNotEnded)
	defer cancel()
	f := follower{client: client, out: a.stdout, quiet: opts.output == "json", began: time.Now()}
	entry, err := f.send(ctx, notification)
	if errors.Is(context.Cause(ctx), errNotEnded) {
		err = fmt.Errorf("after %v it has not ended; GET /v1/notifications/%s tells what becomes of it: %w", opts.wait, f.id, errNotEnded)
	}
	if err != nil {
		return err
	}
	if f.quiet {
		data, err := json.MarshalIndent(entry, "", "  ")
		if err != nil {
			return err
		}
		if err := write(a, append(data, '\n')); err != nil {
			return err
		}
	}
	if entry.State != "delivered" {
		return fmt.Errorf("%s ended as %s: %s", entry.ID, entry.State, entry.Reason)
	}
	return nil
}

var errNotEnded = errors.New("given up")

// notification is what the flags describe.
func (o *sendOptions) notification() (api.Notification, error) {
	n := api.Notification{
		UserID: o.user, Channel: o.channel, To: o.to, Priority: o.priority, Category: o.category,
		TemplateID: o.template, Locale: o.locale, Variables: map[string]string{},
	}
	if n.TemplateID == shippedTemplate {
		n.Variables["name"] = o.user
	}
	for _, v := range o.variables {
		name, value, found := strings.Cut(v, "=")
		if !found || name == "" {
			return n, usagef("--var %s: want name=value, as in code=123456", v)
		}
		n.Variables[name] = value
	}
	return n, nil
}

// A follower shows one notification's way.
type follower struct {
	client *api.Client
	out    io.Writer
	quiet  bool
	began  time.Time
	id     string
}

// send submits a notification and gives what became of it.
func (f *follower) send(ctx context.Context, n api.Notification) (api.Entry, error) {
	accepted, err := f.client.Submit(ctx, []api.Notification{n}, rand.Text())
	if err != nil {
		return api.Entry{}, err
	}
	if len(accepted.Results) != 1 {
		return api.Entry{}, fmt.Errorf("the server answered with %d results for one notification", len(accepted.Results))
	}
	f.id = accepted.Results[0].ID
	if err := f.show("accepted as " + f.id); err != nil {
		return api.Entry{}, err
	}
	return f.follow(ctx)
}

// follow looks the notification up until it has ended.
func (f *follower) follow(ctx context.Context) (api.Entry, error) {
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	state, attempts := "", 0
	for {
		entry, err := f.client.Notification(ctx, f.id)
		if err != nil {
			return entry, err
		}
		for ; attempts < len(entry.Attempts); attempts++ {
			if err := f.show(describeAttempt(entry.Attempts[attempts])); err != nil {
				return entry, err
			}
		}
		if entry.State != state {
			state = entry.State
			if err := f.show(strings.TrimSpace(state + " " + entry.Reason)); err != nil {
				return entry, err
			}
		}
		if entry.Ended() {
			return entry, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return entry, ctx.Err()
		}
	}
}

func describeAttempt(t api.Attempt) string {
	said := t.Provider + " " + t.Result
	if t.Error != "" {
		said += ": " + t.Error
	}
	return said
}

// show writes one line of the way, with the time since it began.
func (f *follower) show(text string) error {
	if f.quiet {
		return nil
	}
	_, err := fmt.Fprintf(f.out, "%6.2fs  %s\n", time.Since(f.began).Seconds(), reports.Clean(text))
	return err
}
