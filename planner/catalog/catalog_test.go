package catalog_test

import (
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/planner/catalog"
)

func TestProvidersAreWhole(t *testing.T) {
	primaries := map[string]bool{}
	seen := map[string]bool{}
	for _, p := range catalog.Providers() {
		if p.Name == "" || p.Title == "" || p.Channel == "" || p.MaxBatch < 1 || p.MaxRequestBytes <= 0 || !strings.HasPrefix(p.BaseURL, "https://") {
			t.Errorf("%q lacks something: %+v", p.Name, p)
		}
		if seen[p.Name] {
			t.Errorf("%q is listed twice", p.Name)
		}
		seen[p.Name], primaries[p.Channel] = true, true
		if found, ok := catalog.Lookup(p.Name); !ok || found != p {
			t.Errorf("Lookup(%q) = %+v, %v", p.Name, found, ok)
		}
	}
	for _, channel := range []string{catalog.Push, catalog.Email, catalog.SMS} {
		if !primaries[channel] {
			t.Errorf("no provider serves %s", channel)
		}
	}
	if _, ok := catalog.Lookup("pigeon"); ok {
		t.Error("an unknown provider was found")
	}
}

func TestSegments(t *testing.T) {
	for _, test := range []struct {
		name string
		text string
		want int
	}{
		{"empty", "", 1},
		{"one full segment", strings.Repeat("a", 160), 1},
		{"one more", strings.Repeat("a", 161), 2},
		{"two full parts", strings.Repeat("a", 306), 2},
		{"three parts", strings.Repeat("a", 307), 3},
		{"the extension counts twice", strings.Repeat("€", 80), 1},
		{"the extension counts twice, over", strings.Repeat("€", 81), 2},
		{"UCS-2", strings.Repeat("я", 70), 1},
		{"UCS-2, over", strings.Repeat("я", 71), 2},
		{"a backquote is in neither alphabet", "`" + strings.Repeat("a", 70), 2},
		{"outside the basic plane counts twice", strings.Repeat("😀", 35), 1},
		{"outside the basic plane, over", strings.Repeat("😀", 36), 2},
	} {
		if got := catalog.Segments(test.text); got != test.want {
			t.Errorf("%s: %d segments, want %d", test.name, got, test.want)
		}
	}
}

func TestIsGSM(t *testing.T) {
	for text, want := range map[string]bool{"": true, "Hello @ [3€]\n": true, "Grüße": true, "я": false, "`": false, "ok 😀": false} {
		if got := catalog.IsGSM(text); got != want {
			t.Errorf("IsGSM(%q) = %v", text, got)
		}
	}
}

func TestSenderQuota(t *testing.T) {
	for kind, want := range map[string]float64{"short_code": 100, "toll_free": 3, "10dlc": 1, "pigeon": 0} {
		if got := catalog.SenderQuota(kind); got != want {
			t.Errorf("a %s sends %v segments a second, want %v", kind, got, want)
		}
	}
}
