package provider_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
)

func TestEveryMessageArrivesOnce(t *testing.T) {
	everyWire(t, func(t *testing.T, w wire, client sender, mock *mockproviders.Server) {
		sent := messages(w.channel, client.MaxBatch()+7)
		answers := client.Send(t.Context(), sent)
		if len(answers) != len(sent) {
			t.Fatalf("%d answers to %d messages", len(answers), len(sent))
		}
		onlyClass(t, answers, pipeline.Sent)
		run := mock.Ledger().Run("run")
		if got := run.Sequences().GetCardinality(); got != uint64(len(sent)) {
			t.Errorf("the ledger holds %d of %d messages", got, len(sent))
		}
		for _, m := range sent {
			known := mock.Ledger().Lookup(m.ID.String())
			if len(known.Sends) != 1 || known.Sends[0].Provider != client.Name() || known.Ref != m.Ref {
				t.Fatalf("the ledger says of %s: %+v", m.ID, known)
			}
		}
		totals := mock.Ledger().Totals()
		if want := (mockproviders.Count{Sends: uint64(len(sent)), Unique: uint64(len(sent))}); totals.Total != want || totals.Providers[client.Name()] != want {
			t.Errorf("totals are %+v, want %+v", totals, want)
		}
	})
}
