package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/notifyctl/notifyctl/planner"
)

// initOptions are the flags and arguments of init.
type initOptions struct {
	file   string
	force  bool
	schema bool
}

// newInitCommand builds notifyctl init.
func newInitCommand(a *app) *cobra.Command {
	opts := initOptions{file: "plan.yaml"}
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write the annotated reference plan",
		Long: `Write the reference plan to FILE (default plan.yaml, - for standard output):
100 million users a day, every key with a comment that says what it is, its unit
and why the value. Make it yours; what a plan leaves out keeps its value here.`,
		Example: `  notifyctl init
  notifyctl init --force capacity/plan.yaml
  notifyctl init --schema >plan.schema.json     # for your editor`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%s takes one file, and was given %d", cmd.CommandPath(), len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				opts.file = args[0]
			}
			if opts.schema && len(args) > 0 {
				return usagef("--schema prints to standard output and takes no file")
			}
			return runInit(cmd.Context(), a, opts)
		},
	}
	cmd.Flags().BoolVar(&opts.force, "force", false, "overwrite FILE if it exists")
	cmd.Flags().BoolVar(&opts.schema, "schema", false, "print the JSON Schema of plan files instead")
	return cmd
}

// runInit writes the reference plan or the schema.
func runInit(_ context.Context, a *app, opts initOptions) error {
	switch {
	case opts.schema:
		schema, err := planner.Schema()
		if err != nil {
			return err
		}
		return write(a, schema)
	case opts.file == "-":
		return write(a, planner.ReferenceYAML())
	}
	if err := createFile(opts.file, planner.ReferenceYAML(), opts.force); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(a.stderr, "wrote the reference plan to %s; next: notifyctl estimate -f %s\n", opts.file, opts.file); err != nil {
		return fmt.Errorf("writing to standard error: %w", err)
	}
	return nil
}

// createFile writes a new file, or over an old one if forced.
func createFile(path string, content []byte, force bool) (err error) {
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, mode, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already; --force overwrites it", path)
	}
	if err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	return nil
}

// write writes data to standard output.
func write(a *app, data []byte) error {
	if _, err := a.stdout.Write(data); err != nil {
		return fmt.Errorf("writing to standard output: %w", err)
	}
	return nil
}
