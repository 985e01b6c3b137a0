package mockproviders_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/mockproviders"
)

// sesMail is a request of SendEmail to these addresses, with further members.
func sesMail(further string, to ...string) string {
	quoted := make([]string, len(to))
	for i, address := range to {
		quoted[i] = strconv.Quote(address)
	}
	return `{"FromEmailAddress":"us@example.com","Destination":{"ToAddresses":[` + strings.Join(quoted, ",") + `]},` +
		`"Content":{"Simple":{"Subject":{"Data":"Hi"},"Body":{"Text":{"Data":"Hello"}}},"Raw":null},` + further + `}`
}

// sesBulk is a request of SendBulkEmail.
func sesBulk(entries ...string) string {
	return `{"FromEmailAddress":"us@example.com","DefaultContent":{"Template":{"TemplateName":"welcome","TemplateData":"{}"}},"BulkEmailEntries":[` +
		strings.Join(entries, ",") + `]}`
}

// sesEntry is a destination of one, with our id and ref where they are given.
func sesEntry(to, id, ref string) string {
	var tags []string
	for name, value := range map[string]string{"notification_id": id, "notification_ref": ref} {
		if value != "" {
			tags = append(tags, fmt.Sprintf(`{"Name":%q,"Value":%q}`, name, value))
		}
	}
	return fmt.Sprintf(`{"Destination":{"ToAddresses":[%q]},"ReplacementTags":[%s]}`, to, strings.Join(tags, ","))
}

func TestSES(t *testing.T) {
	raw := func(text string) string {
		return `{"Content":{"Raw":{"Data":"` + base64.StdEncoding.EncodeToString([]byte(text)) + `"}}}`
	}
	many := many(51, func(i int) string { return fmt.Sprintf("u%d@example.com", i) })
	for _, test := range []struct {
		name   string
		body   string
		status int
		want   string
	}{
		{"one", sesMail(`"EmailTags":[{"Name":"notification_id","Value":"id-1_A"}]`, "ada@example.com"), 200, `{"MessageId":"`},
		{"with a name", sesMail(`"ReplyToAddresses":[]`, "Ada <ada@example.com>"), 200, ""},
		{"the most recipients", sesMail(`"a":1`, many[:50]...), 200, ""},
		{"more recipients", sesMail(`"a":1`, many...), 400, "Recipient count exceeds 50."},
		{"no recipient", sesMail(`"a":1`), 400, "no recipient"},
		{"no domain", sesMail(`"a":1`, "ada"), 400, "Missing final '@domain'"},
		{"an empty address", sesMail(`"a":1`, ""), 400, "Missing final '@domain'"},
		{"a bad address", sesMail(`"a":1`, "a b@example.com"), 400, "Illegal address"},
		{"a tag with a space", sesMail(`"EmailTags":[{"Name":"k","Value":"a b"}]`, "a@b.c"), 400, "Invalid tag value <a b>"},
		{"a tag too long", sesMail(`"EmailTags":[{"Name":"k","Value":"`+strings.Repeat("x", 257)+`"}]`, "a@b.c"), 400, "Invalid tag value"},
		{"no sender", strings.Replace(sesMail(`"a":1`, "a@b.c"), "FromEmailAddress", "From", 1), 400, "FromEmailAddress"},
		{"no content", `{"FromEmailAddress":"u@b.c","Destination":{"ToAddresses":["a@b.c"]}}`, 400, "Exactly one"},
		{"two contents", strings.Replace(sesMail(`"a":1`, "a@b.c"), `"Raw":null`, `"Template":{"TemplateName":"t"}`, 1), 400, "Exactly one"},
		{"a raw message", raw("From: u@b.c\r\nTo: Ada <ada@b.c>\r\nCc: x@b.c\r\n\r\nHi"), 200, ""},
		{"a raw message to nobody", raw("From: u@b.c\r\n\r\nHi"), 400, "no recipient"},
		{"a raw message that is none", `{"FromEmailAddress":"u@b.c","Content":{"Raw":{"Data":"!!"}}}`, 400, "no recipient"},
		{"no JSON", "hello", 400, "not the JSON"},
		{"trailing garbage", sesMail(`"a":1`, "a@b.c") + "x", 400, "not the JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMock(t, mockproviders.Options{})
			w := m.post(sesPath, test.body, test.status, test.want)
			if taken := m.sends() == 1; taken != (test.status == 200) {
				t.Errorf("the ledger counts %d", m.sends())
			}
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("the answer is no JSON: %s", w.Body)
			}
			if kind := w.Header().Get("X-Amzn-ErrorType"); (kind != "") != (test.status != 200) {
				t.Errorf("the error's type is %q", kind)
			}
		})
	}
}

func TestSESErrors(t *testing.T) {
	for status, want := range map[int]struct {
		status int
		kind   string
	}{
		400: {400, "MessageRejected"},
		401: {403, "MissingAuthenticationTokenException"},
		403: {403, "AccessDeniedException"},
		404: {404, "NotFoundException"},
		429: {429, "TooManyRequestsException"},
		500: {500, "InternalServiceErrorException"},
		503: {503, "ServiceUnavailableException"},
	} {
		m := newMock(t, mockproviders.Options{Faults: script(t, fmt.Sprintf(`{"faults":[{"fault":"status","status":%d}]}`, status))})
		w := m.post(sesPath, sesMail(`"a":1`, "a@b.c"), want.status, `{"message":"`)
		if kind := w.Header().Get("X-Amzn-ErrorType"); kind != want.kind {
			t.Errorf("%d is %q, want %q", status, kind, want.kind)
		}
	}
}

