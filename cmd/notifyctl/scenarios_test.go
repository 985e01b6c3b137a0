package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/notifyctl/notifyctl/scenarios"
)

// scenariosProfile names the profile that TestScenariosHold runs the scenarios
// at. Without it the test skips: it takes minutes, and the machine for itself.
const scenariosProfile = "NOTIFYCTL_TEST_SCENARIOS"

// TestScenariosHold runs the five scenarios as `loadtest all` does. A machine
// that is busy may make a rate or a latency inconclusive; the account has to
// hold on any.
func TestScenariosHold(t *testing.T) {
	profile := os.Getenv(scenariosProfile)
	if profile == "" {
		t.Skipf("%s names no profile", scenariosProfile)
	}
	out := t.TempDir()
	code, stdout, stderr := loadtest(t.Context(), "all", "--profile", profile, "--out", out, "--quiet")
	t.Logf("%s%s", stdout, stderr)
	if code != exitOK && code != exitInconclusive {
		t.Errorf("exit code %d", code)
	}
	for _, name := range []string{"steady", "peak", "spike", "endurance", "provider-failure"} {
		result := resultIn(t, filepath.Join(out, name))
		l := result.Ledger
		if l.Accepted == 0 || l.Lost == nil || *l.Lost != 0 || l.Duplicates == nil || *l.Duplicates != 0 || l.InFlight == nil || *l.InFlight != 0 {
			t.Errorf("%s: the account is %+v", name, l)
		}
		if result.Verdict != scenarios.Pass && result.Verdict != scenarios.Inconclusive {
			t.Errorf("%s: verdict %s", name, result.Verdict)
		}
	}
}
