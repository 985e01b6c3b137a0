package kafka

import (
	"errors"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/twmb/franz-go/pkg/kfake"
)

var emailNormal = pipeline.Queue{Channel: pipeline.Email, Priority: pipeline.Normal}

func TestAppendIsDurable(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		var all []pipeline.LogEntry
		for _, q := range pipeline.Queues() {
			all = append(all, f.entries(q, 50)...)
		}
		if err := f.log.Append(t.Context(), all); err != nil {
			t.Fatalf("Append: %v", err)
		}
		stored := map[pipeline.ID][]entry{}
		for _, q := range pipeline.Queues() {
			maps.Copy(stored, f.stored(q))
		}
		for i := range all {
			want := entry{LogEntry: all[i]}
			if got := stored[all[i].ID]; !reflect.DeepEqual(got, []entry{want}) {
				t.Fatalf("an entry of %v is stored as %+v, want once %+v", all[i].Queue(), got, want)
			}
		}
	})
}

var _ = errors.Is
var _ = time.Second
var _ kfake.Opt
