package catalog_test

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

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

// However long a text is, and of whatever characters, it takes as many parts as
// its characters counted one by one.
func TestSegmentsOfAnyText(t *testing.T) {
	width := func(r rune) int { // of the GSM alphabet, written apart from the code
		switch {
		case strings.ContainsRune("^{}\\[~]|€\f", r):
			return 2
		case r == '\n' || r == '\r' || r >= ' ' && r <= '~' && r != '`' || strings.ContainsRune("£¥éÜß", r):
			return 1
		}
		return 0
	}
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]string{"ab 1", "ab^{", "a\n\r\f[]", "é€", "a`b", "añ\u4e16", "🙂a", "\x00ab", "a\x7f"}).Draw(t, "alphabet")
		text := rapid.StringOfN(rapid.SampledFrom([]rune(alphabet)), 0, 400, -1).Draw(t, "text")
		septets, units, gsm := 0, 0, true
		for _, r := range text {
			septets += width(r)
			units += utf16.RuneLen(r)
			gsm = gsm && catalog.IsGSM(string(r))
		}
		whole, single, part := septets, 160, 153
		if !gsm {
			whole, single, part = units, 70, 67
		}
		want := 1
		if whole > single {
			want = (whole + part - 1) / part
		}
		if got := catalog.Segments(text); got != want {
			t.Fatalf("%q takes %d, want %d", text, got, want)
		}
	})
}

func BenchmarkSegments(b *testing.B) {
	for _, length := range []int{60, 120, 400} {
		text := strings.Repeat("Your code is 123. ", 30)[:length]
		b.Run(strconv.Itoa(length), func(b *testing.B) {
			for b.Loop() {
				catalog.Segments(text)
			}
		})
	}
}
