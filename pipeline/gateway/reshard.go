package gateway

import (
	"errors"
	"net/http"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

// reshard answers POST /v1/reshard.
func (g *Gateway) reshard(w http.ResponseWriter, r *http.Request) {
	if g.draining.Load() {
		writeProblem(w, draining(w))
		return
	}
	var to uint32
	done, ok := g.document(w, r, func(data []byte) ([]pipeline.Fault, error) { return decodeReshard(data, &to) })
	if !ok {
		return
	}
	defer done()
	err := g.cfg.Resharder.Reshard(r.Context(), int(to))
	if wrong, ok := errors.AsType[*pipeline.ShardsError](err); ok {
		writeProblem(w, faulty([]pipeline.Fault{{Entry: -1, Field: "to", Detail: wrong.Detail}}))
		return
	}
	if errors.Is(err, pipeline.ErrResharding) {
		writeProblem(w, problem(http.StatusConflict, api.CodeResharding, "a reshard runs already; GET /v1/status says how far it is"))
		return
	}
	if errors.Is(err, pipeline.ErrShardsInUse) {
		writeProblem(w, problem(http.StatusConflict, api.CodeShardsInUse, "other processes use the preferences: stop them, move the users, and start them again"))
		return
	}
	if err != nil {
		g.failed(w, r, "begin to reshard", err)
		return
	}
	writeJSON(w, http.StatusAccepted, api.ReshardRequest{To: to})
}

// decodeReshard reads {"to": N}. An error is a *malformedError.
func decodeReshard(data []byte, to *uint32) ([]pipeline.Fault, error) {
	var d document
	given := false
	isObject, err := d.read(data, func(name string) error {
		if name != "to" {
			return d.unknown(name)
		}
		given = true
		return d.integerInto(name, to)
	})
	if err != nil {
		return nil, err
	}
	if isObject && !given {
		d.fault("to", "is required")
	}
	return d.faults, nil
}
