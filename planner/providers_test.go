package planner_test

import (
	"strings"
	"testing"
)

// A text stands for its segments, and they for the bill.
func TestSegmentsOfAText(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		segments   float64
	}{
		{"a short one", "Your code is 123456", 1},
		{"a full one", strings.Repeat("a", 160), 1},
		{"one more, so two of 153", strings.Repeat("a", 161), 2},
		{"with an emoji, 70", strings.Repeat("a", 68) + "🎉", 1},
		{"with an emoji, 71, so two of 67", strings.Repeat("a", 69) + "🎉", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := estimate(t, "providers.sms.text="+tt.text)
			checkValues(t, e, map[string]float64{
				"volume.per_month.sms_segments": 3e9 * tt.segments,
				"cost.providers.sms":            3e9 * tt.segments * 0.0083,
				"providers.sms.senders":         50 * tt.segments,
			})
		})
	}
	x, err := estimate(t, "providers.sms.text=Hello").Explain("providers.sms.segments")
	if err != nil || x.Value != "1" || x.Source != "--set providers.sms.text=Hello" {
		t.Errorf("the segments are explained as %+v, error %v", x, err)
	}
}

func TestTextsAndSegmentsMustAgree(t *testing.T) {
	if _, err := load("version: 1\nproviders: {sms: {text: Hello, segments: 1}}\n"); err != nil {
		t.Errorf("a text and its segments: %v", err)
	}
	for text, want := range map[string]string{
		"version: 1\nproviders: {sms: {text: Hello, segments: 2}}\n":                "plan.yaml:2:42: providers.sms.segments: 2, and providers.sms.text takes 1; accepted is one of the two",
		"version: 1\nproviders: {sms: {text: " + strings.Repeat("x", 1601) + "}}\n": "plan.yaml:2:25: providers.sms.text: 1601 characters; accepted are up to 1600, as much as a provider takes",
	} {
		if _, err := load(text); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
