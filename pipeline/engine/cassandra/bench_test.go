package cassandra

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// processorTime is what this process has used of processors so far.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// facts makes n facts that were delivered, a user each.
func facts(n int) []pipeline.Fact {
	ids := pipeline.NewIDMinter(pipeline.IDKey{1, 2, 3})
	all := make([]pipeline.Fact, n)
	for i := range all {
		d := &pipeline.Delivery{Token: pipeline.Token{Partition: 1, Position: int64(i)}, Origin: pipeline.Token{Partition: 1, Position: int64(i)}}
		d.Notification = pipeline.Notification{
			Ref: fmt.Sprintf("benchmark-%d", i), UserID: fmt.Sprintf("user-%d", i), Channel: pipeline.Email, Priority: pipeline.Normal,
			Category: pipeline.Transactional, TemplateID: "welcome", To: "somebody@example.com",
		}
		now := time.Now()
		d.ID = ids.Make(now, &d.Notification, ids.Reserve(1))
		d.Due = d.ID.Time()
		all[i] = pipeline.Fact{
			Delivery: d, State: pipeline.Delivered, At: now,
			Attempt: pipeline.Attempt{Provider: "sendgrid", At: now, Class: pipeline.Sent},
		}
	}
	return all
}

// measure reports the time and the processor time of ours for each of n.
func measure(b *testing.B, n int, do func() error) {
	b.Helper()
	before := processorTime(b)
	for b.Loop() {
		if err := do(); err != nil {
			b.Fatal(err)
		}
	}
	total := float64(b.N * n)
	b.ReportMetric(float64(b.Elapsed().Microseconds())/total, "us/each")
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/total, "cpu-us/each")
}

func BenchmarkRecord100Users(b *testing.B) {
	s := open(b, config(cluster(b)))
	all := facts(100)
	measure(b, len(all), func() error { return s.Record(b.Context(), all) })
}

func BenchmarkByID100(b *testing.B) {
	s := open(b, config(cluster(b)))
	all := facts(100)
	ids := make([]pipeline.ID, len(all))
	for i := range all {
		ids[i] = all[i].Delivery.ID
	}
	if err := s.Record(b.Context(), all); err != nil {
		b.Fatal(err)
	}
	measure(b, len(ids), func() error {
		_, err := s.ByID(b.Context(), ids)
		return err
	})
}

func BenchmarkByUserPage50(b *testing.B) {
	s := open(b, config(cluster(b)))
	ids := pipeline.NewIDMinter(pipeline.IDKey{1, 2, 3})
	all := facts(100)
	for i := range all {
		d := all[i].Delivery
		d.UserID = keyspace.name
		d.ID = ids.Make(time.Now(), &d.Notification, ids.Reserve(1))
	}
	if err := s.Record(b.Context(), all); err != nil {
		b.Fatal(err)
	}
	measure(b, 1, func() error {
		entries, _, err := s.ByUser(b.Context(), keyspace.name, pipeline.Page{Limit: 50})
		if err == nil && len(entries) != 50 {
			err = fmt.Errorf("%d entries", len(entries))
		}
		return err
	})
}
