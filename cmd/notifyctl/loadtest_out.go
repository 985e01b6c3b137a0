package main

import (
	"io"
	"path/filepath"

	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
)

// writeReports writes what --out is for to a directory, and names the files that
// a reader opens.
func writeReports(_ *app, dir string, r *scenarios.Result) (files []string, err error) {
	path := filepath.Join(dir, reports.ResultFile)
	if err := reports.WriteFile(path, func(w io.Writer) error { return reports.ResultJSON(w, r) }); err != nil {
		return nil, err
	}
	return []string{path}, nil
}
