package planner

import "github.com/notifyctl/notifyctl/planner/units"

// A subject is what a claim or a limit may be about: a figure, or a named
// statement about a choice.
type subject struct {
	id    string
	unit  units.Unit
	names []string // what a named statement may name; nil for a figure
}

// subjects lists everything that a claim may be about.
func subjects() []subject {
	var all []subject
	for _, f := range figures(choices{}) {
		all = append(all, subject{id: f.ID, unit: f.Unit})
	}
	return append(all, stated()...)
}

// stated lists what design documents state and the planner does not derive:
// it is kept and shown, and compared with nothing.
func stated() []subject {
	return []subject{
		{id: "workers.policies", names: []string{"steps", "drain", "arrivals"}},
		{id: "postgres.sharding", names: []string{"id_range", "hash"}},
	}
}

// findSubject looks an id up.
func findSubject(id string, subjects []subject) (subject, bool) {
	for _, s := range subjects {
		if s.id == id {
			return s, true
		}
	}
	return subject{}, false
}

// idsOf lists the ids of subjects.
func idsOf(subjects []subject) []string {
	ids := make([]string, len(subjects))
	for i, s := range subjects {
		ids[i] = s.id
	}
	return ids
}

// figuresAmong lists the ids of those that have a value.
func figuresAmong(subjects []subject) []string {
	var ids []string
	for _, s := range subjects {
		if s.names == nil {
			ids = append(ids, s.id)
		}
	}
	return ids
}
