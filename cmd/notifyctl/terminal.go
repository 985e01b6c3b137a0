package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/notifyctl/notifyctl/reports"
)

// defaultWidth is the width of what is no terminal.
const defaultWidth = 80

// terminalOf tells what may be written to w: colour only on a terminal that
// has it and whose user has not declined it, signs beyond ASCII only in a UTF-8
// locale.
func terminalOf(w io.Writer, getenv func(string) (string, bool)) reports.Terminal {
	t := reports.Terminal{Width: defaultWidth, UTF8: isUTF8(getenv)}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return t
	}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		t.Width = width
	}
	noColor, _ := getenv("NO_COLOR")
	kind, _ := getenv("TERM")
	t.Color = noColor == "" && kind != "" && kind != "dumb"
	return t
}

// isUTF8 reads the locale as POSIX says: the first of these that is set.
func isUTF8(getenv func(string) (string, bool)) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale, _ := getenv(name); locale != "" {
			locale = strings.ToUpper(locale)
			return strings.Contains(locale, "UTF-8") || strings.Contains(locale, "UTF8")
		}
	}
	return false
}
