package main

import (
	"github.com/spf13/cobra"

	"github.com/notifyctl/notifyctl/scenarios/load"
)

// addressOptions are the flags that say where a load test's users have their
// addresses.
type addressOptions struct {
	addresses string
}

// register adds the flags.
func (o *addressOptions) register(cmd *cobra.Command) {
	choiceVar(cmd, cmd.Flags(), &o.addresses, "addresses", "", string(load.AddressPerEntry),
		"where the users' addresses are: each entry brings its own, or they are written as preferences first",
		string(load.AddressPerEntry), string(load.AddressPreferences))
}

// checkAddresses refuses a target that has no preferences to write them to.
func (o *loadtestOptions) checkAddresses() error {
	if o.addresses == string(load.AddressPreferences) && o.spoken != nil {
		return usagef("--addresses preferences writes them by the API of notifyctl, and a --target with a path is taken for another system; leave the addresses with the entries")
	}
	return nil
}
