package api_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// keys lists the keys of a value's JSON object.
func keys(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	return strings.Join(slices.Sorted(maps.Keys(object)), " ")
}

// Other programs are written against these names.
func TestWireKeys(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{api.Account{}, "accepted ambiguous dead delivered expired in_flight rate_dropped suppressed takeovers"},
		{api.Status{}, "account api caches dependencies draining end_to_end engines groups now providers queues ready regions resources role scaling shards space started version workers"},
		{api.Queue{}, "channel oldest_age_ms priority retrying waiting windowed"},
		{api.Result{}, "id status"},
		{api.Result{Reason: "x", Replayed: true}, "id reason replayed status"},
		{api.Entry{}, "attempts channel priority state"},
		{api.Entry{ID: "x", AcceptedAt: time.Unix(1, 0)}, "accepted_at attempts channel id priority state"},
		{api.Attempt{}, "at provider result"},
		{api.Problem{}, "status title type"},
		{api.Problem{Detail: "x", Code: "x", Errors: []api.Fault{{}}, RetryAfter: 1}, "code detail errors status title type"},
		{api.Readiness{}, "checks status"},
		{api.Notification{}, "channel template_id user_id"},
		{api.Preferences{}, "channels user_id"},
		{api.Preference{}, "addresses promotional transactional"},
	} {
		if got := keys(t, c.value); got != c.want {
			t.Errorf("%T: keys %s, want %s", c.value, got, c.want)
		}
	}
}
