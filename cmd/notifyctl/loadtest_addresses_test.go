package main

import (
	"strings"
	"testing"
)

// Users whose addresses are preferences get what is sent to them without any.
func TestLoadtestWritesTheAddressesFirst(t *testing.T) {
	code, stdout, stderr := loadtest(t.Context(), "-", "--rate-scale", "0.5", "--addresses", "preferences", "--users", "3K", "--plain")
	if code != exitOK || !strings.Contains(stdout, "2,000 accepted = 2,000 delivered") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestLoadtestRefusesAddressesThatNobodyKeeps(t *testing.T) {
	for args, want := range map[string]string{
		"--addresses nowhere":     "entry, preferences",
		"--addresses preferences": "--addresses preferences writes them by the API of notifyctl",
	} {
		all := append(strings.Fields(args), "--target", "http://127.0.0.1:1/send")
		if code, _, stderr := loadtest(t.Context(), all...); code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d: %s", args, code, stderr)
		}
	}
}