func TestSESBulk(t *testing.T) {
	one := func(i int) string {
		return sesEntry(fmt.Sprintf("u%d@example.com", i), fmt.Sprintf("id%d", i), fmt.Sprintf("run-%d", i))
	}
	for _, test := range []struct {
		name   string
		body   string
		status int
		want   string
		sends  uint64
	}{
		{"two", sesBulk(one(1), one(2)), 200, `{"BulkEmailEntryResults":[{"Status":"SUCCESS","MessageId":"`, 2},
		{"one is bad", sesBulk(one(1), sesEntry("nobody", "", ""), one(2)), 200, `{"Status":"INVALID_PARAMETER","Error":"Missing final '@domain'"}`, 2},
		{"one has a bad tag", sesBulk(one(1), sesEntry("a@b.c", "a b", "")), 200, `{"Status":"INVALID_PARAMETER","Error":"Invalid tag value <a b>`, 1},
		{"fifty", sesBulk(many(50, one)...), 200, "", 50},
		{"more", sesBulk(many(51, one)...), 400, "more than 50", 0},
		{"none", sesBulk(), 400, "no entry", 0},
		{"no template", strings.Replace(sesBulk(one(1)), "DefaultContent", "Content", 1), 400, "Template", 0},
		{"no sender", strings.Replace(sesBulk(one(1)), "FromEmailAddress", "From", 1), 400, "FromEmailAddress", 0},
		{"no JSON", "[]", 400, "not the JSON", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMock(t, mockproviders.Options{})
			w := m.post(sesBulkPath, test.body, test.status, test.want)
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("the answer is no JSON: %s", w.Body)
			}
			if m.sends() != test.sends {
				t.Errorf("the ledger counts %d, want %d", m.sends(), test.sends)
			}
		})
	}
}

// TestSESDefaultTags: the tags of the whole call hold for destinations without
// their own.
func TestSESDefaultTags(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	body := strings.TrimSuffix(sesBulk(sesEntry("a@b.c", "own", ""), sesEntry("b@b.c", "", "")), "}") +
		`,"DefaultEmailTags":[{"Name":"notification_id","Value":"all"},{"Name":"notification_ref","Value":"r"}]}`
	m.post(sesBulkPath, body, 200, "SUCCESS")
	for _, id := range []string{"own", "all"} {
		if known := m.Ledger().Lookup(id); len(known.Sends) != 1 || known.Ref != "r" {
			t.Errorf("of %q the ledger says %+v", id, known)
		}
	}
}

// TestSESResults: what refuses an entry has a status of its own.
func TestSESResults(t *testing.T) {
	for fault, want := range map[string]string{
		`"status":400`: "MESSAGE_REJECTED",
		`"status":404`: "TEMPLATE_NOT_FOUND",
		`"status":429`: "ACCOUNT_THROTTLED",
		`"status":500`: "TRANSIENT_FAILURE",
		`"status":403`: "FAILED",
		`"status":400,"code":"ACCOUNT_SUSPENDED"`:  "ACCOUNT_SUSPENDED",
		`"status":400,"code":"TEMPLATE_NOT_FOUND"`: "TEMPLATE_NOT_FOUND",
	} {
		m := newMock(t, mockproviders.Options{Faults: script(t, `{"faults":[{"fault":"status","to":"bad@*",`+fault+`}]}`)})
		m.post(sesBulkPath, sesBulk(sesEntry("bad@b.c", "", ""), sesEntry("a@b.c", "", "")), 200, `[{"Status":"`+want+`","Error":"`)
		if m.sends() != 1 {
			t.Errorf("%s: the ledger counts %d", fault, m.sends())
		}
	}
}

// TestSESSimulator: the mailbox simulator takes all that is sent to it; what
// becomes of it is in the ledger.
func TestSESSimulator(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	for address, want := range map[string]string{
		"success@simulator.amazonses.com":          "",
		"bounce@simulator.amazonses.com":           "bounce",
		"bounce+label-7@simulator.amazonses.com":   "bounce",
		"Complaint@Simulator.AmazonSES.com":        "complaint",
		"suppressionlist@simulator.amazonses.com":  "suppressed",
		"Ada <ooto@simulator.amazonses.com>":       "out_of_office",
		"bounce@simulator.amazonses.com.other.com": "",
		"bounce@example.com":                       "",
	} {
		id := regexp.MustCompile(`[^a-zA-Z]`).ReplaceAllString(address, "_")
		m.post(sesPath, sesMail(fmt.Sprintf(`"EmailTags":[{"Name":"notification_id","Value":%q}]`, id), address), 200, "MessageId")
		known := m.Ledger().Lookup(id)
		if len(known.Sends) != 1 || known.Sends[0].Event != want {
			t.Errorf("of a mail to %s the ledger says %+v, want the event %q", address, known, want)
		}
	}
	checkResponse(t, m.do(http.MethodGet, "/_mock/ledger?id=bounce_simulator_amazonses_com", ""), 200, `"event":"bounce"}]`)
}
