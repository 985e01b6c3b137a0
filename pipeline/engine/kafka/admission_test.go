package kafka

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

func TestAdmissionClosesBeforeTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waiting atomic.Int64
		var lost atomic.Bool
		a := newAdmission(Config{QueueBytes: 10_000}.withDefaults(), func(context.Context) ([]pipeline.Depth, error) {
			if lost.Load() {
				return nil, errors.New("no broker answers")
			}
			return []pipeline.Depth{{Waiting: waiting.Load()}}, nil
		})
		defer a.close()
		want := func(when string, want error) {
			t.Helper()
			synctest.Wait()
			if err := a.admit(); !errors.Is(err, want) {
				t.Errorf("%s: admit = %v, want %v", when, err, want)
			}
		}
		want("empty", nil)
		a.appended(90, 9_000)
		want("below the limit", nil)
		a.appended(10, 1_000)
		want("at the limit, by what was appended since the last look", pipeline.ErrFull)
		if space := (&Log{admission: a}).Space(); len(space) != 1 || space[0] != (pipeline.Space{Part: pipeline.QueueSpace, Bytes: 10_000, Limit: 10_000}) {
			t.Errorf("the space is %+v", space)
		}

		waiting.Store(50) // of 100 bytes each
		time.Sleep(lookEvery)
		want("when half has left", nil)
		waiting.Store(100)
		time.Sleep(lookEvery)
		want("when others have appended", pipeline.ErrFull)

		waiting.Store(0)
		time.Sleep(lookEvery)
		want("empty again", nil)
		lost.Store(true)
		time.Sleep(lookEvery)
		want("when nothing can be found out", nil)
		a.appended(100, 10_000)
		want("when nothing can be found out and the limit is reached", pipeline.ErrFull)
	})
}

func TestAdmissionWithoutALimit(t *testing.T) {
	a := newAdmission(Config{}.withDefaults(), func(context.Context) ([]pipeline.Depth, error) {
		panic("BUG: it looks at what is queued")
	})
	defer a.close()
	a.appended(1, 1<<60)
	if err := a.admit(); err != nil {
		t.Errorf("admit = %v, want nil", err)
	}
}
