package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker in a release.
var version string

// A build says which program this is.
type build struct {
	version string
	commit  string
	dirty   bool
}

// buildVersion reads what the linker and the go command recorded.
func buildVersion() build {
	b := build{version: version}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if b.version == "" {
		b.version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.commit = s.Value
		case "vcs.modified":
			b.dirty = s.Value == "true"
		}
	}
	return b
}

// String writes the build on one line.
func (b build) String() string {
	if b.version == "" {
		b.version = "(devel)"
	}
	commit := ""
	if len(b.commit) >= 12 {
		commit = ", commit " + b.commit[:12]
		if b.dirty {
			commit += " with changes"
		}
	}
	return fmt.Sprintf("notifyctl %s%s, %s, %s/%s", b.version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// newVersionCommand builds notifyctl version.
func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Say which notifyctl this is",
		Long:    "Print the version, the commit it was built from, the Go release and the\nplatform.",
		Example: `  notifyctl version`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runVersion(cmd.Context(), a)
		},
	}
}

// runVersion prints the version.
func runVersion(_ context.Context, a *app) error {
	return write(a, []byte(buildVersion().String()+"\n"))
}
