package load

import "fmt"

// MaxShards bounds how many generators may share a schedule.
const MaxShards = 1000

// Shard gives the part of a schedule that one of several generators sends:
// every of-th request, from the index-th on, index counting from 1. Each
// request is in exactly one of the shards, due at the same time and with the
// same number as in the whole; the stages are the same, at an of-th of their
// rates.
func (s *Schedule) Shard(index, of int) (*Schedule, error) {
	switch {
	case s.of != 1:
		panic("BUG: a shard of a shard")
	case of < 1 || of > MaxShards || index < 1 || index > of:
		return nil, fmt.Errorf("shard %d of %d: accepted are 1 of N to N of N, with an N of %d at most", index, of, MaxShards)
	}
	shard := *s
	shard.first, shard.of = uint64(index-1), uint64(of)
	return &shard, nil
}

// Number is the number that a slot's request has in the whole schedule. All
// that a request says follows from it.
func (s *Schedule) Number(slot uint64) uint64 { return s.first + slot*s.of }

// Requests is how many requests the whole schedule asks for, of which a shard
// sends its part.
func (s *Schedule) Requests() uint64 { return s.wholeSlotsBy(s.Total()) }

// Owns says whether the request of a number is one of this schedule.
func (s *Schedule) Owns(number uint64) bool {
	return number >= s.first && (number-s.first)%s.of == 0 && number < s.Requests()
}
