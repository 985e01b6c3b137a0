package scenarios

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// plan reads values of the plan, and checks them against the reference plan:
// those that hold there are of the right keys and kinds.
func (p *parser) plan(into *[]PlanValue) func(string, ast.Node) {
	return func(path string, node ast.Node) {
		var keys, values []*token.Token // of what was read
		p.entries(path, node, func(at string, name *token.Token, value ast.Node) {
			if _, ok := value.(ast.ScalarNode); !ok {
				p.fault(value.GetToken(), at, "%s; accepted is a value under its whole path, as in deployment.workers.push: 10", yamldoc.Found(value))
				return
			}
			v := PlanValue{Path: name.Value, Value: value.GetToken().Value}
			if _, err := v.scaled(1); err != nil {
				p.fault(value.GetToken(), at, "%v", err)
				return
			}
			*into = append(*into, v)
			keys, values = append(keys, name), append(values, value.GetToken())
		})
		if len(*into) > maxPlan {
			p.fault(node.GetToken(), path, "%d values; accepted are up to %d", len(*into), maxPlan)
			return
		}
		_, err := planner.Load(planner.Document{Assignments: Assignments(*into, 1)})
		for _, f := range yamldoc.FaultsOf(err) {
			place := node.GetToken() // where several do not go together
			for i, v := range *into {
				switch {
				case v.Path == f.Key:
					place = values[i]
				case strings.HasPrefix(v.Path, f.Key+"."): // no such key
					place = keys[i]
				}
			}
			p.fault(place, yamldoc.Join(path, f.Key), "%s", f.Message)
		}
	}
}
