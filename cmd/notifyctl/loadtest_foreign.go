package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/net/http/httpguts"

	"github.com/notifyctl/notifyctl/scenarios/load"
)

// foreignOptions are the flags that say how a target is spoken to that does not
// have our API.
type foreignOptions struct {
	headers []string
	body    string
	accept  string

	spoken *load.Foreign // what they come to; nil for a target that has our API
}

// register adds the flags.
func (o *foreignOptions) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.headers, "header", nil, "`header` of every request to a --target with a path, as in 'X-Tenant: blue'; $NAME in the value is a variable of the environment, @file the contents of a file; repeatable")
	flags.StringVar(&o.body, "body", "", "`file` with the template of a request's body, for a --target with a path (default: the body that notifyctl's API takes)")
	flags.StringVar(&o.accept, "accept", "", "`condition` on the answers of a --target with a path that accept a request, as in 'status==202 && json.ok==true' (default: any 2xx)")
}

// foreignFlag is the first of the flags that was given, or empty.
func (o *foreignOptions) foreignFlag() string {
	switch {
	case len(o.headers) > 0:
		return "--header"
	case o.body != "":
		return "--body"
	case o.accept != "":
		return "--accept"
	}
	return ""
}

// isForeign says whether a target is used as it is, having a path or a query,
// rather than taken for a server of ours. What is no URL is none.
func isForeign(target string) bool {
	u, err := url.Parse(target)
	return err == nil && (strings.Trim(u.Path, "/") != "" || u.RawQuery != "")
}

// readForeign reads what the flags name. A body of one notification makes the
// requests such, unless they were said to be larger.
func (o *loadtestOptions) readForeign(a *app) error {
	if !isForeign(o.target) {
		if flag := o.foreignFlag(); flag != "" {
			return usagef("%s is for a --target with a path, which is called as it is, as in http://127.0.0.1:9000/send; without one it is taken for a server of notifyctl", flag)
		}
		return nil
	}
	header, err := readHeaders(a, o.headers)
	if err != nil {
		return err
	}
	o.spoken = &load.Foreign{Header: header}
	if o.body != "" {
		name, text, err := readDocument(a, o.body)
		if err != nil {
			return err
		}
		if o.spoken.Body, err = load.ParseTemplate(name, string(text)); err != nil {
			return usagef("--body: %w", err)
		}
		if !o.spoken.Body.Ranges() && !o.batchGiven {
			o.batch = 1
		}
	}
	if o.accept != "" {
		if o.spoken.Accept, err = load.ParseMatcher(o.accept); err != nil {
			return usagef("--accept %s: %w", o.accept, err)
		}
	}
	return nil
}

// readHeaders reads the values of --header. They may hold secrets, and no error
// shows one.
func readHeaders(a *app, lines []string) (http.Header, error) {
	header := http.Header{}
	for _, line := range lines {
		name, value, found := strings.Cut(line, ":")
		if !found || !httpguts.ValidHeaderFieldName(name) {
			return nil, usagef("--header %q: accepted is a name, a colon and a value, as in 'X-Tenant: blue'", name)
		}
		name = http.CanonicalHeaderKey(name)
		switch name {
		case "Content-Length", "Transfer-Encoding", "Connection":
			return nil, usagef("--header %s: it follows from the request; leave it out", name)
		case "Idempotency-Key":
			return nil, usagef("--header %s: it differs from request to request; --keys says whether there is one", name)
		}
		value, err := headerValue(a, strings.TrimSpace(value))
		if err != nil {
			return nil, usagef("--header %s: %w", name, err)
		}
		if !httpguts.ValidHeaderFieldValue(value) {
			return nil, usagef("--header %s: the value has characters that no header may have, such as a line's end", name)
		}
		header.Add(name, value)
	}
	return header, nil
}

// headerValue puts in what a value names: @file, $NAME or ${NAME}, and $$ for a
// dollar.
func headerValue(a *app, text string) (string, error) {
	if name, ok := strings.CutPrefix(text, "@"); ok {
		contents, err := readFile(name)
		if err != nil {
			return "", fmt.Errorf("%w; accepted is @ and the name of a readable file", err)
		}
		return strings.TrimSpace(string(contents)), nil
	}
	missing := ""
	value := os.Expand(text, func(name string) string {
		if name == "$" {
			return "$"
		}
		v, ok := a.getenv(name)
		if !ok {
			missing = name
		}
		return v
	})
	if missing != "" {
		return "", fmt.Errorf("the environment has no %s; $$ stands for a dollar", missing)
	}
	return value, nil
}
