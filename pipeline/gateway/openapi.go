package gateway

import (
	_ "embed"
	"net/http"
	"strconv"
)

// description is the interface as OpenAPI 3.1 has it. Its tests hold it to the
// handlers.
//
//go:embed openapi.json
var description []byte

// openAPI answers GET /openapi.json.
func openAPI(w http.ResponseWriter, _ *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(description)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(description) // a client that is gone needs no answer
}
