package pipelinetest

import (
	"context"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
)

// PreferenceShards runs the conformance suite of [pipeline.PreferenceShards].
// open opens the shards of a place that the test keeps, again and again.
func PreferenceShards(t *testing.T, place func(t *testing.T) (open func() pipeline.PreferenceShards)) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, open func() pipeline.PreferenceShards){
		"keeps the layout":                 shardsKeepLayout,
		"keeps each shard's rows":          shardsKeepRows,
		"makes shards that are removed":    shardsRemove,
		"opens a shard beside the others'": shardsIndependent,
		"gives the shards alone":           shardsAlone,
	} {
		t.Run(name, func(t *testing.T) { test(t, place(t)) })
	}
}

func closeAll(t *testing.T, closers ...interface{ Close() error }) {
	t.Helper()
	for _, c := range closers {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

func wantLayout(t *testing.T, s pipeline.PreferenceShards, initial pipeline.Placement, want pipeline.ShardLayout) {
	t.Helper()
	if got, err := s.Layout(t.Context(), initial); err != nil || got != want {
		t.Fatalf("the layout is %+v, %v, want %+v", got, err, want)
	}
}

func shardsKeepLayout(t *testing.T, open func() pipeline.PreferenceShards) {
	three, five := pipeline.Placement{Shards: 3, Sharding: pipeline.Modulo}, pipeline.Placement{Shards: 5, Sharding: pipeline.JumpHash}
	s := open()
	wantLayout(t, s, three, pipeline.ShardLayout{Placement: three})
	wantLayout(t, s, five, pipeline.ShardLayout{Placement: three})
	closeAll(t, s)
	for _, l := range []pipeline.ShardLayout{
		{Placement: three, Next: five},
		{Placement: five, Leftover: 5},
		{Placement: five},
	} {
		s := open()
		if err := s.SetLayout(t.Context(), l); err != nil {
			t.Fatalf("set %+v: %v", l, err)
		}
		wantLayout(t, s, three, l)
		closeAll(t, s)
		s = open()
		wantLayout(t, s, three, l)
		closeAll(t, s)
	}
}

func openShard(t *testing.T, s pipeline.PreferenceShards, shard int) pipeline.PreferenceStore {
	t.Helper()
	store, err := s.Open(t.Context(), shard)
	if err != nil {
		t.Fatalf("open shard %d: %v", shard, err)
	}
	return store
}

func shardsKeepRows(t *testing.T, open func() pipeline.PreferenceShards) {
	rows := []pipeline.Preference{{PreferenceKey: preferenceKey("u0", pipeline.Push)}, {PreferenceKey: preferenceKey("u1", pipeline.Push)}, {PreferenceKey: preferenceKey("u2", pipeline.Push)}}
	s := open()
	for i, row := range rows {
		store := openShard(t, s, i)
		writePreferences(t, store, row)
		closeAll(t, store)
	}
	closeAll(t, s)
	s = open()
	for i, row := range rows {
		store := openShard(t, s, i)
		if all := scanAll(t, store, 10); len(all) != 1 || all[0].PreferenceKey != row.PreferenceKey {
			t.Errorf("shard %d has %+v, want %+v", i, all, row)
		}
		closeAll(t, store)
	}
	closeAll(t, s)
}

func shardsRemove(t *testing.T, open func() pipeline.PreferenceShards) {
	s := open()
	defer closeAll(t, s)
	for range 2 {
		store := openShard(t, s, 4)
		if all := scanAll(t, store, 10); len(all) != 0 {
			t.Errorf("a new shard has %+v", all)
		}
		writePreferences(t, store, pipeline.Preference{PreferenceKey: preferenceKey("u", pipeline.Push)})
		closeAll(t, store)
		for range 2 { // also what does not exist
			if err := s.Remove(t.Context(), 4); err != nil {
				t.Fatalf("remove: %v", err)
			}
		}
	}
}

func shardsIndependent(t *testing.T, open func() pipeline.PreferenceShards) {
	s := open()
	layout := pipeline.ShardLayout{Placement: pipeline.Placement{Shards: 2, Sharding: pipeline.Modulo}}
	wantLayout(t, s, layout.Placement, layout)
	first, second := openShard(t, s, 0), openShard(t, s, 1)
	row := pipeline.Preference{PreferenceKey: preferenceKey("u", pipeline.Push)}
	writePreferences(t, first, row)
	if got, _ := readPreferences(t, second, row.PreferenceKey); len(got) != 0 {
		t.Errorf("the second shard has %+v", got)
	}
	layout.Leftover = 2
	if err := s.SetLayout(t.Context(), layout); err != nil { // while the shards are open
		t.Fatal(err)
	}
	closeAll(t, s)
	writePreferences(t, second, row) // the shards that were opened stay open
	closeAll(t, first, second)
}

// shardsAlone holds the shards twice in turn. That other processes are kept out
// is for the tests of those engines that have several.
func shardsAlone(t *testing.T, open func() pipeline.PreferenceShards) {
	s := open()
	defer closeAll(t, s)
	for range 2 {
		held, release, err := s.Alone(t.Context())
		if err != nil || held.Err() != nil {
			t.Fatalf("alone: %v, %v", err, held)
		}
		release()
		release() // it may be repeated
	}
	ctx, cancel := context.WithCancel(t.Context())
	held, release, err := s.Alone(ctx)
	if err != nil {
		t.Fatalf("alone: %v", err)
	}
	defer release()
	cancel()
	if held.Err() == nil {
		t.Error("the hold outlives its context")
	}
}
