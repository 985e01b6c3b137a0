// Package sqlite keeps the preferences in SQLite: one file a shard, in WAL mode,
// with one connection that writes and several that read. A write has reached
// the disk when it returns, and readers never wait for it.
package sqlite
