package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Foreign is how a target is spoken to that does not have our API.
type Foreign struct {
	// Header is of every request; without a Content-Type it is JSON.
	Header http.Header
	Body   *Template // nil: the body that our API takes
	Accept *Matcher  // which answers accept a request; nil: any 2xx
}

// tried is how many bodies are written to see whether a template serves: enough
// to meet every kind of notification of a mix.
const tried = 200

// Check writes the first bodies of a run, and refuses what cannot be meant: a
// template of one notification for a request of more, an empty body, JSON that is
// none.
func (f *Foreign) Check(t *Traffic) error {
	if f.Body == nil {
		return nil
	}
	if !f.Body.Ranges() && t.Batch() != 1 {
		return fmt.Errorf("the body is of one notification, and a request has %d; accepted is a batch of 1, or a body with {{range .Notifications}}", t.Batch())
	}
	var body []byte
	for request := range uint64(tried) {
		body = f.Body.Append(body[:0], t, request)
		if len(body) == 0 {
			return errors.New("the body is empty")
		}
		if !strings.Contains(f.contentType(), "json") {
			continue
		}
		if err := checkJSON(body); err != nil {
			return fmt.Errorf("request %d of the run would not be JSON, and the Content-Type is %s: %w", request, f.contentType(), err)
		}
	}
	return nil
}

func (f *Foreign) contentType() string {
	if t := f.Header.Get("Content-Type"); t != "" {
		return t
	}
	return contentType
}

// checkJSON says where a text stops being JSON.
func checkJSON(body []byte) error {
	var any json.RawMessage
	err := json.Unmarshal(body, &any)
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	at := min(int(syntax.Offset), len(body))
	line, column := 1+strings.Count(string(body[:at]), "\n"), at-strings.LastIndexByte(string(body[:at]), '\n')
	return fmt.Errorf("line %d, column %d, near %q: %w", line, max(column-1, 1), excerpt(string(body[max(at-20, 0):min(at+20, len(body))]), nil), err)
}

// classify says what an answer comes to.
func (f *Foreign) classify(status int, header http.Header, body []byte) Kind {
	accepted := status >= 200 && status < 300
	if f.Accept != nil {
		accepted = f.Accept.Match(status, header, body)
	}
	if accepted {
		return Accepted
	}
	return refusalOf(status)
}
