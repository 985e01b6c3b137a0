package page

import (
	"embed"
	"fmt"
	"html/template"
	"io"

	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/baseline"
)

//go:embed page.html style.css
var files embed.FS

// Write renders a result. The comparison is nil where none was asked for.
func Write(w io.Writer, r *scenarios.Result, c *baseline.Comparison) error {
	page, err := template.New("page.html").ParseFS(files, "page.html", "style.css")
	if err != nil {
		panic("BUG: the page's template is invalid: " + err.Error())
	}
	if err := page.Execute(w, viewOf(r, c)); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}
