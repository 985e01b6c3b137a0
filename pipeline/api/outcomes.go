package api

import (
	"encoding/json"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"
)

// RunOutcomes is the answer of GET /v1/runs/{run}/outcomes: the sequences of a
// load run's notifications, by the outcome they met.
//
// On the wire a bitmap is the base64 (standard alphabet, padded) of Roaring's
// portable format, which is published and has readers in many languages:
//
//	{"run": "r1", "outcomes": {"delivered": "OjAAAAEAAAAAAAIAEAAAAAEAAgADAA=="}}
type RunOutcomes struct {
	Run      string
	Outcomes map[string]*roaring.Bitmap // state -> sequences
}

type runOutcomesWire struct {
	Run      string            `json:"run"`
	Outcomes map[string][]byte `json:"outcomes"` // encoding/json writes bytes as base64
}

// MarshalJSON writes the wire form.
func (r RunOutcomes) MarshalJSON() ([]byte, error) {
	wire := runOutcomesWire{Run: r.Run, Outcomes: make(map[string][]byte, len(r.Outcomes))}
	for state, sequences := range r.Outcomes {
		data, err := sequences.ToBytes()
		if err != nil {
			return nil, fmt.Errorf("encode the %s sequences: %w", state, err)
		}
		wire.Outcomes[state] = data
	}
	return json.Marshal(wire)
}

// UnmarshalJSON reads the wire form.
func (r *RunOutcomes) UnmarshalJSON(data []byte) error {
	var wire runOutcomesWire
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	outcomes := make(map[string]*roaring.Bitmap, len(wire.Outcomes))
	for state, data := range wire.Outcomes {
		sequences := roaring.New()
		if err := sequences.UnmarshalBinary(data); err != nil {
			return fmt.Errorf("decode the %s sequences: %w", printable(state), err)
		}
		// The reader checks sizes only; a bitmap out of order would give wrong
		// answers later.
		if err := sequences.Validate(); err != nil {
			return fmt.Errorf("decode the %s sequences: %w", printable(state), err)
		}
		outcomes[state] = sequences
	}
	r.Run, r.Outcomes = wire.Run, outcomes
	return nil
}
