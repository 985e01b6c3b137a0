package reports

import (
	"strconv"
	"strings"

	"github.com/notifyctl/notifyctl/scenarios"
)

// FirstAnswer writes one answer that did not accept, as an example of its kind:
//
//	first malformed at 00:02: 200 text/html, "<html>It works!"
func FirstAnswer(a scenarios.Answer) string {
	text := "first " + strings.ReplaceAll(a.Kind, "_", " ") + " at " + ClockOf(a.At) + ":"
	if a.Status != 0 {
		text += " " + strconv.Itoa(a.Status)
		if a.ContentType != "" {
			text += " " + a.ContentType
		}
		if a.Text == "" {
			return text + ", without a body"
		}
		return text + ", " + strconv.Quote(a.Text)
	}
	return text + " " + a.Text
}
