package telemetry_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// families are those of metrics with one observation of each kind.
func families(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	record(telemetry.New(reg))
	found, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestMetricsFollowPrometheusConventions(t *testing.T) {
	reg := prometheus.NewRegistry()
	record(telemetry.New(reg))
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// What is named is sent, as it is named, and nothing else is.
func TestTheCatalogueIsWhatIsScraped(t *testing.T) {
	defined := map[string]telemetry.Definition{}
	for _, d := range telemetry.Catalogue() {
		if _, twice := defined[d.Name]; twice {
			t.Errorf("%s is named twice", d.Name)
		}
		if d.Name == "" || d.Unit == "" || d.Help == "" {
			t.Errorf("%+v is not whole", d)
		}
		defined[d.Name] = d
	}
	for _, f := range families(t) {
		d, ok := defined[f.GetName()]
		if !ok {
			if strings.HasPrefix(f.GetName(), "notifyctl_") {
				t.Errorf("%s is not in the catalogue", f.GetName())
			}
			continue // the runtime's collectors have more
		}
		delete(defined, f.GetName())
		if !strings.HasPrefix(f.GetName(), "notifyctl_") {
			continue // named by others
		}
		if kind := strings.ToLower(f.GetType().String()); kind != d.Kind.String() || f.GetHelp() != d.Help {
			t.Errorf("%s is a %s (%q), want a %s (%q)", d.Name, kind, f.GetHelp(), d.Kind, d.Help)
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		if want := slices.Sorted(slices.Values(d.Labels)); !slices.Equal(labels, want) {
			t.Errorf("%s has the labels %v, want %v", d.Name, labels, want)
		}
		if !strings.Contains(d.Name, d.Unit) && slices.Contains([]string{"seconds", "bytes", "dollars"}, d.Unit) {
			t.Errorf("%s does not say that it is in %s", d.Name, d.Unit)
		}
	}
	for name := range defined {
		t.Errorf("%s is in the catalogue, and nothing sends it", name)
	}
}

// Every reading is of a group, and read from a metric that there is.
func TestReadingsAreReadFromMetrics(t *testing.T) {
	names := map[string]bool{}
	for _, d := range telemetry.Catalogue() {
		names[d.Name] = true
	}
	groups := map[telemetry.Group]bool{}
	for _, r := range telemetry.Readings() {
		if !names[r.Metric] {
			t.Errorf("%s is read from %s, which is not in the catalogue", r.Name, r.Metric)
		}
		groups[r.Group] = true
	}
	for _, g := range telemetry.Groups() {
		if !groups[g] {
			t.Errorf("nothing is read of %s", g)
		}
	}
}

// The page names every metric and reading with its help, and none that does not
// exist.
func TestThePageIsTheCatalogue(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range telemetry.Catalogue() {
		line := "| `" + d.Name + "` | " + d.Kind.String() + ", " + d.Unit + " | " + strings.Join(d.Labels, ", ") + " | " + d.Help + " |\n"
		if !strings.Contains(string(page), line) {
			t.Errorf("docs/metrics.md lacks\n%s", line)
		}
	}
	for _, r := range telemetry.Readings() {
		line := "| `" + r.Name + "` | " + r.Unit + " | " + strings.Join(r.Labels, ", ") + " | " + r.Level + " | " + r.Help + " |\n"
		if !strings.Contains(string(page), line) {
			t.Errorf("docs/metrics.md lacks\n%s", line)
		}
	}
	for _, name := range regexp.MustCompile(`\bnotifyctl_[a-z_]+`).FindAllString(string(page), -1) {
		if !slices.ContainsFunc(telemetry.Catalogue(), func(d telemetry.Definition) bool {
			return d.Name == name || d.Kind == telemetry.Histogram && d.Name+"_bucket" == name
		}) {
			t.Errorf("docs/metrics.md has %s, which does not exist", name)
		}
	}
}
