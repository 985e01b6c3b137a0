package planner_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// today dates the plans of these tests.
func today() planner.Date {
	return planner.DateOf(time.Date(2026, 11, 24, 13, 0, 0, 0, time.UTC))
}

// load reads a plan called plan.yaml.
func load(text string, assignments ...string) (*planner.Plan, error) {
	return planner.Load(planner.Document{
		Name: "plan.yaml", Text: []byte(text), Assignments: assignments, Today: today(),
	})
}

func TestReference(t *testing.T) {
	p := planner.Reference()
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"name", p.Name, "reference"},
		{"as of", p.AsOf.String(), "2026-11-24"},
		{"users", p.Workload.Users.Int(), 100_000_000},
		{"gateway rate", p.Gateway.RatePerInstance.Range, units.Range{Low: 500, High: 1000}},
		{"memory", p.Gateway.Memory.Range, units.Range{Low: 4e9, High: 8e9}},
		{"retention", p.Kafka.Retention.Duration(), 7 * 24 * time.Hour},
		{"e-mail pool", p.Workers.Email.Max.Int(), 500},
		{"quota", p.Providers.Push.Quota.Float(), 10_000.0},
		{"success", p.ServiceLevels.TransactionalSuccess.Float(), 0.995},
		{"steps", len(p.Growth.Steps), 2},
		{"last step", p.Growth.Steps[1].Cost.Float(), 120_000.0},
		{"claims", len(p.Claims), 14},
		{"limits", len(p.Limits), 0},
		{"deployment", p.Deployment.Workers, planner.DeploymentWorkers{Push: 32, Email: 32, SMS: 64}},
		{"start delay", p.Deployment.StartDelay, 20 * time.Second},
		{"source", p.Source("workload.users").String(), "reference.yaml:26"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestLoadLaysAPlanOverTheReference(t *testing.T) {
	p, err := load("version: 1\nworkload:\n  users: 1M\n  channels: {push: 100%}\n")
	if err != nil {
		t.Fatal(err)
	}
	w := p.Workload
	if w.Users.Int() != 1_000_000 || w.PeakFactor.Float() != 3 {
		t.Errorf("users %v and peak factor %v, want the plan's 1M and the reference's 3", w.Users, w.PeakFactor)
	}
	if w.Channels.Push.Float() != 1 || w.Channels.SMS.Float() != 0 {
		t.Errorf("shares %v, want those of the plan alone", w.Channels)
	}
	if p.Name != "plan" || p.AsOf != today() || len(p.Claims) != 0 {
		t.Errorf("name %q, date %v and claims %v, want the file's name, today and none", p.Name, p.AsOf, p.Claims)
	}
	if s := p.Source("workload.users").String(); s != "plan.yaml:3" {
		t.Errorf("users come from %s", s)
	}
	if s := p.Source("workload.peak_factor").String(); s != "reference.yaml:31" {
		t.Errorf("the peak factor comes from %s", s)
	}
}

func TestLoadNamesEveryFault(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       string // the lines of the error
	}{
		{"empty", "", "plan.yaml: the document is empty; accepted is one with values"},
		{"only comments", "# nothing\n", "plan.yaml: the document is empty; accepted is one with values"},
		{"only null", "~\n", "plan.yaml: the document is empty; accepted is one with values"},
		{"a list", "- 1\n", "plan.yaml:1:1: found a list; accepted is a mapping of keys to values"},
		{"a word", "plan\n", `plan.yaml:1:1: found "plan"; accepted is a mapping of keys to values`},
		{"no version", "name: x\n", "plan.yaml: version: missing; accepted is 1"},
		{"another version", "version: 2\nnonsense: 1\n", `plan.yaml:1:10: version: "2"; accepted is 1`},
		{"two documents", "version: 1\n---\nversion: 1\n", "plan.yaml:2:1: a second document; accepted is one"},
		{"a tab", "version: 1\nworkload:\n\tusers: 5\n", "plan.yaml:3:1: not YAML: found character '\t' that cannot start any token"},
		{"not UTF-8", "version: 1\nname: a\xffb\n", "plan.yaml:2:8: byte 0xff is not UTF-8"},
		{"a control character", "version: 1\nname: a\x00b\n", "plan.yaml:2:8: control character U+0000"},
		{"an escaped control character", "version: 1\nname: \"a\\x1b[2J\"\n", "plan.yaml:2:7: name: accepted is a text of 1 to 64 bytes without control characters"},
		{"an anchor", "version: 1\nname: &n x\n", "plan.yaml:2:7: an anchor (&); accepted are plain values"},
		{"an alias", "version: 1\nname: *n\n", "plan.yaml:2:7: an alias (*); accepted are plain values"},
		{"a merge key", "version: 1\n<<: {name: x}\n", "plan.yaml:2:1: a merge key (<<); accepted are plain keys"},
		{"a tag", "version: 1\nname: !!binary aGk=\n", "plan.yaml:2:7: a tag (!); accepted are plain values"},
		{"a directive", "%YAML 1.2\n---\nversion: 1\n", "plan.yaml:1:1: a directive (%); accepted is a plain document"},
		{"a complex key", "? version\n: 1\n", "plan.yaml:1:1: a complex key (?); accepted are plain keys"},
		{
			"unknown keys", "version: 1\ngatway: {min: 2}\nworkload: {user: 5, zzzzzzzz: 1}\n",
			"plan.yaml:2:1: gatway: unknown key; did you mean gateway?\n" +
				"plan.yaml:3:12: workload.user: unknown key; did you mean users?\n" +
				"plan.yaml:3:21: workload.zzzzzzzz: unknown key; accepted are users, notifications_per_user, peak_factor, design_rate, channels, priorities, size, compression, user_skew, burst, spike, regions or expiry",
		},
		{"a key twice", "version: 1\nkafka: {brokers: 3, brokers: 5}\n", "plan.yaml:2:21: kafka.brokers: the key is given twice, first on line 2"},
		{"a section twice", "version: 1\nkafka: {brokers: 5}\nname: x\nkafka: {zones: 3}\n", "plan.yaml:4:1: kafka: the key is given twice, first on line 2"},
		{"no value", "version: 1\nkafka:\n  brokers:\n", "plan.yaml:3:3: kafka.brokers: no value; leave the key out to take the default"},
		{"an empty section", "version: 1\nkafka:\n", "plan.yaml:2:1: kafka: no value; leave the key out to take the default"},
		{"a section that is a word", "version: 1\nkafka: many\n", `plan.yaml:2:8: kafka: found "many"; accepted is a mapping of keys to values`},
		{"a mapping for a number", "version: 1\nkafka: {brokers: {count: 3}}\n", "plan.yaml:2:18: kafka.brokers: found a mapping; accepted is a whole number, like 12 or 100M"},
		{"a list for a number", "version: 1\nkafka: {brokers: [3]}\n", "plan.yaml:2:18: kafka.brokers: found a list; accepted is a whole number, like 12 or 100M"},
		{"a zero count", "version: 1\nkafka: {brokers: 0}\n", "plan.yaml:2:18: kafka.brokers: 0; accepted is above 0"},
		{"a zero rate", "version: 1\nworkload: {design_rate: 0/s}\n", "plan.yaml:2:25: workload.design_rate: 0/s; accepted is above 0/s"},
		{"a negative rate", "version: 1\nworkload: {design_rate: -5/s}\n", "plan.yaml:2:25: workload.design_rate: -5/s is negative; accepted is a rate, like 50K/s or 600K/min"},
		{"half a broker", "version: 1\nkafka: {brokers: 2.5}\n", "plan.yaml:2:18: kafka.brokers: 2.5 is not whole; accepted is a whole number, like 12 or 100M"},
		{"another unit", "version: 1\nworkload: {design_rate: 2GB/s}\n", "plan.yaml:2:25: workload.design_rate: 2GB/s is a bandwidth in bytes a second; accepted is a rate, like 50K/s or 600K/min"},
		{"upside down", "version: 1\ngateway: {memory: 8..4GB}\n", "plan.yaml:2:19: gateway.memory: the range is upside down: its low end 8GB is above its high end 4GB"},
		{"over one", "version: 1\ncassandra: {utilisation: 120%}\n", "plan.yaml:2:26: cassandra.utilisation: 120%; accepted is up to 100%"},
		{"a peak under the average", "version: 1\nworkload: {peak_factor: 0.5}\n", "plan.yaml:2:25: workload.peak_factor: 0.5; accepted is from 1"},
		{"infinity", "version: 1\nworkload: {users: .inf}\n", `plan.yaml:2:19: workload.users: ".inf" is not a number; accepted is a whole number, like 12 or 100M`},
		{"an unknown word", "version: 1\nworkers: {policy: arrival}\n", `plan.yaml:2:19: workers.policy: "arrival"; accepted is arrivals, steps or drain; did you mean arrivals?`},
		{"a provider of another channel", "version: 1\nproviders: {push: {primary: ses}}\n", `plan.yaml:2:29: providers.push.primary: "ses"; accepted is fcm or apns`},
		{"a secret in a URL", "version: 1\nproviders: {urls: {ses: 'https://key:secret@example.com'}}\n", "plan.yaml:2:25: providers.urls.ses: a URL with credentials, a query or a fragment; accepted is scheme, host and path alone"},
		{"no date", "version: 1\nas_of: yesterday\n", `plan.yaml:2:8: as_of: "yesterday" is no date; accepted is year-month-day, like 2026-11-24`},
		{"shares over one", "version: 1\nworkload:\n  channels: {push: 70%, email: 40%}\n", "plan.yaml:3:13: workload.channels: shares add up to 110 %, not 100 %"},
		{"shares under one", "version: 1\nworkload:\n  priorities:\n    high: 20%\n", "plan.yaml:4:5: workload.priorities: shares add up to 20 %, not 100 %"},
		{"shares just under one", "version: 1\nworkload: {channels: {push: 60%, email: 30%, sms: 9.99%}}\n", "plan.yaml:2:22: workload.channels: shares add up to 99.99 %, not 100 %"},
		{"ranges of shares", "version: 1\nworkload: {channels: {push: 50..60%, email: 20..30%}}\n", "plan.yaml:2:22: workload.channels: shares add up to 70..90 %, not 100 %"},
		{"more copies than brokers", "version: 1\nkafka: {brokers: 3, replication: 5}\n", "plan.yaml:2:34: kafka.replication: 5 is more than 3 of kafka.brokers; each copy needs a broker of its own"},
		{"fewer brokers than the default's copies", "version: 1\nkafka: {zones: 1, brokers: 2}\n", "plan.yaml:2:28: kafka.replication: 3 is more than 2 of kafka.brokers; each copy needs a broker of its own"},
		{"more in sync than copies", "version: 1\nkafka: {min_insync: 4}\n", "plan.yaml:2:21: kafka.min_insync: 4 is more than 3 of kafka.replication; there are never more copies in sync than copies"},
		{"the least over the most", "version: 1\ngateway: {min: 300}\n", "plan.yaml:2:16: gateway.min: 300 is more than 200 of gateway.max; the least cannot be above the most"},
		{"its own backup", "version: 1\nproviders: {sms: {backup: twilio}}\n", "plan.yaml:2:27: providers.sms.backup: twilio is the primary too; accepted is another provider"},
		{"an unknown claim", "version: 1\nclaims: {rate.peek: 5/s}\n", "plan.yaml:2:10: claims.rate.peek: neither a figure nor a named statement; did you mean rate.peak?"},
		{"a claim in another unit", "version: 1\nclaims: {rate.peak: 5GB}\n", "plan.yaml:2:21: claims.rate.peak: 5GB is a size in bytes; accepted is a rate, like 50K/s or 600K/min"},
		{"an unknown statement", "version: 1\nclaims: {workers.policies: [steps, drian]}\n", `plan.yaml:2:36: claims.workers.policies: "drian"; accepted is steps, drain or arrivals; did you mean drain?`},
		{"limits that are none", "version: 1\nlimits: [rate.peak, rate.peek <= 3/s, rate.peak < 1..2/s, workers.policies < 3]\n", `plan.yaml:2:10: limits[0]: "rate.peak" has no comparison; accepted is FIGURE, one of < <= >= >, and a value, like cost.infrastructure <= $60K/month` + "\n" +
			`plan.yaml:2:21: limits[1]: "rate.peek" is no figure; did you mean rate.peak?` + "\n" +
			`plan.yaml:2:39: limits[2]: "1..2/s" is a range; accepted is one value` + "\n" +
			`plan.yaml:2:59: limits[3]: "workers.policies" is no figure`},
		{"a growth step", "version: 1\ngrowth: {steps: [{at: soon, capacity: 5K/s}, {at: now}]}\n", `plan.yaml:2:23: growth.steps[0].at: "soon" is no moment; accepted is now, a quarter from as_of like 3rd quarter, or a date like 2027-06-30` + "\n" +
			"plan.yaml:2:46: growth.steps[1]: a step needs at and capacity"},
		{"a range that is started", "version: 1\ndeployment: {partitions: 2..4}\n", `plan.yaml:2:26: deployment.partitions: "2..4" is a range; accepted is one value, since it is started and not planned`},
		{"a deployment out of bounds", "version: 1\ndeployment: {memory: 1KB, shards: 1M}\n", "plan.yaml:2:22: deployment.memory: 1KB; accepted is from 64MB\nplan.yaml:2:35: deployment.shards: 1M; accepted is up to 256"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(tt.text)
			if err == nil {
				t.Fatalf("accepted, want %q", tt.want)
			}
			var invalid *yamldoc.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("%T, want an *InvalidError", err)
			}
			if err.Error() != tt.want {
				t.Errorf("got:\n%v\nwant:\n%s", err, tt.want)
			}
		})
	}
}

