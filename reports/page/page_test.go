package page

import (
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/reports/reportstest"
	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/baseline"
)

// render gives the page of a result, as text and as a tree.
func render(t *testing.T, r *scenarios.Result, c *baseline.Comparison) (string, *html.Node) {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, r, c); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), root
}

// all lists the elements with a name, or all of them.
func all(root *html.Node, name string) []*html.Node {
	var found []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			found = append(found, n)
		}
	}
	return found
}

// text gives what a reader sees of an element, its spaces made one.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// requireBalanced fails where an element is not closed, or closed by another: a
// parser of HTML would mend that in silence.
func requireBalanced(t *testing.T, page string) {
	t.Helper()
	void := []string{"meta", "br", "path"}
	var open []string
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		name, _ := z.TagName()
		switch tag := string(name); {
		case kind == html.StartTagToken && !slices.Contains(void, tag):
			open = append(open, tag)
		case kind == html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != tag {
				t.Fatalf("</%s> closes %v", tag, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("%v are not closed", open)
	}
}

// requireSelfContained fails on whatever would make a browser ask for anything.
func requireSelfContained(t *testing.T, page string, root *html.Node) {
	t.Helper()
	for _, n := range all(root, "") {
		if slices.Contains([]string{"script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "use"}, n.Data) {
			t.Errorf("it has a %s", n.Data)
		}
		for _, a := range n.Attr {
			if slices.Contains([]string{"src", "href", "srcset", "action", "data", "background"}, a.Key) || strings.HasPrefix(a.Key, "on") {
				t.Errorf("a %s has %s=%q", n.Data, a.Key, a.Val)
			}
		}
	}
	for _, style := range all(root, "style") {
		if css := text(style); strings.Contains(css, "url(") || strings.Contains(css, "@import") {
			t.Error("the style sheet loads something")
		}
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Error("the template refused a value")
	}
}

func TestThePageSaysWhatTheResultDoes(t *testing.T) {
	r := reportstest.Result()
	page, root := render(t, r, nil)
	requireBalanced(t, page)
	requireSelfContained(t, page, root)
	shown := text(root)
	for _, want := range []string{
		"fail spike api p99 (spike, each 30 s) was 612 ms, and is to be < 500 ms.", // the verdict, and why, first
		"8 checks, 1 failed, 1 inconclusive, 1 not observed",
		"pass errors 1,250 ppm < 1,500 ppm 83 %",
		"95 % interval -0.42 % to 1.04 %",
		"958,800 accepted = 958,610 delivered + 180 suppressed + 0 expired + 0 rate-dropped + 10 dead + 0 in flight + 0 lost It adds up.",
		"ambiguous 4",
		"sendgrid email 320 250,000 247,000 0 0 2,996 4 201 ms 240 ms",
		"The run came within 90 % of 2 of the plan's 4. Of 1 nobody saw how near it came.",
		"notifyctl loadtest spike --profile ci --seed 7 --set workload.users=10M",
		"sendgrid: outage",
		"high for the provider, normal and low for their batch",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if len(all(root, "figure")) != 4 {
		t.Errorf("%d charts, want those of rate, latency, queue and workers", len(all(root, "figure")))
	}
	first := strings.Index(shown, "was 612 ms")
	for _, later := range []string{"Checks", "What happened when", "Account", "End to end", "Providers", "Limits tested", "How it was run"} {
		at := strings.Index(shown, later)
		if at < first {
			t.Errorf("%s stands at %d, before %d", later, at, first)
		}
		first = at
	}
}

// TestEveryFormatShowsTheSameNumbers holds the page to what the other formats
// write of each check.
func TestEveryFormatShowsTheSameNumbers(t *testing.T) {
	r := reportstest.Result()
	var markdown, table, junit strings.Builder
	for _, err := range []error{
		reports.LoadTestMarkdown(&markdown, r, nil), reports.LoadTest(&table, r, reports.Terminal{}), reports.LoadTestJUnit(&junit, r, nil),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, root := render(t, r, nil)
	for _, c := range r.Checks {
		if c.Measured == nil {
			continue
		}
		measured := reports.Measured(c)
		for format, shown := range map[string]string{"page": text(root), "Markdown": markdown.String(), "table": table.String()} {
			if !strings.Contains(shown, measured) {
				t.Errorf("the %s does not show that %s is %s", format, c.Name, measured)
			}
		}
		if c.Verdict == scenarios.Fail && !strings.Contains(junit.String(), measured) {
			t.Errorf("the JUnit report does not show that %s is %s", c.Name, measured)
		}
	}
}

func TestHostileTextsStayTexts(t *testing.T) {
	const evil = `</style></title><script>alert(1)</script><img src=x onerror=alert(1)>"' onload=alert(1) {{.}}` + "\x1b[31m"
	r := reportstest.Result()
	r.Scenario, r.Profile, r.Plan.Name, r.Environment.Target, r.Environment.Embedded = evil, evil, evil, evil, false
	r.Environment.Engines = map[string]string{evil: evil}
	r.Command = []string{evil}
	for i := range r.Stages {
		r.Stages[i].Name = evil
	}
	for i := range r.Checks {
		c := &r.Checks[i]
		c.Name, c.Why, c.During, c.Unit, c.Op, c.Subject = evil, evil, evil, evil, evil, evil
	}
	for i := range r.Marks {
		r.Marks[i].Text = evil
	}
	for i := range r.EndToEnd {
		r.EndToEnd[i].Channel, r.EndToEnd[i].Priority = evil, evil
	}
	r.Priorities[0].Priority, r.Priorities[0].Dominant = evil, evil
	r.Providers = map[string]scenarios.Provider{evil: {Channel: evil}}
	r.Caches = map[string]scenarios.Cache{evil: {}}
	r.Limits = []scenarios.Limit{{Name: evil, Unit: evil}}
	for i := range r.Timeline.Points {
		if s := r.Timeline.Points[i].System; s != nil {
			s.Pools = map[string]scenarios.PoolPoint{evil: {}}
		}
	}
	page, root := render(t, r, &baseline.Comparison{Outcome: baseline.Refused, Why: evil, Changes: []baseline.Change{{Metric: evil, Unit: evil}}})
	requireBalanced(t, page)
	requireSelfContained(t, page, root)
	if !strings.Contains(text(root), "<script>alert(1)</script>") {
		t.Error("the texts are not shown as they are")
	}
	if strings.ContainsRune(page, '\x1b') {
		t.Error("it has an escape sequence")
	}
}

func TestAPageOfAlmostNothing(t *testing.T) {
	for name, r := range map[string]*scenarios.Result{
		"nothing":   {Scenario: "steady", Verdict: scenarios.Interrupted},
		"no points": {Scenario: "steady", Verdict: scenarios.Inconclusive, Timeline: &scenarios.Timeline{}},
		"a point":   {Scenario: "steady", Verdict: scenarios.Fail, Timeline: &scenarios.Timeline{Every: 1, Points: []scenarios.Point{{At: 1}}}},
		"extremes": {
			Scenario: "steady", Verdict: scenarios.Pass, Checks: []scenarios.Check{{Op: "<", Limit: 1e-300, Measured: reportstest.Of(1e300), Verdict: scenarios.Pass}},
			Timeline: &scenarios.Timeline{Every: 1e-300, Points: []scenarios.Point{
				{At: 1e-300, Offered: math.MaxFloat64, Latency: &scenarios.Latencies{P99: math.MaxFloat64, P50: 5e-324}},
				{At: 3e8, Offered: -1, Latency: &scenarios.Latencies{P99: -1}},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			page, root := render(t, r, nil)
			requireBalanced(t, page)
			requireSelfContained(t, page, root)
			if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") {
				t.Error("it shows what is no number")
			}
		})
	}
}

// TestChartsAreForEveryone checks that each picture says in words what it shows,
// that each table has heads, and that no heading is only a colour.
func TestChartsAreForEveryone(t *testing.T) {
	_, root := render(t, reportstest.Result(), nil)
	for _, svg := range all(root, "svg") {
		if attribute(svg, "aria-hidden") == "true" {
			continue
		}
		labels := strings.Fields(attribute(svg, "aria-labelledby"))
		if attribute(svg, "role") != "img" || len(labels) != 2 || len(all(svg, "title")) != 1 || len(all(svg, "desc")) != 1 {
			t.Errorf("a chart says nothing of itself: %v", svg.Attr)
		}
	}
	for _, table := range all(root, "table") {
		for _, head := range all(table, "th") {
			if attribute(head, "scope") == "" {
				t.Errorf("the head %q is of nothing", text(head))
			}
		}
	}
	for _, row := range all(root, "tr") {
		if class := attribute(row, "class"); class == "bad" && !strings.Contains(text(row), "fail") {
			t.Errorf("only colour says that it failed: %s", text(row))
		}
	}
	if lang := attribute(all(root, "html")[0], "lang"); lang != "en" {
		t.Errorf("lang %q", lang)
	}
}

func TestAGapInTheCourseIsAGapInTheLine(t *testing.T) {
	nan := math.NaN()
	a := linearAxis(10, axisCount)
	if got := path([]float64{1, 2, 3, 4}, []float64{0, 10, nan, 5}, 4, a, false); got != "M250 100h.01L500 0M1000 50h.01" {
		t.Errorf("the line is %s", got)
	}
	if got := path([]float64{1, 2}, []float64{0, 10}, 2, a, true); got != "M500 100h.01H1000V0" {
		t.Errorf("the steps are %s", got)
	}
}

func TestAxes(t *testing.T) {
	labels := func(a axis) string {
		var out []string
		for _, tick := range a.Ticks {
			out = append(out, tick.Label)
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct {
		largest float64
		want    string
	}{{0, "0 1"}, {1, "0 0.5 1"}, {10_000, "0 5,000 10,000"}, {41_208, "0 20,000 40,000 60,000"}, {2.5e6, "0 1M 2M 3M"}} {
		if got := labels(linearAxis(c.largest, axisCount)); got != c.want {
			t.Errorf("an axis up to %g has %s, want %s", c.largest, got, c.want)
		}
	}
	for _, c := range []struct {
		values []float64
		want   string
	}{{nil, "1 ms 10 ms"}, {[]float64{3, 935}, "1 ms 10 ms 100 ms 1 s"}, {[]float64{10}, "10 ms 100 ms"}, {[]float64{0.004, 12}, "1 us 10 us 100 us 1 ms 10 ms 100 ms"}} {
		if got := labels(logAxis(c.values, axisLatency)); c.want != "1 us 10 us 100 us 1 ms 10 ms 100 ms" && got != c.want || len(strings.Fields(got))/2 > mostTicks {
			t.Errorf("an axis of %v has %s, want %s", c.values, got, c.want)
		}
	}
	if a := logAxis([]float64{1, 100}, axisLatency); a.height(10) != 50 || a.height(0) != 0 || a.height(1e9) != 100 {
		t.Errorf("heights %g, %g, %g", a.height(10), a.height(0), a.height(1e9))
	}
}

func TestATableOfALongRunIsBounded(t *testing.T) {
	r := reportstest.Result()
	r.Timeline.Points = nil
	for at := 1.0; at <= 1200; at++ {
		r.Timeline.Points = append(r.Timeline.Points, scenarios.Point{At: at, Offered: at})
	}
	_, root := render(t, r, nil)
	rows := len(all(all(root, "figure")[0], "tr"))
	if rows > mostRows+1 || rows < mostRows/2 {
		t.Errorf("%d rows", rows)
	}
	if !strings.Contains(text(root), "One of 5 points; timeseries.csv has them all.") {
		t.Error("it does not say what is left out")
	}
}

// TestNoAddressIsALink: addresses of the result are shown, and lead nowhere.
func TestNoAddressIsALink(t *testing.T) {
	page, _ := render(t, reportstest.Result(), nil)
	for _, word := range strings.FieldsFunc(page, func(r rune) bool { return strings.ContainsRune(" \n\"'<>", r) }) {
		if u, err := url.Parse(word); err == nil && u.Host != "" && u.Host != "127.0.0.1:8080" {
			t.Errorf("it names %s", word)
		}
	}
}
