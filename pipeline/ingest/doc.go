// Package ingest takes submissions in: it checks them, takes their idempotency
// keys, applies what their users want and may get in a day, and commits them. It
// sends dead letters again by the same steps, which count for no limit. Each step
// is one round trip for a whole slice of up to [pipeline.MaxSlice] notifications.
package ingest