func TestLoadIsBounded(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a large file", "version: 1\n#" + strings.Repeat("x", yamldoc.MaxBytes), "larger than 1048576 bytes"},
		{"a long line", "version: 1 #" + strings.Repeat("x", yamldoc.MaxBytes-20) + "\nx: 1\n", "plan.yaml:2:1: x: unknown key"},
		{"a long word", "version: 1\nname: " + strings.Repeat("x", yamldoc.MaxBytes-20), "accepted is a text of 1 to 64 bytes"},
		{"a long key", "version: 1\n" + strings.Repeat("x", yamldoc.MaxBytes-20) + ": 1", "unknown key; accepted are version"},
		{"many values", "version: 1\nclaims:\n" + strings.Repeat("  a: b\n", 25_000), "more than 50000 words and signs"},
		{"deep brackets", "version: 1\nlimits: " + strings.Repeat("[", 5_000), "nested deeper than 32 levels"},
		{"deep braces", "version: 1\nlimits: " + strings.Repeat("{a: ", 3_000), "nested deeper than 32 levels"},
		{"deep dashes", "version: 1\nlimits:\n  " + strings.Repeat("- ", 5_000) + "x\n", "nested deeper than 32 levels"},
		{"deep indents", func() string {
			var b strings.Builder
			for i := range 500 {
				b.WriteString(strings.Repeat(" ", i) + "a:\n")
			}
			return b.String()
		}(), "nested deeper than 32 levels"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 1000 {
				t.Errorf("error %.1000v, want %q in it", err, tt.want)
			}
		})
	}
}

