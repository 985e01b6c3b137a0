package scenarios

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/units"
)

// FileSchema gives the JSON Schema of scenario files, indented. It knows the keys,
// the kinds and forms of values and the words; what relates one part of a file
// to another is for [Parse] to judge.
func FileSchema() ([]byte, error) {
	schema := object("A load, what goes wrong meanwhile, and what must hold.",
		required("version", &jsonschema.Schema{Const: version, Description: "The version of this form."}),
		required("name", nameSchema("What the scenario is called; results are kept in a directory of that name.")),
		optional("about", textSchema("What it is, in one line.")),
		required("stages", listOf(maxStages, stageSchema(), "The parts of the load, one after the other.")),
		optional("mix", mixSchema()),
		optional("profiles", object("How much of it to run, by profile; full is all of it.",
			optional(Smoke, scaleSchema("For half a minute.")), optional(CI, scaleSchema("For a few minutes.")))),
		optional("drain", quantityOf(units.Seconds, "How long the system may take to end what is in flight after the last stage; a minute, unless it says otherwise.")),
		optional("plan", planSchema()),
		optional("faults", listOf(maxFaults, faultSchema(), "What goes wrong on purpose, and when.")),
		optional("variants", listOf(maxVariants, variantSchema(), "The ways in which an experiment runs the stages, each on a system of its own.")),
		required("checks", listOf(maxChecks, checkSchema(), "What must hold.")),
	)
	schema.Version, schema.Title = jsonschema.Version, "notifyctl scenario"
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the schema of scenarios: %w", err)
	}
	return append(text, '\n'), nil
}

// property is a key of an object.
type property struct {
	name     string
	required bool
	schema   *jsonschema.Schema
}

func required(name string, s *jsonschema.Schema) property { return property{name, true, s} }
func optional(name string, s *jsonschema.Schema) property { return property{name, false, s} }

// object describes a mapping with these keys and no other.
func object(description string, properties ...property) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Type: "object", Description: description,
		Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema,
	}
	for _, p := range properties {
		s.Properties.Set(p.name, p.schema)
		if p.required {
			s.Required = append(s.Required, p.name)
		}
	}
	return s
}

func listOf(most uint64, items *jsonschema.Schema, description string) *jsonschema.Schema {
	least := uint64(1)
	return &jsonschema.Schema{Type: "array", Description: description, MinItems: &least, MaxItems: &most, Items: items}
}

// textSchema describes a text; YAML may take it for a number.
func textSchema(description string) *jsonschema.Schema {
	least, most := uint64(1), uint64(maxText)
	return &jsonschema.Schema{Description: description, AnyOf: []*jsonschema.Schema{
		{Type: "string", MinLength: &least, MaxLength: &most}, {Type: "number"}, {Type: "boolean"},
	}}
}

func nameSchema(description string) *jsonschema.Schema {
	s := textSchema(description)
	s.AnyOf[0].Pattern = namePattern
	return s
}

func wordSchema[T ~string](description string, words []T) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string", Description: description}
	for _, w := range words {
		s.Enum = append(s.Enum, string(w))
	}
	return s
}

// quantityOf describes a number of 0 or more, or a text with a unit.
func quantityOf(unit units.Unit, description string) *jsonschema.Schema {
	number := &jsonschema.Schema{Type: "number", Minimum: "0"}
	if unit == units.Whole {
		number.Type = "integer"
	}
	return &jsonschema.Schema{
		Description: description + " Accepted is " + unit.Describe() + ".",
		AnyOf:       []*jsonschema.Schema{number, {Type: "string", Pattern: units.Pattern(unit, false)}},
	}
}

func stageSchema() *jsonschema.Schema {
	s := object("A stage holds one rate, or goes from one to another in a straight line.",
		required("name", textSchema("What faults and checks call it by.")),
		optional("rate", quantityOf(units.PerSecond, "Notifications a second, at full scale.")),
		optional("from", quantityOf(units.PerSecond, "The rate at its start.")),
		optional("to", quantityOf(units.PerSecond, "The rate at its end.")),
		required("for", quantityOf(units.Seconds, "How long it takes, at full scale.")),
	)
	s.OneOf = []*jsonschema.Schema{
		{Required: []string{"rate"}, Not: &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Required: []string{"from"}}, {Required: []string{"to"}}}}},
		{Required: []string{"from", "to"}, Not: &jsonschema.Schema{Required: []string{"rate"}}},
	}
	return s
}

