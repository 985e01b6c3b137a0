package sdktest

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
)

// ses is a client of the mocks; without retries where attempts is 1.
func (m mock) ses(attempts int) *sesv2.Client {
	return sesv2.New(sesv2.Options{
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
		BaseEndpoint:     aws.String(m.url + "/ses"),
		RetryMaxAttempts: attempts,
	})
}

func sesTags(id, ref string) []types.MessageTag {
	return []types.MessageTag{
		{Name: aws.String("notification_id"), Value: aws.String(id)},
		{Name: aws.String("notification_ref"), Value: aws.String(ref)},
	}
}

func sesText(text string) *types.Content { return &types.Content{Data: aws.String(text)} }

func sesMail(id, ref string, to ...string) *sesv2.SendEmailInput {
	return &sesv2.SendEmailInput{
		FromEmailAddress: aws.String("us@example.com"),
		Destination:      &types.Destination{ToAddresses: to},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: sesText("Hi"), Body: &types.Body{Text: sesText("Hello"), Html: sesText("<p>Hello</p>")},
		}},
		EmailTags: sesTags(id, ref),
	}
}

func sesBulk(to map[string]string) *sesv2.SendBulkEmailInput {
	in := &sesv2.SendBulkEmailInput{
		FromEmailAddress: aws.String("us@example.com"),
		DefaultContent:   &types.BulkEmailContent{Template: &types.Template{TemplateName: aws.String("welcome"), TemplateData: aws.String("{}")}},
	}
	for id, address := range to {
		in.BulkEmailEntries = append(in.BulkEmailEntries, types.BulkEmailEntry{
			Destination:     &types.Destination{ToAddresses: []string{address}},
			ReplacementTags: sesTags(id, "run-"+id),
		})
	}
	return in
}

func TestSES(t *testing.T) {
	m := newMock(t)
	out, err := m.ses(1).SendEmail(t.Context(), sesMail("id1", "run-1", "ada@example.com", "Bob <bob@example.com>"))
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(out.MessageId) == "" {
		t.Error("no message id")
	}
	m.accepted(t, "ses", "id1", "run-1")
}

func TestSESRaw(t *testing.T) {
	m := newMock(t)
	in := sesMail("id1", "run-1")
	in.Destination, in.FromEmailAddress = nil, nil
	in.Content = &types.EmailContent{Raw: &types.RawMessage{Data: []byte("From: us@example.com\r\nTo: ada@example.com\r\n\r\nHello")}}
	if _, err := m.ses(1).SendEmail(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	m.accepted(t, "ses", "id1", "run-1")
}

// TestSESErrors: the library tells the mocks' errors apart by their types.
func TestSESErrors(t *testing.T) {
	is := map[string]func(error) bool{
		`{"fault":"status","status":429}`:                                             isError[*types.TooManyRequestsException],
		`{"fault":"status","status":400}`:                                             isError[*types.MessageRejected],
		`{"fault":"status","status":404}`:                                             isError[*types.NotFoundException],
		`{"fault":"status","status":400,"code":"MailFromDomainNotVerifiedException"}`: isError[*types.MailFromDomainNotVerifiedException],
		`{"fault":"status","status":400,"code":"SendingPausedException"}`:             isError[*types.SendingPausedException],
	}
	for fault, ok := range is {
		m := newMock(t)
		m.fault(t, fault)
		if _, err := m.ses(1).SendEmail(t.Context(), sesMail("id1", "run-1", "ada@example.com")); !ok(err) {
			t.Errorf("%s: the error is %v", fault, err)
		}
		m.sends(t, 0)
	}
	m := newMock(t)
	if _, err := m.ses(1).SendEmail(t.Context(), sesMail("id1", "run-1", "nobody")); !isError[*types.BadRequestException](err) {
		t.Errorf("of a bad address the error is %v", err)
	}
}

func isError[E error](err error) bool {
	var as E
	return errors.As(err, &as)
}

// TestSESBreaks: what the mocks break off is no answer to the library.
func TestSESBreaks(t *testing.T) {
	for _, fault := range []string{`{"fault":"reset_before"}`, `{"fault":"html_502"}`} {
		m := newMock(t)
		m.fault(t, fault)
		if out, err := m.ses(1).SendEmail(t.Context(), sesMail("id1", "run-1", "ada@example.com")); err == nil {
			t.Errorf("%s: answered %+v", fault, out)
		}
		m.sends(t, 0)
	}
}

// TestSESRetries: the library tries again what was throttled.
func TestSESRetries(t *testing.T) {
	m := newMock(t)
	m.fault(t, `{"fault":"status","status":429,"attempts":1}`)
	if _, err := m.ses(3).SendEmail(t.Context(), sesMail("id1", "run-1", "ada@example.com")); err != nil {
		t.Fatal(err)
	}
	m.accepted(t, "ses", "id1", "run-1")
}

func TestSESLimit(t *testing.T) {
	m := newMock(t)
	m.limit(t, `{"ses":{"messages":{"limit":1,"per":"1h"}}}`)
	client := m.ses(1)
	send := func(ctx context.Context) error {
		_, err := client.SendEmail(ctx, sesMail("id", "run-1", "ada@example.com"))
		return err
	}
	if err := send(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := send(t.Context()); !isError[*types.TooManyRequestsException](err) {
		t.Errorf("above the limit the error is %v", err)
	}
	m.sends(t, 1)
}

// TestSESBulk: each destination has a result of its own.
func TestSESBulk(t *testing.T) {
	m := newMock(t)
	m.fault(t, `{"fault":"status","status":429,"to":"late@*"}`)
	in := sesBulk(map[string]string{"1": "ada@example.com", "2": "nobody", "3": "late@example.com", "4": "bob@example.com"})
	out, err := m.ses(1).SendBulkEmail(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.BulkEmailEntryResults) != len(in.BulkEmailEntries) {
		t.Fatalf("%d results for %d entries", len(out.BulkEmailEntryResults), len(in.BulkEmailEntries))
	}
	for i, result := range out.BulkEmailEntryResults {
		want := types.BulkEmailStatusSuccess
		switch in.BulkEmailEntries[i].Destination.ToAddresses[0] {
		case "nobody":
			want = types.BulkEmailStatusInvalidParameter
		case "late@example.com":
			want = types.BulkEmailStatusAccountThrottled
		}
		if ok := want == types.BulkEmailStatusSuccess; result.Status != want || ok != (result.MessageId != nil) || ok != (result.Error == nil) {
			t.Errorf("entry %d: %+v, want %s", i, result, want)
		}
	}
	m.accepted(t, "ses", "1", "run-1")
	m.accepted(t, "ses", "4", "run-4")
	m.sends(t, 2)
}
