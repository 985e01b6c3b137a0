package planner

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// keyOf gives the key that a field of the plan is written under, "" for none.
func keyOf(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

// fieldByKey finds the field of a struct that a key stands for.
func fieldByKey(t reflect.Type, key string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if field := t.Field(i); key != "" && keyOf(field) == key {
			return field, true
		}
	}
	return reflect.StructField{}, false
}

// keysOf lists the keys of a struct.
func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if key := keyOf(t.Field(i)); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// unitOf says what a field measures: by its type, or by its tag where the type
// is one of Go's own.
func unitOf(field reflect.StructField) (units.Unit, bool) {
	if q, ok := reflect.Zero(field.Type).Interface().(interface{ Unit() units.Unit }); ok {
		return q.Unit(), true
	}
	switch field.Tag.Get("unit") {
	case "bytes":
		return units.ByteSize, true
	case "rate":
		return units.PerSecond, true
	}
	switch {
	case field.Type == reflect.TypeFor[time.Duration]():
		return units.Seconds, true
	case field.Type.Kind() == reflect.Int:
		return units.Whole, true
	}
	return 0, false
}

// isSection reports whether a field holds keys of its own.
func isSection(field reflect.StructField) bool {
	_, quantity := unitOf(field)
	return field.Type.Kind() == reflect.Struct && !quantity && field.Type != reflect.TypeFor[Date]()
}

// wordsOf lists the words that a text field accepts, nil for any.
func wordsOf(field reflect.StructField) []string {
	if words := field.Tag.Get("oneof"); words != "" {
		return strings.Fields(words)
	}
	if channel := field.Tag.Get("provider"); channel != "" {
		return providersOf(channel)
	}
	return nil
}

// bounds are the values that a key accepts, in the base of its unit.
type bounds struct {
	min   float64
	above bool // min itself is not accepted
	max   float64
}

// boundsOf reads a field's bounds from its tags: above zero, and a fraction at
// most one, unless they say otherwise.
func boundsOf(field reflect.StructField, unit units.Unit) bounds {
	b := bounds{above: true, max: units.Max}
	if unit == units.Ratio {
		b.max = 1
	}
	if tag, ok := field.Tag.Lookup("min"); ok {
		b.min, b.above = mustFloat(tag), false
	}
	if tag, ok := field.Tag.Lookup("max"); ok {
		b.max = mustFloat(tag)
	}
	return b
}

// mustFloat reads a number of a tag of ours.
func mustFloat(tag string) float64 {
	v, err := strconv.ParseFloat(tag, 64)
	if err != nil {
		panic("BUG: planner: a tag's bound is no number: " + tag)
	}
	return v
}

// check refuses a range that does not lie within the bounds.
func (b bounds) check(unit units.Unit, r units.Range) error {
	show := func(v float64) string { return units.Format(unit, units.Exactly(v)) }
	switch {
	case b.above && r.Low <= b.min:
		return fmt.Errorf("%s; accepted is above %s", show(r.Low), show(b.min))
	case r.Low < b.min:
		return fmt.Errorf("%s; accepted is from %s", show(r.Low), show(b.min))
	case r.High > b.max:
		return fmt.Errorf("%s; accepted is up to %s", show(r.High), show(b.max))
	}
	return nil
}

// A leaf is a number of the plan that figures may be computed from.
type leaf struct {
	path   string
	unit   units.Unit
	value  units.Range
	limits bounds
}

// leaves lists the numbers of the plan, in its order, and then the claims that
// figures are computed from. Lists are left out, since their entries have no
// lasting name, but for the capacity of the first growth step: zero where there
// is none.
func (p *Plan) leaves() []leaf {
	leaves := appendLeaves(nil, "", reflect.ValueOf(p).Elem())
	first := leaf{path: firstStep, unit: units.PerSecond, limits: bounds{max: units.Max}}
	if steps := p.Growth.Steps; len(steps) > 0 {
		first.value = steps[0].Capacity.Range
	}
	return append(append(leaves, first), p.Claims.leaves()...)
}

// appendLeaves adds the numbers of a section.
func appendLeaves(leaves []leaf, path string, section reflect.Value) []leaf {
	for i := range section.NumField() {
		field := section.Type().Field(i)
		key := keyOf(field)
		if key == "" {
			continue
		}
		value := section.Field(i)
		if unit, ok := unitOf(field); ok {
			leaves = append(leaves, leaf{yamldoc.Join(path, key), unit, rangeOf(value), boundsOf(field, unit)})
			continue
		}
		if isSection(field) {
			leaves = appendLeaves(leaves, yamldoc.Join(path, key), value)
		}
	}
	return leaves
}

// rangeOf reads a number of the plan in the base of its unit.
func rangeOf(value reflect.Value) units.Range {
	switch v := value.Interface().(type) {
	case int:
		return units.Exactly(float64(v))
	case int64:
		return units.Exactly(float64(v))
	case float64:
		return units.Exactly(v)
	case time.Duration:
		return units.Exactly(v.Seconds())
	}
	r, ok := value.FieldByName("Range").Interface().(units.Range)
	if !ok || math.IsNaN(r.Low) || math.IsNaN(r.High) {
		panic("BUG: planner: no number in " + value.Type().String())
	}
	return r
}
