package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// keyedBatch is how many notifications a keyed request holds.
const keyedBatch = 50

// keyedRequest is a request that is repeated until it is answered.
type keyedRequest struct {
	key  string // empty: without one, so that a repetition is another request
	body []byte
	ids  []string // once it is answered 202
}

// refusal is an answer other than 202.
type refusal struct {
	status int
	code   string // the problem's
}

func (r *refusal) Error() string { return fmt.Sprintf("answered %d %s", r.status, r.code) }

// post sends the request and notes the ids that it was answered with. Whatever
// is no answer is told: the process was killed, or is not there yet. Errors that
// are no fault of the server's: a *refusal.
func (r *keyedRequest) post(ctx context.Context, url string) (replayed bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/notifications", bytes.NewReader(r.body))
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", "application/json")
	if r.key != "" {
		request.Header.Set("Idempotency-Key", r.key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusAccepted {
		var problem api.Problem
		if err := json.NewDecoder(response.Body).Decode(&problem); err != nil {
			return false, fmt.Errorf("answered %s, and no problem: %w", response.Status, err)
		}
		return false, &refusal{response.StatusCode, problem.Code}
	}
	var answer struct {
		Results []struct {
			ID       string `json:"id"`
			Replayed bool   `json:"replayed"`
		} `json:"results"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return false, err
	}
	ids := make([]string, len(answer.Results))
	for i, result := range answer.Results {
		ids[i], replayed = result.ID, result.Replayed
	}
	if r.ids != nil && strings.Join(ids, ",") != strings.Join(r.ids, ",") {
		return replayed, fmt.Errorf("key %s was answered with other ids than before", r.key)
	}
	r.ids = ids
	return replayed, nil
}

// keyedRequests makes requests of n notifications in all, to users of their own,
// over all channels. Their refs are those of a load run, and their keys begin
// with its name.
func keyedRequests(run string, n int) []*keyedRequest {
	return keyedRequestsTo(func(i int) string { return fmt.Sprintf("%s-user%d", run, i) }, run, n)
}

// keyedRequestsTo makes them to users that the test names, by the number of the
// notification.
func keyedRequestsTo(user func(i int) string, run string, n int) []*keyedRequest {
	requests := make([]*keyedRequest, n/keyedBatch)
	for i := range requests {
		var b strings.Builder
		b.WriteString(`{"notifications":[`)
		for j := range keyedBatch {
			if j > 0 {
				b.WriteByte(',')
			}
			writeNotification(&b, user(i*keyedBatch+j), run, i*keyedBatch+j)
		}
		b.WriteString(`]}`)
		requests[i] = &keyedRequest{key: fmt.Sprintf("%s-%d", run, i), body: []byte(b.String())}
	}
	return requests
}

func writeNotification(b *strings.Builder, user, run string, n int) {
	channel, to := "email", fmt.Sprintf("user%d@example.com", n)
	switch n % 3 {
	case 1:
		channel, to = "push", fmt.Sprintf("token-%d", n)
	case 2:
		channel, to = "sms", fmt.Sprintf("+4915%09d", n)
	}
	fmt.Fprintf(b, `{"user_id":%q,"ref":"%s-%d","channel":%q,"to":%q,"template_id":"otp","priority":"high","variables":{"code":"%d"}}`,
		user, run, n, channel, to, n)
}

func unanswered(requests []*keyedRequest) []*keyedRequest {
	var left []*keyedRequest
	for _, r := range requests {
		if r.ids == nil {
			left = append(left, r)
		}
	}
	return left
}
