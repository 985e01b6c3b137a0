package pebble

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// What the store reads back may be damaged in ways that no checksum saw. No
// decoder may panic, or allocate for what is not there; and what it takes must
// be what would be written, so that nothing is misread.

func someRecord() pipeline.Record {
	return pipeline.Record{
		ID: pipeline.ID{1, 2, 3, 4, 5, 6, 7, 8, 0x90, 0x65},
		Notification: pipeline.Notification{
			Ref: "run-7", UserID: "ada", Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Transactional,
			TemplateID: "welcome", TemplateVersion: 1, To: "ada@example.com",
			Variables: []pipeline.Variable{{Name: "name", Value: "Ada"}},
		},
		ReplayOf: pipeline.ID{9, 8, 7},
	}
}

func someAttempts() []pipeline.Attempt {
	at := time.UnixMilli(1_700_000_000_000)
	return []pipeline.Attempt{
		{Provider: "sendgrid", At: at, Class: pipeline.Transient, Error: "busy"},
		{Provider: "sendgrid", At: at.Add(time.Second), Class: pipeline.Permanent, Error: "gone"},
	}
}

// cuts adds a form, what is left when it is cut off anywhere, and more than it.
func cuts(f *testing.F, form []byte) {
	for n := range len(form) + 1 {
		f.Add(form[:n:n])
	}
	f.Add(append(form[:len(form):len(form)], 0))
}

func FuzzDecodeRow(f *testing.F) {
	r, attempts := someRecord(), someAttempts()
	fact := pipeline.Fact{
		Delivery: &pipeline.Delivery{Record: r, Attempts: attempts[:1]}, State: pipeline.Dead, Reason: "unregistered",
		At: attempts[1].At, Attempt: attempts[1],
	}
	cuts(f, appendFactRow(nil, &fact))
	cuts(f, appendIngestRow(nil, &pipeline.Admission{Record: r, Result: pipeline.Result{State: pipeline.Suppressed, Reason: "opted_out"}}))
	cuts(f, appendErasedRow(nil, pipeline.Delivered))
	cuts(f, appendUndecodableRow(nil, attempts[0].At))
	f.Fuzz(func(t *testing.T, value []byte) {
		w, err := decodeRow(string(value))
		if err != nil {
			if !errors.Is(err, errBadRow) {
				t.Fatalf("%x gave %v", value, err)
			}
			return
		}
		if w.state < pipeline.Sending || w.state > pipeline.Dead {
			t.Fatalf("%x has the state %v", value, w.state)
		}
		if w.erased {
			if again := appendErasedRow(nil, w.state); !bytes.Equal(again, value) {
				t.Fatalf("%x is written as %x", value, again)
			}
			return
		}
		head := pipeline.Record{ReplayOf: w.replayOf, Notification: pipeline.Notification{UserID: w.user, Ref: w.ref}}
		form := appendAttempts(appendRowHead(nil, w.state, w.at, w.due, w.reason, &head), w.attempts, pipeline.Attempt{})
		if again, err := decodeRow(string(form)); err != nil || !reflect.DeepEqual(again, w) {
			t.Fatalf("%+v reads back as %+v, %v", w, again, err)
		}
	})
}

func FuzzDecodeLetter(f *testing.F) {
	r := someRecord()
	cuts(f, appendDeadRecord(nil, &r, "unregistered"))
	l := letter{queue: r.Queue(), reason: "unregistered"}
	cuts(f, appendReplayed(nil, &l, pipeline.ID{1, 2, 3}))
	cuts(f, appendUndecodable(nil, r.Queue(), time.UnixMilli(1_700_000_000_000), true, "\xff\x00"))
	cuts(f, appendUndecodable(nil, r.Queue(), time.UnixMilli(1_700_000_000_000), false, ""))
	f.Fuzz(func(t *testing.T, value []byte) {
		l, err := decodeLetter(string(value))
		if err != nil {
			if !errors.Is(err, errBadLetter) {
				t.Fatalf("%x gave %v", value, err)
			}
			return
		}
		var form []byte
		switch l.kind {
		case letterRecord:
			form = append(appendLetterHead(nil, letterRecord, l.queue, l.reason), l.record...)
		case letterReplayed:
			form = appendReplayed(nil, &l, l.replayedBy)
		default:
			if l.reason != pipeline.ReasonUndecodable {
				return // that is the one they are written with
			}
			form = appendUndecodable(nil, l.queue, l.at, l.anonymous, l.raw)
		}
		if again, err := decodeLetter(string(form)); err != nil || !reflect.DeepEqual(again, l) {
			t.Fatalf("%+v reads back as %+v, %v", l, again, err)
		}
	})
}

