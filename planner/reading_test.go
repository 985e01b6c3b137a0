package planner_test

import (
	"fmt"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner"
)

// Whatever a plan says, every number that an estimate gives is one, and none is
// below zero.
func TestReadingsAreNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, err := planner.NewEstimate(drawPlan(t))
		if err != nil {
			t.Fatal(err)
		}
		for name, reading := range map[string]any{
			"ceilings": e.Ceilings, "growth": e.Growth, "steps": e.Steps, "outages": e.Outages, "costs": e.Costs,
			"findings": e.Findings,
		} {
			if at, v := strangeNumber(name, reflect.ValueOf(reading)); at != "" {
				t.Fatalf("%s is %v", at, v)
			}
		}
	})
}

// strangeNumber looks for a number that is none, or below zero, and says where
// it stands.
func strangeNumber(path string, v reflect.Value) (at string, number float64) {
	switch v.Kind() {
	case reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) || f < 0 {
			return path, f
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return strangeNumber(path, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			if at, number := strangeNumber(fmt.Sprintf("%s[%d]", path, i), v.Index(i)); at != "" {
				return at, number
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if at, number := strangeNumber(path+"."+v.Type().Field(i).Name, v.Field(i)); at != "" {
				return at, number
			}
		}
	}
	return "", 0
}
