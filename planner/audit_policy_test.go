package planner

import (
	"reflect"
	"slices"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/policy"
)

// What a plan and its claims may name is what a running system can follow.
func TestPoliciesAreThoseOfThePipeline(t *testing.T) {
	known := policy.WorkerPolicyNames()
	slices.Sort(known)
	about, ok := findSubject(policiesClaim, subjects())
	if !ok {
		t.Fatalf("nothing may be claimed of %s", policiesClaim)
	}
	workers, _ := fieldByKey(reflect.TypeFor[Workers](), "policy")
	for where, names := range map[string][]string{policiesClaim: about.names, "workers.policy": wordsOf(workers)} {
		if names = slices.Sorted(slices.Values(names)); !slices.Equal(names, known) {
			t.Errorf("%s accepts %v, and there are %v", where, names, known)
		}
	}
}