func FuzzDecodeErasure(f *testing.F) {
	e := erasure{user: "ada", until: 1_700_000_000_000, swept: true}
	key, value := erasureKey("ada"), appendErasure(nil, &e)
	f.Add(key, value)
	f.Add(key[:5], value)
	f.Add(key[:3], value)
	f.Add(key, value[:8])
	f.Add(erasureKey(""), value)
	f.Add(append(erasureKey("ada"), 'x'), value)
	f.Fuzz(func(t *testing.T, key, value []byte) {
		e, err := decodeErasure(key, value)
		if err != nil {
			if _, ok := errors.AsType[damageError](err); !ok {
				t.Fatalf("%x, %x gave %v", key, value, err)
			}
			return
		}
		if !bytes.Equal(erasureKey(e.user), key) || !bytes.Equal(appendErasure(nil, &e), value) {
			t.Fatalf("%x, %x is read as %+v", key, value, e)
		}
	})
}

func FuzzDecodeAnswer(f *testing.F) {
	cuts(f, appendAnswer(nil, &answer{
		body: pipeline.BodyHash{1}, stamp: pipeline.Stamp{At: time.UnixMilli(1_700_000_000_000), First: 7},
		results: []pipeline.Result{{State: pipeline.Queued}, {State: pipeline.Suppressed, Reason: "opted_out"}, {State: pipeline.Queued}},
	}))
	f.Fuzz(func(t *testing.T, value []byte) {
		a, err := decodeAnswer(string(value))
		if err != nil {
			if !errors.Is(err, errBadAnswer) {
				t.Fatalf("%x gave %v", value, err)
			}
			return
		}
		if again, err := decodeAnswer(string(appendAnswer(nil, &a))); err != nil || !reflect.DeepEqual(again, a) {
			t.Fatalf("%+v reads back as %+v, %v", a, again, err)
		}
	})
}

func FuzzDecodeWaiting(f *testing.F) {
	attempts := someAttempts()
	cuts(f, appendWaiting(nil, &pipeline.Fact{
		Delivery: &pipeline.Delivery{Record: someRecord(), Attempts: attempts[:1]}, State: pipeline.Retrying, Attempt: attempts[1],
	}))
	f.Fuzz(func(t *testing.T, value []byte) {
		var d, again pipeline.Delivery
		if err := decodeWaiting(string(value), &d); err != nil {
			if !errors.Is(err, pipeline.ErrBadRecord) {
				t.Fatalf("%x gave %v", value, err)
			}
			return
		}
		if err := decodeWaiting(string(appendWaiting(nil, &pipeline.Fact{Delivery: &d})), &again); err != nil || !reflect.DeepEqual(again, d) {
			t.Fatalf("%+v reads back as %+v, %v", d, again, err)
		}
	})
}

func FuzzDecodeOutcomes(f *testing.F) {
	cuts(f, appendOutcomes(nil, []runOutcome{{"r", 0, pipeline.Delivered}, {"r", 1<<32 - 1, pipeline.Dead}, {"r", 300, pipeline.Expired}}))
	f.Fuzz(func(t *testing.T, value []byte) {
		outcomes, err := decodeOutcomes(nil, "r", value)
		if err != nil {
			if !errors.Is(err, errBadOutcomes) {
				t.Fatalf("%x gave %v", value, err)
			}
			return
		}
		if again, err := decodeOutcomes(nil, "r", appendOutcomes(nil, outcomes)); err != nil || !reflect.DeepEqual(again, outcomes) {
			t.Fatalf("%+v reads back as %+v, %v", outcomes, again, err)
		}
	})
}

