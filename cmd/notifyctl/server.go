package main

import (
	"context"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// serverOptions say which running server a command asks, and under which key.
type serverOptions struct {
	keyOptions
	url      string
	external []string // hosts that need not be this machine
}

// client makes a client of the server. Its user closes it.
func (o *serverOptions) client(ctx context.Context, a *app) (*api.Client, error) {
	key, err := o.key(a)
	if err != nil {
		return nil, err
	}
	server, err := resolve(ctx, "URL", o.url, o.external)
	if err != nil {
		return nil, err
	}
	client, err := api.NewClient(server.Base(), api.ClientOptions{Key: key, DialContext: server.DialContext})
	if err != nil {
		return nil, &usageError{err}
	}
	return client, nil
}
