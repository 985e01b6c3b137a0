package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// planOptions are the flags of every command that takes a plan.
type planOptions struct {
	file string
	set  []string
}

// register adds the flags.
func (o *planOptions) register(flags *pflag.FlagSet) {
	flags.StringVarP(&o.file, "file", "f", "", "plan `file`, - for standard input (default: the embedded reference plan)")
	o.registerSet(flags)
}

// registerSet adds the flag that overrides values, for commands that name
// their plans otherwise.
func (o *planOptions) registerSet(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.set, "set", nil, "override a value of the plan, as `path=value`; repeatable")
}

// load reads the plan that the flags ask for.
func (o *planOptions) load(a *app) (*planner.Plan, error) {
	document, err := o.document(a)
	if err != nil {
		return nil, err
	}
	return planner.Load(document)
}

// document gives what that plan is loaded from.
func (o *planOptions) document(a *app) (planner.Document, error) {
	document := planner.Document{Assignments: o.set, Today: planner.DateOf(a.now())}
	if o.file != "" {
		name, text, err := readDocument(a, o.file)
		if err != nil {
			return planner.Document{}, err
		}
		document.Name, document.Text = name, text
	}
	document.ReadFile = func(name string) ([]byte, error) { return readBeside(o.file, name) }
	return document, nil
}

// readBeside reads a file that a plan refers to, by its name relative to the
// plan's own. A plan that is no file refers to the working directory.
func readBeside(plan, name string) ([]byte, error) {
	path := name
	if plan != "" && plan != "-" && !filepath.IsAbs(name) {
		path = filepath.Join(filepath.Dir(plan), name)
	}
	text, err := readFile(path)
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return nil, fmt.Errorf("%s: %w", path, pathError.Err)
	}
	return text, err
}

// readDocument reads a plan or a scenario, or standard input for -, and gives
// the name that messages call it by. Of one that is too large it reads just
// enough for the planner to refuse it.
func readDocument(a *app, path string) (name string, text []byte, err error) {
	name = path
	if path == "-" {
		name = "<stdin>"
		text, err = readLimited(a.stdin)
	} else {
		text, err = readFile(path)
	}
	var pathError *fs.PathError
	switch {
	case errors.As(err, &pathError):
		return "", nil, usagef("%s: %w; accepted is a readable YAML file", path, pathError.Err)
	case err != nil:
		return "", nil, usagef("%s: %w", path, err)
	}
	return name, text, nil
}

// readFile reads a file, as far as readLimited goes.
func readFile(path string) (text []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return readLimited(f)
}

// readLimited reads at most one byte more than a document may have. It never
// gives nil, which would stand for the reference plan.
func readLimited(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, yamldoc.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	return text, nil
}