func FuzzDecodeSlicedDay(f *testing.F) {
	cuts(f, appendSlicedDay(nil, &slicedDay{rows: 7, newest: 1_700_000_000_000, begins: []int64{1_600_000_000_000, 1_700_000_000_001}}))
	f.Fuzz(func(t *testing.T, value []byte) {
		d, err := decodeSlicedDay(value)
		if err != nil {
			if _, ok := errors.AsType[damageError](err); !ok {
				t.Fatalf("%x gave %v", value, err)
			}
			return
		}
		if again := appendSlicedDay(nil, d); !bytes.Equal(again, value) {
			t.Fatalf("%x is written as %x", value, again)
		}
	})
}

func FuzzTakeJournalled(f *testing.F) {
	cuts(f, appendJournalled(appendJournalled(nil, someRecord().ID, nil), pipeline.ID{1}, []byte("a row")))
	f.Fuzz(func(t *testing.T, value []byte) {
		g := newSegment(0)
		if err := g.add(value, 1); err != nil {
			if !errors.Is(err, errBadJournal) {
				t.Fatalf("%x gave %v", value, err)
			}
			return
		}
		for id := range g.ids() {
			if _, found := g.get(id); !found {
				t.Fatalf("of %x there is %s, and is not found", value, id)
			}
		}
	})
}

func FuzzOpenBlock(f *testing.F) {
	r := someRecord()
	b := block{value: make([]byte, blockHeader)}
	var scratch []byte
	for range 3 {
		b.append(&r, &scratch)
	}
	b.value[blockHeader-1] = 3
	cuts(f, b.value)
	f.Fuzz(func(t *testing.T, value []byte) {
		b, err := openBlock(100, string(value))
		if err != nil {
			if !errors.Is(err, errBadBlock) {
				t.Fatalf("%x gave %v", value, err)
			}
			return
		}
		for b.next < b.end {
			b.accepted()
			before := len(b.rest)
			record, err := b.take()
			if err != nil {
				if !errors.Is(err, errBadBlock) {
					t.Fatalf("%x gave %v", value, err)
				}
				return
			}
			if len(b.rest)+len(record) >= before {
				t.Fatalf("of %d bytes a record of %d left %d", before, len(record), len(b.rest))
			}
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	r := someRecord()
	k := waitKey{due: 1_700_000_000_000, id: r.ID}
	for _, key := range [][]byte{
		appendRowKey(nil, 7, r.ID), deadKey(r.ID), queueKey(3, 1<<40), k.append(nil, 8), unreadKey(3, 7), journalKey(7), {}, {prefixRow},
	} {
		cuts(f, key)
	}
	f.Fuzz(func(t *testing.T, key []byte) {
		if in, hash, id, err := parseRowKey(key); err == nil && !bytes.Equal(append(appendUserKey(nil, in, hash), id[:]...), key) {
			t.Errorf("%x is read as the row key of %v, %x, %x", key, in, hash, id)
		}
		if commit, err := parseJournalKey(key); err == nil && !bytes.Equal(journalKey(commit), key) {
			t.Errorf("%x is read as the journal key of %d", key, commit)
		}
		if id, err := parseDeadKey(key); err == nil && !bytes.Equal(deadKey(id), key) {
			t.Errorf("%x is read as the dead letter key of %x", key, id)
		}
		if offset, err := queueOffset(key); err == nil && !bytes.Equal(queueKey(int(key[1]), offset), key) {
			t.Errorf("%x is read as the queue key of %d", key, offset)
		}
		if k, err := parseWaitKey(key); err == nil && !bytes.Equal(k.append(nil, int(key[1])), key) {
			t.Errorf("%x is read as the waiting key of %+v", key, k)
		}
	})
}
