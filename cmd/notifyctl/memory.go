package main

import (
	"runtime/debug"

	"github.com/notifyctl/notifyctl/planner"
)

const (
	// heapShare is the part of a deployment's memory that Go's runtime keeps
	// within. The rest is for what it does not see: the store's cache and
	// memtables where they are C's, the shards' page caches, and the files that
	// are mapped.
	heapShare = 0.75
	// heapGrowth is by how many percent of what lives the heap grows between two
	// collections, as long as that stays within its share: memory that the plan
	// gives is spent on fewer of them.
	heapGrowth = 200
)

// keepMemory holds this process to its plan's memory until the function that it
// gives is called. Who has set GOMEMLIMIT or GOGC knows better.
func keepMemory(a *app, plan *planner.Plan) (restore func()) {
	for _, name := range []string{"GOMEMLIMIT", "GOGC"} {
		if _, set := a.getenv(name); set {
			return func() {}
		}
	}
	limit := debug.SetMemoryLimit(int64(heapShare * float64(plan.Deployment.Memory)))
	growth := debug.SetGCPercent(heapGrowth)
	return func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(growth)
	}
}
