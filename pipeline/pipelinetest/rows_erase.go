package pipelinetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

func rowReplays(w *rowWorld) {
	d := w.delivery(time.Now(), w.user("ada"))
	d.Variables = []pipeline.Variable{{Name: "name", Value: "Ada"}}
	dead := deadFact(d, "gone_"+w.tag)
	w.record(dead)
	l := w.letter(d.ID)
	if l.State != pipeline.Dead || l.Record == nil || !reflect.DeepEqual(*l.Record, d.Record) {
		w.Fatalf("the letter is %+v with the record %+v, want %+v", l, l.Record, d.Record)
	}
	again := w.delivery(time.Now(), w.user("ada"))
	again.ReplayOf = d.ID
	replaced := []pipeline.Replacement{{Dead: d.ID, New: again.ID}}
	check := func(what string) {
		w.Helper()
		if l := w.letter(d.ID); l.State != pipeline.Dead || l.Record != nil || l.ReplayedBy != again.ID {
			w.Fatalf("%s: the letter is %+v", what, l)
		}
		letters := w.letters(pipeline.DeadFilter{Reason: dead.Reason}, everything())
		if len(letters) != 1 || letters[0].ID != d.ID || letters[0].ReplayedBy != again.ID {
			w.Fatalf("%s: listed are %+v", what, letters)
		}
	}
	w.must(w.rows.Replayed(w.Context(), replaced))
	check("replayed")
	w.must(w.open(w.T).Replayed(w.Context(), replaced))
	check("replayed twice")
	w.record(dead)
	check("recorded again")
	w.must(w.rows.Replayed(w.Context(), nil))
	for what, id := range map[string]pipeline.ID{"what was delivered": w.ends(time.Now(), w.user("bob")), "what is queued": again.ID} {
		w.must(w.rows.Replayed(w.Context(), []pipeline.Replacement{{Dead: id, New: again.ID}}))
		if l := w.letter(id); l.State != 0 || l.Record != nil {
			w.Fatalf("%s is the letter %+v", what, l)
		}
	}
	w.record(deadFact(again, dead.Reason))
	if l := w.letter(again.ID); l.Record == nil || l.ReplayOf != d.ID || !l.ReplayedBy.IsZero() {
		w.Fatalf("what died again is %+v", l)
	}
}

func rowsAside(w *rowWorld) {
	began := time.Now().Add(-time.Second)
	token := pipeline.Token{Partition: 5, Position: time.Now().UnixNano()}
	logged := pipeline.Logged{Undecodable: []byte("no record " + w.tag), Delivery: &pipeline.Delivery{Token: token}}
	logged.Channel, logged.Priority = pipeline.SMS, pipeline.Low
	empty := pipeline.Logged{Undecodable: []byte{}, Delivery: &pipeline.Delivery{Token: pipeline.Token{Partition: 6, Position: token.Position}}}
	empty.Channel, empty.Priority = pipeline.SMS, pipeline.High
	for range 2 {
		w.must(w.rows.PutAside(w.Context(), []pipeline.Logged{logged, empty}))
		w.must(w.open(w.T).PutAside(w.Context(), []pipeline.Logged{logged}))
	}
	var found, foundEmpty int
	for _, l := range w.letters(pipeline.DeadFilter{Channel: pipeline.SMS, Reason: pipeline.ReasonUndecodable}, pipeline.Page{Limit: 2, From: began}) {
		switch {
		case string(l.Undecodable) == string(logged.Undecodable):
			if found++; !l.ID.IsZero() || l.State != pipeline.Dead || l.Queue != logged.Queue() || l.EndedAt.Before(began) || l.Record != nil {
				w.Fatalf("what is no record is the letter %+v", l)
			}
		case l.Undecodable != nil && len(l.Undecodable) == 0:
			foundEmpty++
		}
	}
	if found != 1 || foundEmpty == 0 {
		w.Fatalf("it is listed %d times, and the empty one %d times", found, foundEmpty)
	}
}

// gone checks that nothing of a user is found.
func (w *rowWorld) gone(what, user string, ids []pipeline.ID) {
	w.Helper()
	for _, id := range ids {
		if e := w.entry(id); e.State != 0 || e.UserID != "" {
			w.Fatalf("%s: found is %+v", what, e)
		}
		if row := w.row(id); row.State != 0 || row.UserID != "" {
			w.Fatalf("%s: the row is %+v", what, row)
		}
		if l := w.letter(id); l.State != 0 || l.Record != nil {
			w.Fatalf("%s: the letter is %+v", what, l)
		}
	}
	w.listed(what, w.list(user, everything()), nil)
	for _, l := range w.letters(pipeline.DeadFilter{}, everything()) {
		if l.UserID == user {
			w.Fatalf("%s: a letter is listed: %+v", what, l)
		}
	}
}

func rowsErased(w *rowWorld) {
	ada, bob, reason := w.user("ada"), w.user("bob"), "gone_"+w.tag
	w.must(w.rows.Erase(w.Context(), w.user("nobody")))
	gone, kept := w.severalWeeks(ada, 3, 3), w.severalWeeks(bob, 3, 3)
	gone = append(gone, w.die(time.Now(), pipeline.Email, ada, reason), w.die(time.Now().Add(-day), pipeline.Push, ada, reason))
	kept = append(kept, w.die(time.Now(), pipeline.Email, bob, reason))
	queued := w.delivery(time.Now(), ada)
	gone = append(gone, queued.ID)
	one, another := w.rows, w.open(w.T)
	w.rows = another
	w.listed("before", w.list(ada, everything()), gone[:len(gone)-1])
	w.must(one.Erase(w.Context(), ada))
	for _, w.rows = range []HistoryRows{another, one, w.open(w.T)} {
		w.gone("erased", ada, gone)
		w.listed("of another", w.list(bob, everything()), kept)
		if l := w.letter(kept[len(kept)-1]); l.Record == nil {
			w.Fatalf("the letter of another is %+v", l)
		}
		erased, err := w.rows.Erased(w.Context(), []*pipeline.Delivery{queued, w.delivery(time.Now(), bob)})
		w.must(err)
		if !slices.Equal(erased, []bool{true, false}) {
			w.Fatalf("erased are %v", erased)
		}
	}
	w.must(one.Erase(w.Context(), ada))
	w.gone("erased twice", ada, gone)
}

