package scenariotest

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/notifyctl/notifyctl/mockproviders"
)

// Run is the provider's ledger, without a way over the network.
func (s *System) Run(_ context.Context, run string) (mockproviders.Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := mockproviders.Run{Run: run, Complete: true, Providers: map[string]mockproviders.RunProvider{}}
	if run != s.run {
		return out, nil
	}
	repeats := uint64(len(s.repeats))
	out.Total = mockproviders.Count{Unique: s.sent.GetCardinality(), Duplicates: repeats, Sends: s.sent.GetCardinality() + repeats}
	out.Providers["fcm"] = mockproviders.RunProvider{Count: out.Total, Sequences: s.sent.Clone()}
	for _, sequence := range s.repeats {
		out.Repeats = append(out.Repeats, mockproviders.Repeat{Sequence: sequence, Sends: 2})
	}
	return out, nil
}

// Activity is how busy the provider is.
func (s *System) Activity(context.Context) (mockproviders.Activity, error) {
	return mockproviders.Activity{Busy: s.Busy}, nil
}

// ledger answers as the mock providers do.
func (s *System) ledger(w http.ResponseWriter, r *http.Request) {
	run, _ := s.Run(r.Context(), r.URL.Query().Get("run"))
	type provider struct {
		mockproviders.Count
		Bitmap []byte `json:"bitmap"`
	}
	answer := struct {
		Run       string                 `json:"run"`
		Total     mockproviders.Count    `json:"total"`
		Providers map[string]provider    `json:"providers"`
		Repeats   []mockproviders.Repeat `json:"repeats"`
		Complete  bool                   `json:"complete"`
	}{Run: run.Run, Total: run.Total, Providers: map[string]provider{}, Repeats: run.Repeats, Complete: true}
	for name, p := range run.Providers {
		bitmap, err := p.Sequences.ToBytes()
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		answer.Providers[name] = provider{p.Count, bitmap}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *System) activity(w http.ResponseWriter, r *http.Request) {
	activity, _ := s.Activity(r.Context())
	_ = json.NewEncoder(w).Encode(activity)
}
