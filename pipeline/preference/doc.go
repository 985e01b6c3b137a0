// Package preference answers what users want: from a cache in the process (L1),
// a cache that may be shared (L2), and the shards of a store (L3), a slice of
// keys at a time.
//
// A cached answer is at most as old as its level's time to live. Within this
// process a change is seen by every lookup that begins after it was put: a read
// that was under way meanwhile never puts the older value back into a cache.
// Other processes are told over a bus, which may lose what it is told.
//
// A [Directory] also answers what is wanted of an address, whoever's it is. The
// [Shards] move users to another number of shards while they are read and
// written.
package preference
