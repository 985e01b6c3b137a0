package planner

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// validate checks a value against the part of JSON Schema that plans' schema
// uses, and gives the paths at fault. A keyword it does not know is a fault.
func validate(schema map[string]any, value any, path string) []string {
	var faults []string
	fail := func(ok bool) {
		if !ok {
			faults = append(faults, path)
		}
	}
	for keyword, rule := range schema {
		switch keyword {
		case "$schema", "title", "description", "format":
		case "type":
			fail(isType(rule.(string), value))
		case "const":
			fail(reflect.DeepEqual(rule, value))
		case "enum":
			fail(slices.Contains(rule.([]any), value))
		case "pattern":
			text, ok := value.(string)
			fail(!ok || regexp.MustCompile(rule.(string)).MatchString(text))
		case "minimum", "maximum", "exclusiveMinimum":
			fail(inBound(keyword, rule.(float64), value))
		case "anyOf":
			fail(slices.ContainsFunc(rule.([]any), func(s any) bool {
				return len(validate(s.(map[string]any), value, path)) == 0
			}))
		case "items":
			for i, item := range list(value) {
				faults = append(faults, validate(rule.(map[string]any), item, fmt.Sprintf("%s[%d]", path, i))...)
			}
		case "required":
			for _, key := range rule.([]any) {
				_, ok := object(value)[key.(string)]
				fail(ok)
			}
		case "properties":
			for key, below := range object(value) {
				if s, ok := rule.(map[string]any)[key]; ok {
					faults = append(faults, validate(s.(map[string]any), below, yamldoc.Join(path, key))...)
				}
			}
		case "additionalProperties":
			for key := range object(value) {
				_, ok := schema["properties"].(map[string]any)[key]
				fail(ok || rule != false)
			}
		default:
			faults = append(faults, path+": unknown keyword "+keyword)
		}
	}
	return faults
}

func isType(name string, value any) bool {
	switch v := value.(type) {
	case float64:
		return name == "number" || name == "integer" && v == float64(int64(v))
	case string:
		return name == "string"
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	}
	return false
}

func inBound(keyword string, bound float64, value any) bool {
	v, ok := value.(float64)
	switch {
	case !ok:
		return true
	case keyword == "minimum":
		return v >= bound
	case keyword == "maximum":
		return v <= bound
	}
	return v > bound
}

func list(value any) []any {
	items, _ := value.([]any)
	return items
}

func object(value any) map[string]any {
	keys, _ := value.(map[string]any)
	return keys
}

// schema gives the schema, decoded.
func schema(t *testing.T) map[string]any {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var s map[string]any
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchemaAcceptsTheReference(t *testing.T) {
	text, err := json.Marshal(Reference())
	if err != nil {
		t.Fatal(err)
	}
	var plan any
	if err := json.Unmarshal(text, &plan); err != nil {
		t.Fatal(err)
	}
	if faults := validate(schema(t), plan, ""); faults != nil {
		t.Errorf("faults at %v", faults)
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := schema(t)
	for _, tt := range []struct{ plan, want string }{
		{`{"version": 1}`, ""},
		{`{"version": 1, "workload": {"users": "5M..6M", "design_rate": "600K/min"}}`, ""},
		{`{}`, "version"},
		{`{"version": 2}`, "version"},
		{`{"version": 1, "gatway": {}}`, "unknown section"},
		{`{"version": 1, "kafka": {"broker": 3}}`, "unknown key"},
		{`{"version": 1, "kafka": {"brokers": 0}}`, "zero"},
		{`{"version": 1, "kafka": {"brokers": 2.5}}`, "half"},
		{`{"version": 1, "kafka": {"brokers": "many"}}`, "a word"},
		{`{"version": 1, "workload": {"design_rate": "2GB/s"}}`, "unit"},
		{`{"version": 1, "cassandra": {"utilisation": 1.2}}`, "over one"},
		{`{"version": 1, "workers": {"policy": "arrival"}}`, "enum"},
		{`{"version": 1, "providers": {"push": {"primary": "ses"}}}`, "provider"},
		{`{"version": 1, "claims": {"rate.peek": 3}}`, "claim"},
		{`{"version": 1, "claims": {"workers.policies": ["drian"]}}`, "statement"},
		{`{"version": 1, "growth": {"steps": [{"at": "now"}]}}`, "step"},
		{`{"version": 1, "limits": ["rate.peak"]}`, "limit"},
		{`{"version": 1, "deployment": {"partitions": "2..4"}}`, "range"},
	} {
		var plan any
		if err := json.Unmarshal([]byte(tt.plan), &plan); err != nil {
			t.Fatal(err)
		}
		if faults := validate(s, plan, ""); (faults != nil) != (tt.want != "") {
			t.Errorf("%s: faults at %v, want one of the %s", tt.plan, faults, tt.want)
		}
	}
}

// The schema teaches what the reference plan's comments do: every key has one.
func TestEveryKeyHasAComment(t *testing.T) {
	comments, err := referenceComments()
	if err != nil {
		t.Fatal(err)
	}
	var keys func(path string, t reflect.Type) []string
	keys = func(path string, section reflect.Type) []string {
		var all []string
		for i := range section.NumField() {
			field := section.Field(i)
			if key := keyOf(field); key != "" {
				all = append(all, yamldoc.Join(path, key))
				if isSection(field) {
					all = append(all, keys(yamldoc.Join(path, key), field.Type)...)
				}
			}
		}
		return all
	}
	for _, key := range keys("", reflect.TypeFor[Plan]()) {
		if comment := comments[key]; comment == "" || strings.HasPrefix(comment, "The reference plan:") {
			t.Errorf("%s has the comment %q", key, comment)
		}
	}
	for _, claim := range Reference().Claims {
		if comments["claims."+claim.ID] == "" {
			t.Errorf("the claim %s has no comment", claim.ID)
		}
	}
}

// Every key stands in the reference plan itself, so that init writes them all.
func TestTheReferenceHasEveryKey(t *testing.T) {
	p := Reference()
	for _, l := range p.leaves() {
		if p.Source(l.path).Line == 0 {
			t.Errorf("%s is not in the reference plan", l.path)
		}
	}
}
