package sqlite

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
)

// FuzzAddresses reads what it is given as encoding/json does, with what is behind
// it left.
func FuzzAddresses(f *testing.F) {
	for _, seed := range []string{`[]`, `["a"]`, `["a","b@c"]rest`, `["\u003c\"]","x"]17 5["y"]`, `["","\\"]`, `[ "a" ]`, `[`, `["`, `["a",`, `["a"`, `["a";"b"]`, `null`, "[\"\xff\"]", "[\"\x00\"]", `["a"]]`, `[]["a"]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, rest, err := cutAddresses(text)
		if err != nil {
			return
		}
		if len(rest) > len(text) || text[len(text)-len(rest):] != rest {
			t.Fatalf("%q is not the end of %q", rest, text)
		}
		var want []string
		if err := json.Unmarshal([]byte(text[:len(text)-len(rest)]), &want); err == nil && !slices.Equal(got, want) && isClean(want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	})
}

// isClean says that nothing was no UTF-8, which encoding/json replaces and a shard
// never has.
func isClean(texts []string) bool {
	return !slices.ContainsFunc(texts, func(text string) bool { return slices.Contains([]rune(text), '\ufffd') })
}

// What is written is read again.
func FuzzAddressesRoundTrip(f *testing.F) {
	f.Add("ada@example.com", `"quoted\"@<b>&'`)
	f.Add("", "\u2028\n\t\u00e4")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !isClean([]string{a, b}) {
			return
		}
		texts := []string{a, b}
		got, rest, err := cutAddresses(encodeTexts(texts) + "17 5[]")
		if err != nil || !slices.Equal(got, texts) || rest != "17 5[]" {
			t.Errorf("%q: got %q and %q, %v", texts, got, rest, err)
		}
	})
}

func TestAnswersThatAreDamagedAreErrors(t *testing.T) {
	asked := []askedUser{{id: "ada", channels: 1 << pipeline.Push}}
	for _, answer := range []string{"x", "259", "259 ", "259 5", "259 []", "259 5[", "259 5x[]", "259 5[1]", "65795 5[]"} {
		if got, err := readAnswer(answer, asked); err == nil {
			t.Errorf("%q: got %+v", answer, got)
		}
	}
	if got, err := readAnswer(`259 5["a"]513 6[]`, asked); err != nil || len(got) != 1 || got[0].Version != 5 || got[0].Addresses[0] != "a" {
		t.Errorf("got %+v, %v", got, err)
	}
}
