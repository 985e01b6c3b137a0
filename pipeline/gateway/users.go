package gateway

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

// userNotifications answers GET /v1/users/{user}/notifications.
func (g *Gateway) userNotifications(w http.ResponseWriter, r *http.Request) {
	user := r.PathValue("user")
	if !validUser(user) {
		writeProblem(w, unknownUser())
		return
	}
	q := newQuery(r, "from", "to", "limit", "cursor")
	page := q.page()
	if p := q.problem(); p != nil {
		writeProblem(w, p)
		return
	}
	entries, next, err := g.cfg.Users.ByUser(r.Context(), user, page)
	if errors.Is(err, pipeline.ErrBadCursor) {
		writeProblem(w, badCursor())
		return
	}
	if err != nil {
		g.failed(w, r, "list a user's notifications", err)
		return
	}
	out := api.NotificationList{Notifications: make([]api.Entry, len(entries)), NextCursor: string(next)}
	for i := range entries {
		out.Notifications[i] = entryOf(&entries[i])
	}
	writeJSON(w, http.StatusOK, out)
}

// eraseUser answers DELETE /v1/users/{user}. The preferences go first: what is
// sent from then on is what anybody's would be, and the history that a send
// under way leaves is erased after it.
func (g *Gateway) eraseUser(w http.ResponseWriter, r *http.Request) {
	user := r.PathValue("user")
	if !validUser(user) {
		writeProblem(w, unknownUser())
		return
	}
	if err := g.cfg.Preferences.Erase(r.Context(), user); err != nil {
		g.failed(w, r, "erase a user's preferences", err)
		return
	}
	err := g.cfg.Users.Erase(r.Context(), user)
	if errors.Is(err, pipeline.ErrFull) {
		writeProblem(w, problem(http.StatusServiceUnavailable, api.CodeAdmission, "too many users are being erased; repeat the request"))
		return
	}
	if err != nil {
		g.failed(w, r, "erase a user's history", err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func unknownUser() *api.Problem {
	return problem(http.StatusNotFound, api.CodeNotFound, fmt.Sprintf("no such user: a user id has 1 to %d bytes of text", pipeline.MaxUserID))
}
