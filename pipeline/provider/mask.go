package provider

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// minMaskedDigits is how many digits in a row are taken for a phone number:
// fewer are codes and counts.
const minMaskedDigits = 7

// maskAddresses takes the recipients out of a provider's words, which go to
// logs and the history: of an e-mail address the first character and the domain
// stay, of a number its last two digits. The words themselves are not changed.
func maskAddresses(words []byte) []byte {
	var masked []byte // nil while nothing was found
	kept := 0         // up to where words are in masked
	for at := 0; at < len(words); {
		end := at
		for end < len(words) && !endsAddress(words[end]) {
			end++
		}
		if mask := maskOf(words[at:end]); mask != nil {
			masked = append(append(masked, words[kept:at]...), mask...)
			kept = end
		}
		at = end + 1
	}
	if masked == nil {
		return words
	}
	return append(masked, words[kept:]...)
}

// endsAddress says whether a byte stands between addresses and other words.
func endsAddress(c byte) bool {
	return c <= ' ' || strings.IndexByte(`"'<>()[]{},;:=/`, c) >= 0
}

// maskOf gives what is shown of a word that is an address, or nil.
func maskOf(word []byte) []byte {
	if at := bytes.LastIndexByte(word, '@'); at > 0 {
		_, first := utf8.DecodeRune(word)
		return slices.Concat(word[:min(first, at)], []byte("***"), word[at:])
	}
	number := bytes.TrimRight(bytes.TrimPrefix(word, []byte("+")), ".!?")
	if len(number) < minMaskedDigits {
		return nil
	}
	for _, c := range number {
		if c < '0' || c > '9' {
			return nil
		}
	}
	return slices.Concat([]byte("***"), number[len(number)-2:])
}
