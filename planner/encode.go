package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/notifyctl/notifyctl/planner/units"
)

// Hash names the plan by its content: plans with the same values have the same
// hash, however they were written. It is hexadecimal, 64 characters long.
func (p *Plan) Hash() (string, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("hashing the plan: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// MarshalJSON writes the deployment as a plan does, with units.
func (d Deployment) MarshalJSON() ([]byte, error) {
	type plain Deployment // without this method
	size := func(n int64) units.Bytes { return units.Bytes{Range: units.Exactly(float64(n))} }
	return json.Marshal(struct {
		plain
		GatewayRate      units.Rate     `json:"gateway_rate"`
		StartDelay       units.Duration `json:"start_delay"`
		Memory           units.Bytes    `json:"memory"`
		QueueBytes       units.Bytes    `json:"queue_bytes"`
		HistoryBytes     units.Bytes    `json:"history_bytes"`
		IdempotencyBytes units.Bytes    `json:"idempotency_bytes"`
	}{
		plain:            plain(d),
		GatewayRate:      units.Rate{Range: units.Exactly(d.GatewayRate)},
		StartDelay:       units.Duration{Range: units.Exactly(d.StartDelay.Seconds())},
		Memory:           size(d.Memory),
		QueueBytes:       size(d.QueueBytes),
		HistoryBytes:     size(d.HistoryBytes),
		IdempotencyBytes: size(d.IdempotencyBytes),
	})
}
