package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

// Limits of what stands in a path or a query.
const (
	maxReason     = 64  // bytes
	maxCursor     = 256 // bytes
	defaultLimit  = 50  // entries of a page
	maxQueryBytes = 4096
)

// query reads a request's parameters strictly: each known, and once.
type query struct {
	values url.Values
	faults []string
}

// newQuery parses the parameters, of which those named are known.
func newQuery(r *http.Request, known ...string) *query {
	q := &query{}
	if len(r.URL.RawQuery) > maxQueryBytes {
		q.fault("the query", fmt.Sprintf("over %d bytes", maxQueryBytes))
		return q
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		q.fault("the query", "is not well-formed")
	}
	q.values = values
	for name, given := range values {
		switch {
		case !slices.Contains(known, name):
			want := "takes none"
			if len(known) > 0 {
				want = "known are " + strings.Join(known, ", ")
			}
			q.fault(fmt.Sprintf("%.32q", name), "is unknown; "+want)
		case len(given) > 1:
			q.fault(name, "stands more than once")
		case !isText(given[0]):
			q.fault(name, "must be text without control characters")
		}
	}
	return q
}

// plain wraps a handler whose call takes no parameters: one that is given is
// refused, for a client that asks for something must not believe it was heeded.
// Probes and scrapers, who are set up by others, get what they always get.
func plain(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			if p := newQuery(r).problem(); p != nil {
				writeProblem(w, p)
				return
			}
		}
		h(w, r)
	}
}

func (q *query) fault(name, detail string) { q.faults = append(q.faults, name+": "+detail) }

// problem is the 422 of what was wrong, or nil.
func (q *query) problem() *api.Problem {
	if len(q.faults) == 0 {
		return nil
	}
	slices.Sort(q.faults) // a map's order says nothing
	return problem(http.StatusUnprocessableEntity, api.CodeInvalid, "query: "+strings.Join(q.faults, "; "))
}

// text gives a parameter, empty when it is not there.
func (q *query) text(name string, most int) string {
	value := q.values.Get(name)
	if len(value) > most {
		q.fault(name, fmt.Sprintf("over %d bytes", most))
	}
	return value
}

// time gives a parameter that is a time.
func (q *query) time(name string) time.Time {
	value := q.values.Get(name)
	if value == "" {
		return time.Time{}
	}
	at, ok := parseTime(value)
	if !ok {
		q.fault(name, timeWanted)
	}
	return at
}

// page reads the parameters of a list.
func (q *query) page() pipeline.Page {
	p := pipeline.Page{
		From: q.time("from"), To: q.time("to"), Limit: defaultLimit,
		After: pipeline.Cursor(q.text("cursor", maxCursor)),
	}
	if !p.From.IsZero() && !p.To.IsZero() && !p.From.Before(p.To) {
		q.fault("from", "is not before to")
	}
	if text := q.values.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > pipeline.MaxPage || strconv.Itoa(limit) != text {
			q.fault("limit", fmt.Sprintf("want 1 to %d", pipeline.MaxPage))
		}
		p.Limit = limit
	}
	return p
}

// channel gives a parameter that names a channel, or none.
func (q *query) channel() pipeline.Channel {
	value := q.values.Get("channel")
	channel, ok := pipeline.ParseChannel(value)
	if value != "" && !ok {
		q.fault("channel", "want push, email or sms")
	}
	return channel
}

// badCursor is the 422 of a cursor that is not of the list.
func badCursor() *api.Problem {
	return problem(http.StatusUnprocessableEntity, api.CodeInvalid, "query: cursor: want the next_cursor of a page of this very list, asked for with the same parameters")
}

// timeWanted says what parseTime accepts.
const timeWanted = "want a time of RFC 3339, as in 2026-11-24T12:00:00Z"

// parseTime reads a time of RFC 3339, to the millisecond, in UTC: what is kept
// of times.
func parseTime(text string) (time.Time, bool) {
	var at time.Time
	err := at.UnmarshalText([]byte(text))
	at = at.UTC().Truncate(time.Millisecond)
	return at, err == nil && at.Year() >= 1970 && at.Year() <= 9999
}

// validUser says whether a path's user can be one.
func validUser(user string) bool {
	return user != "" && len(user) <= pipeline.MaxUserID && isText(user)
}

// isText says whether s is Unicode text without control characters.
func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
