package planner_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/planner"
)

// Each plan in testdata/plans stands beside what follows from it, worked out
// from the formulas without the program: an id, the value, and the arithmetic,
//
//	kafka.disk.per_broker = 3.5e12 = 2e12 * 7 * 3 / 12
//	gateway.instances low = 75 = ceil(ceil(50_000 / 1000) * 3 / 2)
//	gateway.instances high = 150 = ceil(ceil(50_000 / 500) * 3 / 2)
//
// where ~ in place of = allows for the thousandth that sums over classes of
// users are off.
func TestFiguresWorkedOutByHand(t *testing.T) {
	plans, err := filepath.Glob("testdata/plans/*.yaml")
	if err != nil || len(plans) == 0 {
		t.Fatal("no plans in testdata/plans")
	}
	for _, file := range plans {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			e := estimateOf(t, file)
			want, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".want")
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(want)) {
				if line, _, _ = strings.Cut(line, "#"); strings.TrimSpace(line) != "" {
					checkVector(t, e, line)
				}
			}
		})
	}
}

// estimateOf estimates a plan that is given as a file.
func estimateOf(t *testing.T, file string) *planner.Estimate {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := planner.Load(planner.Document{Name: file, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	e, err := planner.NewEstimate(p)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// checkVector compares one line with the figure that it is about, and its
// arithmetic with the value that it gives.
func checkVector(t *testing.T, e *planner.Estimate, line string) {
	t.Helper()
	separator, tolerance := "=", 1e-9
	if strings.Contains(line, "~") {
		separator, tolerance = "~", 1e-3
	}
	parts := strings.Split(line, separator)
	if len(parts) < 2 {
		t.Fatalf("%q has no value", line)
	}
	id, end, _ := strings.Cut(strings.TrimSpace(parts[0]), " ")
	if end != "" && end != "low" && end != "high" {
		t.Fatalf("%q is no end of a range", end)
	}
	d, ok := e.Figure(id)
	if !ok {
		t.Fatalf("there is no figure %s", id)
	}
	values := make([]float64, 0, 2)
	for _, expression := range parts[1:] {
		v, err := arithmetic(expression)
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		values = append(values, v)
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= tolerance*math.Abs(b) }
	want := values[0]
	if worked := values[len(values)-1]; !near(worked, want) {
		t.Errorf("%s: the arithmetic comes to %v, not %v", id, worked, want)
	}
	if low := d.Range.Low; end != "high" && !near(low, want) {
		t.Errorf("the low end of %s is %v, want%s", id, low, strings.Join(parts[1:], separator))
	}
	if high := d.Range.High; end != "low" && !near(high, want) {
		t.Errorf("the high end of %s is %v, want%s", id, high, strings.Join(parts[1:], separator))
	}
}

// arithmetic computes an expression exactly: numbers, GiB, + - * /,
// parentheses, and ceil, floor, min and max.
func arithmetic(expression string) (float64, error) {
	parsed, err := parser.ParseExpr(strings.TrimSpace(expression))
	if err != nil {
		return 0, err
	}
	v, err := rational(parsed)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", expression, err)
	}
	f, _ := v.Float64()
	return f, nil
}

// rational computes one node of an expression.
func rational(e ast.Expr) (*big.Rat, error) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if v, ok := new(big.Rat).SetString(strings.ReplaceAll(e.Value, "_", "")); ok {
			return v, nil
		}
	case *ast.Ident:
		if e.Name == "GiB" {
			return big.NewRat(1<<30, 1), nil
		}
	case *ast.ParenExpr:
		return rational(e.X)
	case *ast.BinaryExpr:
		return operation(e)
	case *ast.CallExpr:
		return function(e)
	}
	return nil, fmt.Errorf("%T is no part of an arithmetic", e)
}

func operation(e *ast.BinaryExpr) (*big.Rat, error) {
	x, err := rational(e.X)
	if err != nil {
		return nil, err
	}
	y, err := rational(e.Y)
	if err != nil {
		return nil, err
	}
	switch {
	case e.Op == token.ADD:
		return x.Add(x, y), nil
	case e.Op == token.SUB:
		return x.Sub(x, y), nil
	case e.Op == token.MUL:
		return x.Mul(x, y), nil
	case e.Op == token.QUO && y.Sign() != 0:
		return x.Quo(x, y), nil
	}
	return nil, fmt.Errorf("no %s of %v and %v", e.Op, x, y)
}

func function(e *ast.CallExpr) (*big.Rat, error) {
	name, ok := e.Fun.(*ast.Ident)
	if !ok || len(e.Args) == 0 {
		return nil, fmt.Errorf("a function needs a name and arguments")
	}
	result, err := rational(e.Args[0])
	if err != nil {
		return nil, err
	}
	floor := func(v *big.Rat) *big.Rat {
		return new(big.Rat).SetInt(new(big.Int).Div(v.Num(), v.Denom())) // Euclidean, so it rounds down
	}
	switch name.Name {
	case "floor":
		return floor(result), nil
	case "ceil":
		down := floor(result.Neg(result))
		return down.Neg(down), nil
	}
	for _, argument := range e.Args[1:] {
		v, err := rational(argument)
		if err != nil {
			return nil, err
		}
		switch {
		case name.Name == "min" && v.Cmp(result) < 0, name.Name == "max" && v.Cmp(result) > 0:
			result = v
		case name.Name != "min" && name.Name != "max":
			return nil, fmt.Errorf("no function %s", name.Name)
		}
	}
	return result, nil
}
