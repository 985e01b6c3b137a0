package ingest

import (
	"crypto/sha256"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// slice is a checked submission on its way to the commit.
type slice struct {
	notifications []pipeline.Notification
	ids           pipeline.IDKey
	stamp         pipeline.Stamp
	claims        []pipeline.Claim
	// claim is the index of each notification's claim or -1; nil when one
	// claim or none covers all.
	claim []int
}

// newSlice stamps a submission and hashes what its keys cover.
func newSlice(s *pipeline.Submission, now time.Time, ids *pipeline.IDMinter) *slice {
	sl := &slice{
		notifications: s.Notifications,
		ids:           ids.IDKey,
		stamp:         pipeline.Stamp{At: now, First: ids.Reserve(len(s.Notifications))},
	}
	switch {
	case s.Key != "":
		sl.claims = []pipeline.Claim{{
			Key: keyHash(s.Client, s.Key), Body: submissionHash(s.Notifications), Stamp: sl.stamp, Entries: len(s.Notifications),
		}}
	case s.Keys != nil:
		sl.claim = make([]int, len(s.Keys))
		for i, key := range s.Keys {
			if key == "" {
				sl.claim[i] = -1
				continue
			}
			sl.claim[i] = len(sl.claims)
			sl.claims = append(sl.claims, pipeline.Claim{
				Key: keyHash(s.Client, key), Body: submissionHash(s.Notifications[i : i+1]), Entries: 1,
				Stamp: pipeline.Stamp{At: sl.stamp.At, First: sl.stamp.First + uint32(i)},
			})
		}
	}
	return sl
}

// keyHash is over the client's name and its key, with the name's length before
// it, so that no two pairs run together.
func keyHash(client, key string) pipeline.KeyHash {
	text := append([]byte{byte(len(client) >> 8), byte(len(client))}, client...)
	sum := sha256.Sum256(append(text, key...))
	return pipeline.KeyHash(sum[:len(pipeline.KeyHash{})])
}

// submissionHash is the body's hash of notifications: over their binary forms,
// one behind the other.
func submissionHash(notifications []pipeline.Notification) pipeline.BodyHash {
	hash := sha256.New()
	var room [512]byte // of one form, which is seldom longer
	form := room[:0]
	for i := range notifications {
		form = pipeline.AppendNotification(form[:0], &notifications[i])
		_, _ = hash.Write(form) // it never fails
	}
	return pipeline.BodyHash(hash.Sum(room[:0])[:len(pipeline.BodyHash{})])
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
	receipts = make([]pipeline.Receipt, len(s.notifications))
	fresh = make([]int, 0, len(s.notifications))
	for i := range s.notifications {
		n := &s.notifications[i]
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
