package mockproviders

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// control adds the routes under /_mock.
func (s *Server) control(mux *http.ServeMux) {
	mux.HandleFunc("GET /_mock/ledger", s.authorized(s.getLedger))
	mux.HandleFunc("DELETE /_mock/ledger", s.authorized(s.deleteLedger))
	mux.HandleFunc("GET /_mock/faults", s.authorized(s.getFaults))
	mux.HandleFunc("PUT /_mock/faults", s.authorized(s.putFaults))
	mux.HandleFunc("DELETE /_mock/faults", s.authorized(s.deleteFaults))
	mux.HandleFunc("GET /_mock/limits", s.authorized(s.getLimits))
	mux.HandleFunc("PUT /_mock/limits", s.authorized(s.putLimits))
	mux.HandleFunc("DELETE /_mock/limits", s.authorized(s.deleteLimits))
	mux.HandleFunc("GET /_mock/status", s.authorized(s.getStatus))
}

// duplicatesAnswer is the answer to ?duplicates=1.
type duplicatesAnswer struct {
	IDs []string `json:"ids"`
}

// runAnswer is the answer to ?run=R. The bitmaps, with format=roaring, are in
// the portable serialization format of Roaring bitmaps, in base64.
type runAnswer struct {
	Run       string                       `json:"run"`
	Total     Count                        `json:"total"`
	Providers map[string]runProviderAnswer `json:"providers"`
	Repeats   []Repeat                     `json:"repeats"`
	Complete  bool                         `json:"complete"`
}

type runProviderAnswer struct {
	Count
	Bitmap []byte `json:"bitmap,omitempty"`
}

func (s *Server) getLedger(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, "the query cannot be read")
		return
	}
	switch {
	case query.Has("id"):
		answer(w, s.ledger.Lookup(query.Get("id")))
	case query.Has("run"):
		s.getRun(w, query.Get("run"), query.Get("format"))
	case query.Get("duplicates") == "1":
		answer(w, duplicatesAnswer{IDs: s.ledger.Duplicates()})
	case len(query) > 0:
		fail(w, http.StatusBadRequest, "the ledger is asked for id=ID, duplicates=1 or run=RUN, or without a query for its totals")
	default:
		answer(w, s.ledger.Totals())
	}
}

func (s *Server) getRun(w http.ResponseWriter, name, format string) {
	if format != "" && format != "roaring" {
		fail(w, http.StatusBadRequest, "format is roaring, or left out")
		return
	}
	run := s.ledger.Run(name)
	out := runAnswer{
		Run: run.Run, Total: run.Total, Repeats: run.Repeats, Complete: run.Complete,
		Providers: make(map[string]runProviderAnswer, len(run.Providers)),
	}
	for name, p := range run.Providers {
		one := runProviderAnswer{Count: p.Count}
		if format == "roaring" {
			bitmap, err := p.Sequences.ToBytes()
			if err != nil {
				fail(w, http.StatusInternalServerError, "the bitmap could not be written: "+err.Error())
				return
			}
			one.Bitmap = bitmap
		}
		out.Providers[name] = one
	}
	answer(w, out)
}

func (s *Server) deleteLedger(w http.ResponseWriter, _ *http.Request) {
	s.ledger.Reset()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) getFaults(w http.ResponseWriter, _ *http.Request) {
	script := s.Faults()
	if script.Faults == nil {
		script.Faults = []Fault{}
	}
	answer(w, script)
}

func (s *Server) putFaults(w http.ResponseWriter, r *http.Request) {
	putSetting(w, r, "a fault script is", ParseScript, s.SetFaults)
}

// putSetting reads a setting from a request and puts it in force.
func putSetting[T any](w http.ResponseWriter, r *http.Request, what string, parse func([]byte) (T, error), set func(T) error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		fail(w, http.StatusUnsupportedMediaType, what+" application/json")
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSettingsBytes))
	if err != nil {
		fail(w, http.StatusRequestEntityTooLarge, what+" at most 1 MiB large")
		return
	}
	value, err := parse(text)
	if err == nil {
		err = set(value)
	}
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) deleteFaults(w http.ResponseWriter, _ *http.Request) {
	if err := s.SetFaults(Script{}); err != nil {
		panic("BUG: an empty fault script does not hold")
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) getLimits(w http.ResponseWriter, _ *http.Request) {
	limits := s.Limits()
	if limits == nil {
		limits = Limits{}
	}
	answer(w, limits)
}

func (s *Server) putLimits(w http.ResponseWriter, r *http.Request) {
	putSetting(w, r, "limits are", ParseLimits, s.SetLimits)
}

func (s *Server) deleteLimits(w http.ResponseWriter, _ *http.Request) {
	if err := s.SetLimits(nil); err != nil {
		panic("BUG: no limits do not hold")
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) getStatus(w http.ResponseWriter, _ *http.Request) { answer(w, s.Activity()) }

func answer(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic("BUG: an answer cannot be written as JSON: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	// A client that is gone has no use for the error.
	_, _ = w.Write(body)
}

// fail answers with the reason of a refusal by the server itself, which is no
// provider's.
func fail(w http.ResponseWriter, status int, reason string) {
	body, err := json.Marshal(struct {
		Error string `json:"error"`
	}{reason})
	if err != nil {
		panic("BUG: a reason cannot be written as JSON: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
