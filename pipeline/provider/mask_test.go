package provider

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMaskAddresses(t *testing.T) {
	for _, test := range []struct{ words, want string }{
		{"", ""},
		{"Error 21610 in 123456 ms", "Error 21610 in 123456 ms"},
		{"The 'To' number +15005550001 is not valid.", "The 'To' number ***01 is not valid."},
		{"to 4915112345678.", "to ***78"},
		{"Illegal address <ada.lovelace@example.com>: ada@x", "Illegal address <a***@example.com>: a***@x"},
		{"Missing final '@domain'", "Missing final '@domain'"},
		{"ünal@example.com", "ü***@example.com"},
		{"a@example.com", "a***@example.com"},
		{"to=ada@example.com,bob@example.com", "to=a***@example.com,b***@example.com"},
		{"request 0102018b-7d1f", "request 0102018b-7d1f"},
	} {
		if got := string(maskAddresses([]byte(test.words))); got != test.want {
			t.Errorf("%q became %q, want %q", test.words, got, test.want)
		}
	}
}

// TestNoAddressIsLeft: whatever stands around it, and whatever it is made of.
func TestNoAddressIsLeft(t *testing.T) {
	around := rapid.StringMatching(`([a-z0-9@ ]{0,20}[ <"':=(])?`)
	rapid.Check(t, func(t *rapid.T) {
		local := rapid.StringMatching(`[a-zü'=/{}+._-]{0,19}[a-z]`).Draw(t, "local")
		number := rapid.StringMatching(`[1-9][0-9]{6,14}`).Draw(t, "number")
		words := around.Draw(t, "before") + local + "@example.com" + rapid.SampledFrom([]string{"", " ", ">", ": no"}).Draw(t, "after") +
			" " + around.Draw(t, "between") + "+" + number + rapid.SampledFrom([]string{"", ".", " is bad", ","}).Draw(t, "end")
		masked := string(maskAddresses([]byte(words)))
		if strings.Contains(masked, local+"@") || strings.Contains(masked, number) {
			t.Fatalf("%q became %q", words, masked)
		}
	})
}

// TestWordsAreMasked: what an answer keeps of a provider's words tells no
// recipient, also where it is cut.
func TestWordsAreMasked(t *testing.T) {
	if got := wordsOf(400, "21211", []byte("The number +15005550001 is not valid")); got != "400 21211: The number ***01 is not valid" {
		t.Errorf("the words are %q", got)
	}
	for n := range 250 {
		if got := wordsOf(400, "", []byte(strings.Repeat("x", n)+" ada@example.com")); strings.Contains(got, " ad") {
			t.Errorf("the words are %q", got)
		}
	}
}
