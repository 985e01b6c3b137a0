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
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		fail(w, http.StatusUnsupportedMediaType, "a fault script is application/json")
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxScriptBytes))
	if err != nil {
		fail(w, http.StatusRequestEntityTooLarge, "a fault script has at most 1 MiB")
		return
	}
	script, err := ParseScript(text)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	if err := s.SetFaults(script); err != nil {
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
