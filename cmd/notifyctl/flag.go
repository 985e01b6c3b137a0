package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// envPrefix starts the name of every environment variable that sets a flag.
const envPrefix = "NOTIFYCTL_"

// applyEnvironment sets the flags that the command line leaves out and the
// environment gives: --log-level by NOTIFYCTL_LOG_LEVEL. Values of a repeatable
// flag stand on lines of their own; an empty variable gives none.
func applyEnvironment(cmd *cobra.Command, getenv func(string) (string, bool)) error {
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || failed != nil || f.Name == "help" || f.Name == "version" {
			return
		}
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		text, _ := getenv(name)
		if text == "" {
			return
		}
		values := []string{text}
		if _, repeatable := f.Value.(pflag.SliceValue); repeatable {
			values = strings.Split(strings.TrimRight(text, "\n"), "\n")
		}
		for _, v := range values {
			if err := cmd.Flags().Set(f.Name, v); err != nil {
				failed = fmt.Errorf("%s: %w", name, err)
				return
			}
		}
	})
	return failed
}

// choiceVar adds to the flags of a command one that takes one of the words.
func choiceVar(cmd *cobra.Command, flags *pflag.FlagSet, value *string, name, shorthand, byDefault, usage string, words ...string) {
	*value = byDefault
	flags.VarP(choice{value, words}, name, shorthand, usage)
	completeFlag(cmd, name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// completeFlag says what a shell may complete a flag's value with.
func completeFlag(cmd *cobra.Command, name string, with cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(name, with); err != nil {
		panic("BUG: completing --" + name + ": " + err.Error())
	}
}

// noArgs refuses arguments with the fault of a command that takes none.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments, and was given %q", cmd.CommandPath(), args[0])
	}
	return nil
}
