package sdktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/sendgrid/rest"
	"github.com/sendgrid/sendgrid-go"
	"github.com/sendgrid/sendgrid-go/helpers/mail"
)

// sendGridMail is a mail to addresses, each with an id and a ref of its own.
func sendGridMail(addresses ...string) *mail.SGMailV3 {
	m := mail.NewV3Mail()
	m.SetFrom(mail.NewEmail("Us", "us@example.com"))
	m.Subject = "Hi"
	m.AddContent(mail.NewContent("text/plain", "Hello"))
	for i, address := range addresses {
		p := mail.NewPersonalization()
		p.AddTos(mail.NewEmail("Ada", address))
		p.SetCustomArg("notification_id", fmt.Sprintf("id%d", i))
		p.SetCustomArg("notification_ref", fmt.Sprintf("run-%d", i))
		m.AddPersonalizations(p)
	}
	return m
}

func (m mock) sendGrid(t *testing.T, message *mail.SGMailV3) *rest.Response {
	t.Helper()
	client := sendgrid.NewSendClient("SG.key")
	client.BaseURL = m.url + "/sendgrid/v3/mail/send"
	response, err := client.SendWithContext(t.Context(), message)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// sendGridErrors are what an answer lists.
func sendGridErrors(t *testing.T, response *rest.Response) []string {
	t.Helper()
	var answer struct {
		Errors []struct{ Message, Field string }
	}
	if err := json.Unmarshal([]byte(response.Body), &answer); err != nil {
		t.Fatal(err)
	}
	fields := make([]string, len(answer.Errors))
	for i, one := range answer.Errors {
		fields[i] = one.Field
	}
	return fields
}

func TestSendGrid(t *testing.T) {
	m := newMock(t)
	response := m.sendGrid(t, sendGridMail("ada@example.com", "bob@example.com"))
	if response.StatusCode != http.StatusAccepted || len(response.Headers["X-Message-Id"]) != 1 {
		t.Errorf("answered %+v", response)
	}
	m.accepted(t, "sendgrid", "id0", "run-0")
	m.accepted(t, "sendgrid", "id1", "run-1")
}

// TestSendGridRefusesTheWhole: one bad personalization fails its neighbours.
func TestSendGridRefusesTheWhole(t *testing.T) {
	m := newMock(t)
	response := m.sendGrid(t, sendGridMail("ada@example.com", "nobody"))
	if fields := sendGridErrors(t, response); response.StatusCode != http.StatusBadRequest || len(fields) != 1 || fields[0] != "personalizations.1.to" {
		t.Errorf("answered %+v", response)
	}
	m.sends(t, 0)
}

func TestSendGridThrottles(t *testing.T) {
	m := newMock(t)
	m.limit(t, `{"sendgrid":{"calls":{"limit":1,"per":"1h","window":true}}}`)
	m.sendGrid(t, sendGridMail("ada@example.com"))
	response := m.sendGrid(t, sendGridMail("ada@example.com"))
	reset, err := strconv.ParseInt(response.Headers["X-Ratelimit-Reset"][0], 10, 64)
	if response.StatusCode != http.StatusTooManyRequests || err != nil || time.Until(time.Unix(reset, 0)) < 59*time.Minute {
		t.Errorf("answered %+v", response)
	}
	m.sends(t, 1)
}

// TestSendGridRetries: the library waits as it is told, and tries again.
func TestSendGridRetries(t *testing.T) {
	m := newMock(t)
	m.fault(t, `{"fault":"status","status":429,"attempts":1}`)
	request := sendgrid.GetRequest("SG.key", "/v3/mail/send", m.url+"/sendgrid")
	request.Method = http.MethodPost
	request.Body = mail.GetRequestBody(sendGridMail("ada@example.com"))
	response, err := sendgrid.MakeRequestRetryWithContext(t.Context(), request)
	if err != nil || response.StatusCode != http.StatusAccepted {
		t.Errorf("answered %+v, %v", response, err)
	}
	m.accepted(t, "sendgrid", "id0", "run-0")
}