func mixSchema() *jsonschema.Schema {
	return object("What the notifications are made up of; what is left out is the plan's.",
		optional("channels", sharesOf(pipeline.Channels(), "Shares of the channels.")),
		optional("priorities", sharesOf(pipeline.Priorities(), "Shares of the priorities.")),
		optional("categories", sharesOf([]pipeline.Category{pipeline.Transactional, pipeline.Promotional}, "Shares of the categories.")),
		optional("user_skew", quantityOf(units.Scalar, "How unequal users are: the exponent of a Zipf distribution.")))
}

// sharesOf describes shares, which add up to 100 %.
func sharesOf[T fmt.Stringer](names []T, description string) *jsonschema.Schema {
	var properties []property
	for _, name := range names {
		properties = append(properties, optional(name.String(), quantityOf(units.Ratio, "Its share.")))
	}
	return object(description+" They add up to 100 %.", properties...)
}

func scaleSchema(description string) *jsonschema.Schema {
	factor := func(what string) *jsonschema.Schema {
		return quantityOf(units.Scalar, "A factor on "+what+", above 0 and up to 1.")
	}
	return object(description, required("rate", factor("the rates")), required("time", factor("the lengths of the stages")))
}

func planSchema() *jsonschema.Schema {
	return &jsonschema.Schema{
		Type: "object", Properties: jsonschema.NewProperties(),
		Description:          "Values of the plan that are different for the scenario, by path, as --set takes them. deployment.workers and deployment.gateway_rate are for the full rate, and are scaled with it.",
		AdditionalProperties: &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}}},
	}
}

func faultSchema() *jsonschema.Schema {
	s := object("It lasts as long as its stage, or for a part of it.",
		required("during", textSchema("The stage.")),
		optional("at", quantityOf(units.Seconds, "When it begins, since the stage's start at full scale.")),
		optional("for", quantityOf(units.Seconds, "How long it lasts, at full scale; else to the stage's end.")),
		optional("provider", wordSchema("The provider that fails.", providerNames())),
		optional("region", textSchema("The region that is lost, as in region-1, or a gateway of one, as in region-1/gateway-2.")),
		required("fault", wordSchema("What happens; lost is of regions alone.", append(mockproviders.FaultKinds(), lostFault))),
		optional("status", quantityOf(units.Whole, "The HTTP status of fault status, and of the entries that partial_batch refuses.")),
		optional("code", textSchema("The provider's own word for it.")),
		optional("retry_after", quantityOf(units.Seconds, "What an answer of 429 or 503 asks to wait.")),
		optional("delay", quantityOf(units.Seconds, "How much longer fault slow takes, and how long drip takes to answer.")),
		optional("rate", quantityOf(units.Ratio, "The probability that it shows; 1 if it is left out.")),
		optional("share", quantityOf(units.Ratio, "What part of a call partial_batch refuses.")),
		optional("to", textSchema("The recipients that it is limited to; a * at an end stands for anything.")),
		optional("template", textSchema("The template that it is limited to; a * at an end stands for anything.")),
		optional("attempts", quantityOf(units.Whole, "The first attempts of each notification that it is limited to.")),
		optional("scope", wordSchema("Whether it judges calls or each notification.", []string{"call", "entry"})),
	)
	s.OneOf = []*jsonschema.Schema{{Required: []string{"provider"}}, {Required: []string{"region"}}}
	return s
}

func variantSchema() *jsonschema.Schema {
	return object("",
		required("name", nameSchema("What checks call it by.")),
		optional("plan", planSchema()),
		optional("rate", quantityOf(units.Ratio, "The share of the stages' rates that it is run at; all of them, if it is left out.")),
	)
}

func checkSchema() *jsonschema.Schema {
	expect := &jsonschema.Schema{Type: "string", Pattern: expectPattern(), Description: "A metric, a comparison and a limit with its unit, as in latency.p99 < 500ms."}
	return object("",
		required("name", textSchema("What reports call it.")),
		required("expect", expect),
		optional("during", textSchema("The stage that it is about, or drain; else the whole run.")),
		optional("over", quantityOf(units.Seconds, "Every window of that length, at full scale, must hold.")),
		optional("from", wordSchema("The smallest profile that is long enough to tell.", Profiles())),
		optional("ratio", object("The variants that are compared: the metric of one over that of the other.",
			required("of", nameSchema("The variant above the line.")), required("to", nameSchema("The variant below it.")))),
	)
}

// expectPattern is what expectations look like.
func expectPattern() string {
	all := metrics()
	names := make([]string, len(all))
	for i, m := range all {
		names[i] = regexp.QuoteMeta(m.name)
	}
	return `^ *(` + strings.Join(names, "|") + `) *(` + strings.Join(ops(), "|") + `) *[^ ].*$`
}
