package ingest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
)

// faults submits what must be refused, and gives the faults as "entry field".
func faults(t *testing.T, s *stage, sub pipeline.Submission) []string {
	t.Helper()
	_, err := s.Accept(t.Context(), sub)
	invalid, ok := errors.AsType[*pipeline.InvalidError](err)
	if !ok {
		t.Fatalf("got %v, want an InvalidError", err)
	}
	var at []string
	for _, f := range invalid.Faults {
		if f.Detail == "" {
			t.Errorf("the fault of %q says nothing", f.Field)
		}
		at = append(at, fmt.Sprint(f.Entry, " ", f.Field))
	}
	return at
}

func TestEveryFaultIsNamedByItsField(t *testing.T) {
	for name, c := range map[string]struct {
		change func(n *pipeline.Notification)
		want   string
	}{
		"no user":          {func(n *pipeline.Notification) { n.UserID = "" }, "user_id"},
		"a long user":      {func(n *pipeline.Notification) { n.UserID = strings.Repeat("u", 129) }, "user_id"},
		"no channel":       {func(n *pipeline.Notification) { n.Channel = 0 }, "channel"},
		"a spaced ref":     {func(n *pipeline.Notification) { n.Ref = "a b" }, "ref"},
		"a foreign ref":    {func(n *pipeline.Notification) { n.Ref = "zoë" }, "ref"},
		"a long ref":       {func(n *pipeline.Notification) { n.Ref = strings.Repeat("r", 65) }, "ref"},
		"a bad locale":     {func(n *pipeline.Notification) { n.Locale = "de_AT" }, "locale"},
		"a bad address":    {func(n *pipeline.Notification) { n.To = "ada" }, "to"},
		"another's":        {func(n *pipeline.Notification) { n.To = "+4915112345678" }, "to"},
		"no template":      {func(n *pipeline.Notification) { n.TemplateID = "" }, "template_id"},
		"a path":           {func(n *pipeline.Notification) { n.TemplateID = "../welcome" }, "template_id"},
		"unknown template": {func(n *pipeline.Notification) { n.TemplateID = "nothing" }, "template_id"},
		"unknown version":  {func(n *pipeline.Notification) { n.TemplateVersion = 2 }, "template_version"},
		"missing variable": {func(n *pipeline.Notification) { n.Variables = nil }, "variables/name"},
		"no link": {func(n *pipeline.Notification) {
			n.TemplateID, n.Variables = "link", []pipeline.Variable{{Name: "url", Value: "javascript:alert(1)"}}
		}, "variables/url"},
		"a template that is no HTML": {func(n *pipeline.Notification) { n.TemplateID = "script" }, "template_id"},
		"a template with a fault":    {func(n *pipeline.Notification) { n.TemplateID = "broken" }, "template_id"},
	} {
		t.Run(name, func(t *testing.T) {
			intake := &scripted{}
			s := newStage(intake)
			s.templates.bodies["broken"] = []string{"Hello {{name"}
			s.templates.bodies["script"] = []string{"<script>{{name}}</script>"}
			bad := welcome("ada")
			c.change(&bad)
			got := faults(t, s, submission(welcome("bob"), bad))
			if len(got) != 1 || got[0] != "1 "+c.want {
				t.Errorf("got the faults %q, want one of 1 %s", got, c.want)
			}
			if intake.commits != 0 || intake.open != 0 {
				t.Errorf("a refused submission was committed %d times and left %d reservations", intake.commits, intake.open)
			}
		})
	}
}

func TestTheLimitsThemselvesAreAccepted(t *testing.T) {
	n := welcome(strings.Repeat("u", 128))
	n.Ref, n.Locale, n.TemplateVersion = strings.Repeat("r", 62)+"_-", "de-AT", 1
	newStage(&scripted{}).accept(t, submission(n))
}

