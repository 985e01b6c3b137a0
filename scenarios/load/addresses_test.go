package load

import (
	"encoding/json"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

// What entries leave out is what the preferences say: the same load reaches the
// same addresses either way.
func TestPreferencesHaveTheAddressesThatEntriesLeaveOut(t *testing.T) {
	c := testTraffic(200, NoKeys)
	bodies := map[Addresses][]api.Notification{}
	var stored []pipeline.Preference
	for _, addresses := range []Addresses{AddressPerEntry, AddressPreferences} {
		c.Addresses = addresses
		traffic := newTestTraffic(t, c)
		var body api.Submission
		if err := json.Unmarshal(traffic.AppendBody(nil, 3), &body); err != nil {
			t.Fatal(err)
		}
		bodies[addresses] = body.Notifications
		// In two parts, as a run that writes many does.
		stored = append(traffic.Preferences(0, 333), traffic.Preferences(333, traffic.Users())...)
	}
	known := map[pipeline.PreferenceKey]pipeline.Preference{}
	for _, p := range stored {
		if !p.Transactional || !p.Promotional || len(p.Addresses) != 1 {
			t.Fatalf("a user wants %+v", p)
		}
		if err := pipeline.CheckAddress(p.Channel, p.Addresses[0]); err != nil {
			t.Fatalf("%s: %v", p.Addresses[0], err)
		}
		known[p.PreferenceKey] = p
	}
	if len(known) != c.Users*len(pipeline.Channels()) {
		t.Errorf("%d preferences of %d users", len(known), c.Users)
	}
	for i, brought := range bodies[AddressPerEntry] {
		left := bodies[AddressPreferences][i]
		channel, ok := pipeline.ParseChannel(left.Channel)
		if !ok {
			t.Fatalf("a channel called %q", left.Channel)
		}
		at := known[pipeline.PreferenceKey{UserID: left.UserID, Channel: channel}]
		if left.To != "" || len(at.Addresses) == 0 || at.Addresses[0] != brought.To {
			t.Errorf("entry %d is to %q, its user is at %v, and it would bring %q", i, left.To, at.Addresses, brought.To)
		}
		if left.To = brought.To; left.Ref != brought.Ref || left.UserID != brought.UserID || left.TemplateID != brought.TemplateID {
			t.Errorf("entry %d is %+v, want %+v", i, left, brought)
		}
	}
}

func TestPreferencesAreOfTheChannelsInUse(t *testing.T) {
	c := testTraffic(1, NoKeys)
	c.Mix.Channels = map[pipeline.Channel]float64{pipeline.SMS: 1}
	if all := newTestTraffic(t, c).Preferences(7, 9); len(all) != 2 || all[0].UserID != "u7" || all[1].UserID != "u8" || all[0].Channel != pipeline.SMS {
		t.Errorf("got %+v", all)
	}
}
