package ingest

import (
	"crypto/sha256"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// slice is a submission on its way to the commit.
type slice struct {
	pipeline.Submission
	room   room
	ids    pipeline.IDKey
	stamp  pipeline.Stamp
	claims []pipeline.Claim
	// claim is the index of each notification's claim or -1; nil when one
	// claim or none covers all.
	claim []int
}

// room is the memory of what is made of a submission of one notification, which
// takes one allocation in place of one for each.
type room struct {
	versions [1]uint32
	claims   [1]pipeline.Claim
	receipts [1]pipeline.Receipt
	fresh    [1]int
}

// roomFor gives a slice of n zero values, in the room for one if they fit.
func roomFor[T any](one *[1]T, n int) []T {
	if n > len(one) {
		return make([]T, n)
	}
	return one[:n]
}

// stampOn stamps a submission and hashes what its keys cover.
func (s *slice) stampOn(now time.Time, ids *pipeline.IDMinter) {
	s.ids = ids.IDKey
	s.stamp = pipeline.Stamp{At: now, First: ids.Reserve(len(s.Notifications))}
	switch {
	case s.Key != "":
		s.claims = s.room.claims[:]
		s.claims[0] = pipeline.Claim{
			Key: keyHash(s.Client, s.Key), Body: submissionHash(s.Notifications), Stamp: s.stamp, Entries: len(s.Notifications),
		}
	case s.Keys != nil:
		s.claim = make([]int, len(s.Keys))
		for i, key := range s.Keys {
			if key == "" {
				s.claim[i] = -1
				continue
			}
			s.claim[i] = len(s.claims)
			s.claims = append(s.claims, pipeline.Claim{
				Key: keyHash(s.Client, key), Body: submissionHash(s.Notifications[i : i+1]), Entries: 1,
				Stamp: pipeline.Stamp{At: s.stamp.At, First: s.stamp.First + uint32(i)},
			})
		}
	}
}

// keyHash is over the client's name and its key, with the name's length before
// it, so that no two pairs run together.
func keyHash(client, key string) pipeline.KeyHash {
	var scratch [512]byte // for both, which are seldom longer
	text := append(scratch[:0], byte(len(client)>>8), byte(len(client)))
	text = append(text, client...)
	sum := sha256.Sum256(append(text, key...))
	return pipeline.KeyHash(sum[:len(pipeline.KeyHash{})])
}

// submissionHash is the body's hash of notifications: over their binary forms,
// one behind the other.
func submissionHash(notifications []pipeline.Notification) pipeline.BodyHash {
	var scratch [512]byte // for one form, which is seldom longer
	if len(notifications) == 1 {
		return bodyHash(pipeline.AppendNotification(scratch[:0], &notifications[0]))
	}
	hash := sha256.New()
	form := make([]byte, 0, len(scratch))
	for i := range notifications {
		form = pipeline.AppendNotification(form[:0], &notifications[i])
		_, _ = hash.Write(form) // it never fails
	}
	return pipeline.BodyHash(hash.Sum(form[:0])[:len(pipeline.BodyHash{})])
}

func bodyHash(form []byte) pipeline.BodyHash {
	sum := sha256.Sum256(form)
	return pipeline.BodyHash(sum[:len(pipeline.BodyHash{})])
}

// claimOf is the index of the claim that covers a notification, or -1.
func (s *slice) claimOf(at int) int {
	if s.claim != nil {
		return s.claim[at]
	}
	return len(s.claims) - 1
}

// stand makes the receipts: those of replayed claims are complete, the others
// have their ids; fresh lists the notifications that are still to be committed,
// those of resumed claims among them, under the ids they had.
func (s *slice) stand(standings []pipeline.Standing) (receipts []pipeline.Receipt, fresh []int) {
	receipts = roomFor(&s.room.receipts, len(s.Notifications))
	fresh = roomFor(&s.room.fresh, len(s.Notifications))[:0]
	for i := range s.Notifications {
		n := &s.Notifications[i]
		claim := s.claimOf(i)
		if claim < 0 {
			receipts[i].ID = s.ids.Make(s.stamp.At, n, s.stamp.First+uint32(i))
			fresh = append(fresh, i)
			continue
		}
		standing := &standings[claim]
		offset := 0 // within what the claim covers
		if s.claim == nil {
			offset = i
		}
		receipts[i].ID = s.ids.Make(standing.Stamp.At, n, standing.Stamp.First+uint32(offset))
		if standing.Kind == pipeline.Replayed {
			receipts[i].Result, receipts[i].Replayed = standing.Results[offset], true
			continue
		}
		fresh = append(fresh, i)
	}
	return receipts, fresh
}