// Nesting up to the limit is the parser's to judge, however it is written.
func TestDepthIsThatOfCollections(t *testing.T) {
	siblings := "version: 1\nlimits:\n" + strings.Repeat("- rate.peak <= 50K/s\n", 100)
	if _, err := load(siblings); err != nil {
		t.Errorf("a hundred siblings: %v", err)
	}
	var deep strings.Builder
	for i := range 20 {
		deep.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	deep.WriteString(strings.Repeat(" ", 20) + "a: 1\nb: " + strings.Repeat("[", 20) + strings.Repeat("]", 20) + "\n")
	if _, err := yamldoc.Parse("x", []byte(deep.String())); err != nil {
		t.Errorf("twenty levels beside twenty others: %v", err)
	}
	_, err := load("version: 1\nlimits: " + strings.Repeat("[", 31) + strings.Repeat("]", 31) + "\n")
	if err == nil || strings.Contains(err.Error(), "nested deeper") {
		t.Errorf("32 levels: %v, want a fault of the list alone", err)
	}
}

func TestAssignments(t *testing.T) {
	p, err := load("version: 1\nname: mine\nclaims: {rate.peak: 1K/s}\n",
		"workload.users=20M", "workload.users=5M", "workload.size=1..3 KB", "workload.channels={push: 90%, sms: 10%}",
		"claims.rate.peak=2K/s", "claims.kafka.disk.per_broker=1.2TB", "claims.workers.policies=[steps]",
		"limits=[rate.peak <= 50K/s]", "growth.steps=[{at: 2027-01-31, capacity: 9K/s}]", "deployment.workers.sms=7",
		"providers.urls.ses=http://127.0.0.1:8090/ses", "as_of=2026-01-31")
	if err != nil {
		t.Fatal(err)
	}
	peak, _ := p.Claims.Find("rate.peak")
	disk, _ := p.Claims.Find("kafka.disk.per_broker")
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"the last of two", p.Workload.Users.Int(), 5_000_000},
		{"a range", p.Workload.Size.Range, units.Range{Low: 1000, High: 3000}},
		{"a mapping", p.Workload.Channels.Email.Float(), 0.0},
		{"a claim replaced", peak.Value.Low, 2000.0},
		{"a claim added", disk.Value.Low, 1.2e12},
		{"claims", len(p.Claims), 3},
		{"a limit", p.Limits[0].String(), "rate.peak <= 50K/s"},
		{"a step", p.Growth.Steps[0].At, planner.Moment("2027-01-31")},
		{"deployment", p.Deployment.Workers.SMS, 7},
		{"a URL", p.Providers.URLs.SES, planner.URL("http://127.0.0.1:8090/ses")},
		{"a date", p.AsOf.String(), "2026-01-31"},
		{"source", p.Source("workload.users").String(), "--set workload.users=5M"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestAssignmentsNameTheirFaults(t *testing.T) {
	for _, tt := range []struct {
		assignment, want string
	}{
		{"workload.users", "--set workload.users: accepted is path=value, like workload.users=50M"},
		{"=5", "--set =5: accepted is path=value, like workload.users=50M"},
		{"workload.users=", "--set workload.users=: workload.users: no value"},
		{"workload.users=~", "--set workload.users=~: workload.users: the document is empty; accepted is one with values"},
		{"workload.users=-5", "--set workload.users=-5: workload.users: -5 is negative; accepted is a whole number, like 12 or 100M"},
		{"workload.user=5", "--set workload.user=5: workload.user: unknown key; did you mean users?"},
		{"workload.users.x=5", `--set workload.users.x=5: workload.users: a single value or a list; it is set as a whole, and has no "x"`},
		{"workload.size=&a 5", "--set workload.size=&a 5: workload.size: an anchor (&); accepted are plain values"},
		{"limits=" + strings.Repeat("[", 40), "--set limits=" + strings.Repeat("[", 40) + ": limits: nested deeper than 32 levels"},
		{"claims.rate.peek=5", "--set claims.rate.peek=5: claims.rate.peek: neither a figure nor a named statement; did you mean rate.peak?"},
		{"workload.channels.push=70%", "--set workload.channels.push=70%: workload.channels: shares add up to 110 %, not 100 %"},
		{"kafka.replication=13", "--set kafka.replication=13: kafka.replication: 13 is more than 12 of kafka.brokers; each copy needs a broker of its own"},
		{"version=2", "--set version=2: version: 2; accepted is 1"},
	} {
		_, err := planner.Load(planner.Document{Assignments: []string{tt.assignment}})
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: got\n%v\nwant\n%s", tt.assignment, err, tt.want)
		}
	}
}

// Ranges break a rule only if no values in them keep it.
func TestRulesOfRanges(t *testing.T) {
	if _, err := load("version: 1\ngateway: {min: 20..300, max: 100..200}\nworkload: {channels: {push: 50..70%, email: 40%}}\n"); err != nil {
		t.Error(err)
	}
	if _, err := load("version: 1\ngateway: {min: 201..300, max: 100..200}\n"); err == nil {
		t.Error("no error of ranges that cannot be in order")
	}
}

// All assignments are applied before the plan is checked.
func TestAssignmentsAreCheckedTogether(t *testing.T) {
	_, err := planner.Load(planner.Document{Assignments: []string{
		"workload.channels.push=50%", "workload.channels.sms=20%", "kafka.replication=13", "kafka.brokers=15",
	}})
	if err != nil {
		t.Error(err)
	}
	_, err = planner.Load(planner.Document{Assignments: []string{"workload.users=x", "kafka.brokers=y"}})
	var invalid *yamldoc.InvalidError
	if !errors.As(err, &invalid) || len(invalid.Faults) != 2 {
		t.Errorf("error %v, want both faults", err)
	}
}

// A plan written as JSON is a plan with the same values.
func TestPlanRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		back, err := planner.Load(planner.Document{Name: "plan.json", Text: text})
		if err != nil {
			t.Fatalf("%s\ndoes not load: %v", text, err)
		}
		again, err := json.Marshal(back)
		if err != nil {
			t.Fatal(err)
		}
		if string(again) != string(text) {
			t.Fatalf("loaded as\n%s\nfrom\n%s", again, text)
		}
		first, err := p.Hash()
		if err != nil {
			t.Fatal(err)
		}
		if second, err := back.Hash(); err != nil || first != second {
			t.Fatalf("hashes %s and %s, error %v", first, second, err)
		}
	})
}

