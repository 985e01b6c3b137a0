package provider_test

import (
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline/provider"
)

// A device token of APNs is what decodes as hexadecimal, and is not empty.
func TestIsAPNsToken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		token := rapid.OneOf(
			rapid.StringMatching(`[0-9a-fA-F]{0,12}`),
			rapid.StringMatching(`[0-9a-fA-F]{0,4}[g-zG: \x00ü]?[0-9a-fA-F]{0,4}`),
		).Draw(t, "token")
		_, err := hex.DecodeString(token)
		if got, want := provider.IsAPNsToken(token), err == nil && token != ""; got != want {
			t.Errorf("%q: %v, want %v", token, got, want)
		}
	})
}
