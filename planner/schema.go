package planner

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/invopop/jsonschema"

	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// Schema gives the JSON Schema of plan files, indented. Types, bounds and words
// come from [Plan], the descriptions from the reference plan's comments.
func Schema() ([]byte, error) {
	reflector := jsonschema.Reflector{
		Anonymous: true, DoNotReference: true, ExpandedStruct: true,
		RequiredFromJSONSchemaTags: true, // no key but version is required
	}
	schema := reflector.Reflect(&Plan{})
	schema.Title = "notifyctl plan"
	schema.Required = []string{"version"}
	comments, err := referenceComments()
	if err != nil {
		return nil, err
	}
	describe(schema, "", reflect.TypeFor[Plan](), comments)
	schema.Properties.Set("version", &jsonschema.Schema{Const: PlanVersion, Description: comments["version"]})
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the schema of plans: %w", err)
	}
	return append(text, '\n'), nil
}

// describe puts into the schema of a section what the reflector cannot know:
// units, words and comments.
func describe(schema *jsonschema.Schema, path string, section reflect.Type, comments map[string]string) {
	for i := range section.NumField() {
		field := section.Field(i)
		key := keyOf(field)
		if key == "" {
			continue
		}
		property, ok := schema.Properties.Get(key)
		if !ok {
			panic("BUG: planner: the schema lacks " + yamldoc.Join(path, key))
		}
		if own := schemaOf(field); own != nil {
			property = own
			schema.Properties.Set(key, own)
		} else if isSection(field) {
			describe(property, yamldoc.Join(path, key), field.Type, comments)
		}
		property.Description = strings.TrimSpace(comments[yamldoc.Join(path, key)] + " " + property.Description)
	}
}

// schemaOf gives the schema of a field that holds one value or a list, nil for
// a section.
func schemaOf(field reflect.StructField) *jsonschema.Schema {
	if unit, ok := unitOf(field); ok {
		return quantitySchema(unit, boundsOf(field, unit), field.Type.Kind() == reflect.Struct)
	}
	if words := wordsOf(field); words != nil {
		s := &jsonschema.Schema{Type: "string"}
		for _, w := range words {
			s.Enum = append(s.Enum, w)
		}
		return s
	}
	switch reflect.Zero(field.Type).Interface().(type) {
	case Date:
		return &jsonschema.Schema{Type: "string", Format: "date"}
	case Claims:
		return claimsSchema()
	case Overrides:
		return overridesSchema()
	case []Limit:
		return &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: "string", Pattern: `^[a-z0-9_.]+ *(<|<=|>=|>) *[^ ].*$`}}
	case []Step:
		return stepsSchema()
	}
	return nil
}

// quantitySchema describes a number or a text with a unit, or a range of them.
func quantitySchema(unit units.Unit, b bounds, ranges bool) *jsonschema.Schema {
	number := &jsonschema.Schema{Type: "number"}
	if unit == units.Whole {
		number.Type = "integer"
	}
	least := json.Number(fmt.Sprint(b.min))
	if b.above {
		number.ExclusiveMinimum = least
	} else {
		number.Minimum = least
	}
	if b.max < units.Max {
		number.Maximum = json.Number(fmt.Sprint(b.max))
	}
	accepted := "Accepted is " + unit.Describe()
	if ranges {
		accepted += ", or a range low..high"
	}
	return &jsonschema.Schema{
		Description: accepted + ".",
		AnyOf:       []*jsonschema.Schema{number, {Type: "string", Pattern: units.Pattern(unit, ranges)}},
	}
}

// claimsSchema lists everything that may be claimed.
func claimsSchema() *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema}
	for _, about := range subjects() {
		if about.names == nil {
			s.Properties.Set(about.id, quantitySchema(about.unit, bounds{max: units.Max}, true))
			continue
		}
		word := &jsonschema.Schema{Type: "string"}
		for _, name := range about.names {
			word.Enum = append(word.Enum, name)
		}
		s.Properties.Set(about.id, &jsonschema.Schema{AnyOf: []*jsonschema.Schema{word, {Type: "array", Items: word}}})
	}
	return s
}

// overridesSchema describes the prices that a plan gives itself.
func overridesSchema() *jsonschema.Schema {
	price := quantitySchema(units.Dollars, bounds{max: units.Max}, true)
	discount := quantitySchema(units.Ratio, bounds{max: 1}, true)
	price.AnyOf = append(price.AnyOf, discount.AnyOf[1])
	price.Description = "Accepted is " + units.Dollars.Describe() + ", for one of the price's unit; of a discount the share taken off, like 28%; or a range low..high."
	return &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: price}
}

// stepsSchema describes the steps of a growth plan.
func stepsSchema() *jsonschema.Schema {
	step := &jsonschema.Schema{
		Type: "object", Properties: jsonschema.NewProperties(),
		AdditionalProperties: jsonschema.FalseSchema, Required: []string{"at", "capacity"},
	}
	t := reflect.TypeFor[Step]()
	for i := range t.NumField() {
		property := schemaOf(t.Field(i))
		if property == nil {
			property = &jsonschema.Schema{Type: "string", Description: "When: now, a quarter from as_of like 3rd quarter, or a date."}
		}
		step.Properties.Set(keyOf(t.Field(i)), property)
	}
	return &jsonschema.Schema{Type: "array", Items: step}
}

// referenceComments gives the comment above each key of the reference plan, by
// path, on one line each.
func referenceComments() (map[string]string, error) {
	file, err := parser.ParseBytes(reference, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("reading the comments of the reference plan: %w", err)
	}
	comments := make(map[string]string)
	for _, doc := range file.Docs {
		collectComments("", doc.Body, comments)
	}
	return comments, nil
}

// collectComments adds the comments of a mapping and of those below it.
func collectComments(path string, node ast.Node, comments map[string]string) {
	mapping, ok := node.(ast.MapNode)
	if !ok {
		return
	}
	for entries := mapping.MapRange(); entries.Next(); {
		at := yamldoc.Join(path, entries.Key().GetToken().Value)
		if group := entries.KeyValue().GetComment(); group != nil {
			comments[at] = commentText(group)
		}
		collectComments(at, entries.Value(), comments)
	}
}

// commentText joins the lines that stand right above a key: what an empty line
// sets apart is about more than the key.
func commentText(group *ast.CommentGroupNode) string {
	var lines []string
	last := 0
	for _, comment := range group.Comments {
		t := comment.GetToken()
		if t.Position.Line > last+1 {
			lines = nil
		}
		last = t.Position.Line
		lines = append(lines, strings.TrimSpace(t.Value))
	}
	return strings.Join(lines, " ")
}
