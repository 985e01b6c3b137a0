package scenarios

import (
	"encoding/json"
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/notifyctl/notifyctl/scenarios/load"
)

// Histograms are the clients' latencies in full, so that those of several
// generators can be put together, or looked at with other tools.
type Histograms struct {
	Latency Histogram        `json:"latency"` // of the whole run, from the schedule
	Service Histogram        `json:"service_latency"`
	Stages  []StageHistogram `json:"stages"`
}

// StageHistogram is the same of one stage.
type StageHistogram struct {
	Name    string    `json:"name"`
	Latency Histogram `json:"latency"`
	Service Histogram `json:"service_latency"`
}

// Histogram is an HDR histogram of microseconds. In JSON it is the base64 of
// HdrHistogram's V2 compressed form, which its implementations in all languages
// read.
type Histogram struct{ *hdrhistogram.Histogram }

// MarshalJSON writes the encoded form.
func (h Histogram) MarshalJSON() ([]byte, error) {
	text, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return nil, fmt.Errorf("encode a histogram: %w", err)
	}
	return json.Marshal(string(text))
}

// UnmarshalJSON reads it.
func (h *Histogram) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	read, err := hdrhistogram.Decode([]byte(text))
	if err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	h.Histogram = read
	return nil
}

// histogramsOf gives a run's histograms; the stages are those of its report.
func histogramsOf(report *load.Report, stages []load.Distributions) *Histograms {
	whole := load.NewDistributions()
	out := &Histograms{Stages: []StageHistogram{}}
	for i, d := range stages[:min(len(stages), len(report.Stages))] {
		whole.Merge(d)
		out.Stages = append(out.Stages, StageHistogram{report.Stages[i].Name, Histogram{d.Response}, Histogram{d.Service}})
	}
	out.Latency, out.Service = Histogram{whole.Response}, Histogram{whole.Service}
	return out
}