func TestHashTellsPlansApart(t *testing.T) {
	other, err := planner.Load(planner.Document{Assignments: []string{"workload.users=99M"}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := planner.Reference().Hash()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := other.Hash(); err != nil || a == b {
		t.Errorf("the same hash %s for another plan, error %v", b, err)
	}
}

// A book's name says nothing of what is in it.
func TestHashTellsPriceBooksApart(t *testing.T) {
	embedded, err := os.ReadFile("pricing/book/us-east-1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	hash := func(book string) string {
		t.Helper()
		p, err := planner.Load(planner.Document{
			Text:     []byte("version: 1\nname: x\nas_of: 2026-11-24\nprices: {book: ours.yaml}\n"),
			ReadFile: func(string) ([]byte, error) { return []byte(book), nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		h, err := p.Hash()
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	ours := string(embedded)
	if a, b := hash(ours), hash(ours+"# read again\n"); a != b {
		t.Errorf("a comment makes of the hash %s %s", a, b)
	}
	dearer := strings.Replace(ours, "value: 0.145", "value: 0.146", 1)
	if a, b := hash(ours), hash(dearer); a == b {
		t.Errorf("the same hash %s with a dearer machine", a)
	}
}

// No text makes the decoder panic or hang, and what it accepts has figures that
// are numbers.
func FuzzLoad(f *testing.F) {
	f.Add(string(planner.ReferenceYAML()), "workload.users=5M")
	f.Add("version: 1\nworkload: {users: 1..2M, channels: {push: 100%}}\n", "claims.rate.peak=5/s")
	f.Add("version: 1\nlimits:\n- rate.peak <= 5K/s\n", "growth.steps=[{at: now, capacity: 1/s}]")
	f.Add("a: [b, {c: d}]\n- e", "limits=[[[")
	f.Add("version: 1\nname: |\n  x\n  y\n", "name='a: b'")
	f.Fuzz(func(t *testing.T, text, assignment string) {
		p, err := load(text, assignment)
		if err != nil {
			var invalid *yamldoc.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		e, err := planner.NewEstimate(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range e.Figures {
			if !(d.Range.Low >= 0 && d.Range.Low <= d.Range.High && d.Range.High <= 1e300) {
				t.Errorf("%s is %v", d.ID, d.Range)
			}
		}
	})
}