func TestAllFaultsAreReportedTogetherInOrder(t *testing.T) {
	s := newStage(&scripted{})
	a, b := welcome(""), welcome("bob")
	a.Variables = nil
	b.Channel, b.Ref = 0, "?"
	got := faults(t, s, submission(a, b, welcome("")))
	want := []string{"0 user_id", "0 variables/name", "1 channel", "1 ref", "2 user_id"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What decoding found is kept, and what follows from it is not said again.
func TestFaultsOfDecodingAreKeptAndNotDoubled(t *testing.T) {
	bare := pipeline.Notification{Priority: pipeline.Normal, Category: pipeline.Transactional}
	badVariables, badValue := welcome("ada"), welcome("bob")
	badVariables.Variables, badValue.Variables = nil, nil
	badValue.UserID = ""
	sub := submission(bare, badVariables, badValue)
	sub.Faults = []pipeline.Fault{
		{Entry: 0, Detail: "want an object"},
		{Entry: 1, Field: "variables", Detail: "want an object of names and values"},
		{Entry: 2, Field: "variables/name", Detail: "want a text"},
	}
	got := faults(t, newStage(&scripted{}), sub)
	want := []string{"0 ", "1 variables", "2 variables/name", "2 user_id"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(sub.Faults) != 3 || sub.Faults[0].Entry != 0 {
		t.Errorf("the caller's faults became %v", sub.Faults)
	}
}

// A fault of a field says nothing of another whose name begins alike.
func TestAFaultHidesNoNeighbour(t *testing.T) {
	n := welcome("ada")
	n.TemplateID = "nothing"
	sub := submission(n)
	sub.Faults = []pipeline.Fault{{Entry: 0, Field: "template", Detail: "unknown field"}}
	if got := faults(t, newStage(&scripted{}), sub); fmt.Sprint(got) != "[0 template 0 template_id]" {
		t.Errorf("got %q", got)
	}
}

func TestTheNumberOfFaultsIsBounded(t *testing.T) {
	const most = 100 + 4 // of the last notification, each of whose fields may be wrong
	keys := make([]string, pipeline.MaxSlice)
	notifications := make([]pipeline.Notification, pipeline.MaxSlice)
	for i := range keys {
		keys[i] = "the same"
	}
	for name, sub := range map[string]pipeline.Submission{
		"fields": submission(notifications...),
		"keys":   {Client: "shop", Notifications: notifications, Keys: keys},
	} {
		if got := faults(t, newStage(&scripted{}), sub); len(got) < 100 || len(got) > most {
			t.Errorf("%s: %d faults, want 100 to %d", name, len(got), most)
		}
	}
	// Faults of templates alone.
	for i := range notifications {
		notifications[i] = welcome("ada")
		notifications[i].Variables = nil
	}
	s := newStage(&scripted{})
	if got := faults(t, s, submission(notifications...)); len(got) != 100 {
		t.Errorf("%d faults, want 100", len(got))
	}
	if s.templates.asks > 2 {
		t.Errorf("one template was asked for %d times", s.templates.asks)
	}
}

func TestAKeyTwiceInOneRequestIsAFault(t *testing.T) {
	got := faults(t, newStage(&scripted{}), keyed([]string{"k", "", "k", ""}, "a", "b", "c", "d"))
	if fmt.Sprint(got) != "[2 idempotency_key]" {
		t.Errorf("got %q", got)
	}
}

func TestATemplateStoreThatIsAwayIsNoFaultOfTheClient(t *testing.T) {
	intake := &scripted{}
	s := newStage(intake)
	s.templates.err = errAway
	for name, sub := range map[string]pipeline.Submission{
		"valid":   submission(welcome("ada")),
		"invalid": submission(welcome("")),
	} {
		_, err := s.Accept(t.Context(), sub)
		if !errors.Is(err, pipeline.ErrUnavailable) || !errors.Is(err, errAway) {
			t.Errorf("%s: got %v, want ErrUnavailable and its cause", name, err)
		}
	}
	if intake.commits != 0 || intake.open != 0 {
		t.Errorf("%d commits, %d reservations left", intake.commits, intake.open)
	}
}