func rowsAfterErasure(w *rowWorld) {
	ada := w.user("ada")
	d := []*pipeline.Delivery{w.delivery(time.Now(), ada), w.delivery(time.Now(), ada), w.delivery(time.Now(), ada)}
	for i := range d {
		d[i].Ref = fmt.Sprintf("%s-%d", w.tag, i)
	}
	retry := retryFact(d[2])
	w.record(retry)
	another := w.open(w.T)
	w.must(w.rows.Erase(w.Context(), ada))
	facts := []pipeline.Fact{sentFact(d[0]), deadFact(d[1], "gone_"+w.tag), retry}
	w.must(another.Record(w.Context(), facts))
	w.record(facts...)
	for _, w.rows = range []HistoryRows{w.rows, another} {
		w.gone("recorded after the erasure", ada, []pipeline.ID{d[0].ID, d[1].ID, d[2].ID})
		outcomes, err := w.rows.RunOutcomes(w.Context(), w.tag)
		w.must(err)
		if !slices.Equal(outcomes[pipeline.Delivered].ToArray(), []uint32{0}) || !slices.Equal(outcomes[pipeline.Dead].ToArray(), []uint32{1}) {
			w.Fatalf("the outcomes of the load run are %v", outcomes)
		}
	}
}

func rowsBack(w *rowWorld) {
	ada := w.user("ada")
	before := w.delivery(time.Now(), ada)
	w.must(w.rows.Erase(w.Context(), ada))
	after := w.delivery(time.Now(), ada)
	if e := w.entry(after.ID); e.State != pipeline.Queued {
		w.Fatalf("what is accepted after the erasure is %+v", e)
	}
	erased, err := w.rows.Erased(w.Context(), []*pipeline.Delivery{before, after})
	w.must(err)
	if !slices.Equal(erased, []bool{true, false}) {
		w.Fatalf("erased are %v", erased)
	}
	w.must(w.open(w.T).Record(w.Context(), []pipeline.Fact{sentFact(before), sentFact(after)}))
	w.listed("of a user who is back", w.list(ada, everything()), []pipeline.ID{after.ID})
	w.must(w.rows.Erase(w.Context(), ada))
	w.gone("erased again", ada, []pipeline.ID{before.ID, after.ID})
}

func rowRuns(w *rowWorld) {
	if _, err := w.rows.RunOutcomes(w.Context(), w.tag); !errors.Is(err, pipeline.ErrUnknownRun) {
		w.Fatalf("an unknown run gave %v", err)
	}
	another := w.open(w.T)
	want := map[pipeline.State][]uint32{}
	for n := range uint32(60) {
		d := w.delivery(time.Now(), w.user("ada"))
		d.Ref = fmt.Sprintf("%s-%d", w.tag, n*n)
		f := sentFact(d)
		if n%7 == 0 {
			f = deadFact(d, "gone_"+w.tag)
		}
		if n%11 == 3 {
			w.record(retryFact(d)) // no outcome yet
			continue
		}
		want[f.State] = append(want[f.State], n*n)
		for _, rows := range [][]HistoryRows{{w.rows}, {another}, {w.rows, another}}[n%3] {
			w.must(rows.Record(w.Context(), []pipeline.Fact{f}))
		}
	}
	outcomes, err := w.rows.RunOutcomes(w.Context(), w.tag)
	w.must(err)
	if len(outcomes) != len(want) {
		w.Fatalf("outcomes are of %d states, want %d", len(outcomes), len(want))
	}
	for state, sequences := range want {
		if got := outcomes[state].ToArray(); !slices.Equal(got, sequences) {
			w.Fatalf("%v are %v, want %v", state, got, sequences)
		}
	}
}

func rowRunsBounded(w *rowWorld) {
	touch := func(rows HistoryRows, run int) {
		w.Helper()
		d := w.delivery(time.Now(), w.user("ada"))
		d.Ref = fmt.Sprintf("%s.%d-%d", w.tag, run, w.sent)
		w.must(rows.Record(w.Context(), []pipeline.Fact{sentFact(d)}))
		time.Sleep(2 * time.Millisecond) // so that the times of the touches differ
	}
	known := func(run int) bool {
		w.Helper()
		_, err := w.rows.RunOutcomes(w.Context(), fmt.Sprintf("%s.%d", w.tag, run))
		if err != nil && !errors.Is(err, pipeline.ErrUnknownRun) {
			w.Fatal(err)
		}
		return err == nil
	}
	another := w.open(w.T)
	for run := range pipeline.MaxRuns {
		touch([]HistoryRows{w.rows, another}[run%2], run)
	}
	touch(another, 0)
	touch(w.rows, pipeline.MaxRuns)
	for run, want := range map[int]bool{0: true, 1: false, 2: true, pipeline.MaxRuns: true} {
		if known(run) != want {
			w.Errorf("the run %d is known: %v, want %v", run, !want, want)
		}
	}
	touch(w.rows, 1)
	if !known(1) || known(2) {
		w.Error("a run that comes back does not push the oldest out")
	}
}
