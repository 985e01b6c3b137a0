package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/notifyctl/notifyctl/planner/units"
)

// Hash names the plan by its content: plans with the same values have the same
// hash, however they were written. A price book of the plan's own counts by the
// prices in it; those of an embedded one belong to the program's version. It is
// hexadecimal, 64 characters long.
func (p *Plan) Hash() (string, error) {
	content := []any{p}
	if p.Prices.Book != "" && p.book != nil {
		content = append(content, p.book.high.Prices())
	}
	hash := sha256.New()
	for _, part := range content {
		if err := json.NewEncoder(hash).Encode(part); err != nil {
			return "", fmt.Errorf("hashing the plan: %w", err)
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
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
