package scenarios

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/pb33f/jsonschema/v6"
)

// fileSchema gives the schema, compiled.
func fileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := FileSchema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("scenario.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// obeys says whether a file obeys the schema.
func obeys(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}

// What the program brings, and what its parser takes, obeys the schema.
func TestSchemaAcceptsWhatTheParserDoes(t *testing.T) {
	schema := fileSchema(t)
	texts := []string{small, eventful, experiment}
	for _, name := range Names() {
		text, err := files.ReadFile(name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	for _, text := range texts {
		parse(t, text)
		if err := obeys(t, schema, text); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}

// Of what the parser refuses, the schema refuses what it can know.
func TestSchemaRefusesWhatTheParserDoes(t *testing.T) {
	schema := fileSchema(t)
	for _, change := range []struct{ from, into string }{
		{"version: 1", "version: 2"},
		{"name: eventful", "title: eventful"},
		{"name: eventful", "name: ../eventful"},
		{"rate: 1K/s, for: 1m}", "rate: fast, for: 1m}"},
		{"rate: 1K/s, for: 1m}", "rate: 1..2K/s, for: 1m}"},
		{"rate: 1K/s, for: 1m}", "for: 1m}"},
		{"rate: 1K/s, for: 1m}", "rate: 1K/s, to: 2K/s, for: 1m}"},
		{"rate: 1K/s, for: 1m}", "rate: 1K/s, for: 1m, at: 2m}"},
		{"provider: fcm", "provider: gcm"},
		{"provider: fcm, ", ""},
		{"provider: fcm, ", "provider: fcm, region: region-1, "},
		{"fault: outage", "fault: fire"},
		{", fault: outage", ""},
		{"latency.p99 <", "latency.p999 <"},
		{"over: 10s", "over: often"},
	} {
		text := strings.Replace(eventful, change.from, change.into, 1)
		if text == eventful {
			t.Errorf("%q is not in the scenario", change.from)
		}
		if err := obeys(t, schema, text); err == nil {
			t.Errorf("%q is accepted in place of %q", change.into, change.from)
		}
		if _, err := Parse("x.yaml", []byte(text)); err == nil {
			t.Errorf("%q is parsed in place of %q", change.into, change.from)
		}
	}
}

// The parser knows the keys of the schema and no other: it lists those it
// accepts when it meets one that it does not know.
func TestSchemaHasTheKeysOfTheParser(t *testing.T) {
	schema := fileSchema(t)
	item := func(name string) *jsonschema.Schema { return schema.Properties[name].Items2020 }
	for _, test := range []struct {
		where  string
		schema *jsonschema.Schema
		text   string
	}{
		{"the top", schema, "zzzzzzzzzzzz: 1"},
		{"stages", item("stages"), "stages: [{zzzzzzzzzzzz: 1}]"},
		{"mix", schema.Properties["mix"], "mix: {zzzzzzzzzzzz: 1}"},
		{"profiles", schema.Properties["profiles"], "profiles: {zzzzzzzzzzzz: 1}"},
		{"a profile", schema.Properties["profiles"].Properties[CI], "profiles: {ci: {zzzzzzzzzzzz: 1}}"},
		{"faults", item("faults"), "faults: [{zzzzzzzzzzzz: 1}]"},
		{"variants", item("variants"), "variants: [{zzzzzzzzzzzz: 1}]"},
		{"checks", item("checks"), "checks: [{zzzzzzzzzzzz: 1}]"},
		{"a ratio", item("checks").Properties["ratio"], "checks: [{ratio: {zzzzzzzzzzzz: 1}}]"},
	} {
		var known []string
		for key := range test.schema.Properties {
			known = append(known, key)
		}
		slices.Sort(known)
		_, err := Parse("x.yaml", []byte(test.text))
		_, list, _ := strings.Cut(err.Error(), "zzzzzzzzzzzz: unknown key; accepted are ")
		list, _, _ = strings.Cut(list, "\n")
		accepted := slices.DeleteFunc(strings.Split(list, ", "), func(key string) bool { return test.where == "stages" && key == "at" })
		slices.Sort(accepted)
		if !slices.Equal(accepted, known) {
			t.Errorf("%s: the parser accepts %q, the schema %q", test.where, accepted, known)
		}
	}
}
