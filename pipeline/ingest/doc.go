// Package ingest takes submissions in: it checks them, takes their idempotency
// keys, applies what their users want, and commits them. Each step is one round
// trip for a whole slice of up to [pipeline.MaxSlice] notifications.
package ingest
