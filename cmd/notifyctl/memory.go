package main

import (
	"runtime/debug"

	"github.com/notifyctl/notifyctl/planner"
)

const (
	// heapShare is the part of a deployment's memory that Go's heap and what is
	// kept beside it may take together. The rest is for what neither counts: the
	// program, the shards' page caches, and the files that are mapped.
	heapShare = 0.75
	// l2Share is the part of the deployment's memory, one in so many, that the
	// preferences' second cache may hold: a million users with an address of each
	// channel, of 1 GB.
	l2Share = 4
	// heapGrowth is by how many percent of what lives the heap grows between two
	// collections, as long as that stays within its share: memory that the plan
	// gives is spent on fewer of them.
	heapGrowth = 200
)

// l2Bytes is what the preferences' second cache may hold in this process.
func l2Bytes(plan *planner.Plan) uint64 { return uint64(plan.Deployment.Memory) / l2Share }

// keepMemory holds this process to its plan's memory until the function that it
// gives is called. Who has set GOMEMLIMIT or GOGC knows better.
func keepMemory(a *app, plan *planner.Plan, engines *engineOptions) (restore func()) {
	for _, name := range []string{"GOMEMLIMIT", "GOGC"} {
		if _, set := a.getenv(name); set {
			return func() {}
		}
	}
	heap := heapShare * float64(plan.Deployment.Memory)
	if engines.redis == "" { // which would have the second cache
		heap -= float64(l2Bytes(plan))
	}
	limit := debug.SetMemoryLimit(int64(heap))
	growth := debug.SetGCPercent(heapGrowth)
	return func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(growth)
	}
}
