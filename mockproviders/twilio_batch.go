package mockproviders

import (
	"net/http"

	"github.com/go-faster/jx"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// twilioBatchWire is POST /2010-04-01/Accounts/{account}/Messages/Batch.json:
// up to 100 messages through a messaging service. The real service has no such
// call; this one is shaped after its single one, in JSON:
//
//	{"MessagingServiceSid": "MG...", "Messages": [{"To": "+1...", "Body": "...", "StatusCallback": "https://..."}]}
//
// It answers 200 with one result a message, in order, whatever became of them:
//
//	{"messages": [{"sid": "SM...", "status": "queued"},
//	              {"error": {"code": 20429, "message": "...", "more_info": "...", "status": 429, "retry_after": 2}}]}
//
// A call refused as a whole is answered as the single one is.
type twilioBatchWire struct{ twilioWire }

func (twilioBatchWire) maxBytes() int   { return catalog.TwilioRequestBytes }
func (twilioBatchWire) wholesale() bool { return false }

func (w twilioBatchWire) decode(c *call, r *http.Request) *refusal {
	c.scope = c.keep([]byte(r.PathValue("account")))
	c.decoder.ResetBytes(c.body)
	if err := w.read(c, &c.decoder); err != nil {
		return &refusal{status: http.StatusBadRequest, code: "20001", message: "The body is not the JSON of a batch."}
	}
	switch {
	case len(c.entries) == 0:
		return &refusal{status: http.StatusBadRequest, code: "20001", message: "The batch is empty."}
	case len(c.entries) > catalog.TwilioBatch:
		return &refusal{status: http.StatusBadRequest, code: "20001", message: "The batch holds more than 100 messages."}
	case c.service.empty():
		return &refusal{status: http.StatusBadRequest, code: "21603", message: "A batch is sent through a messaging service."}
	}
	for i := range c.entries {
		c.entries[i].refused = checkTwilio(c, &c.entries[i], false)
	}
	return nil
}

func (w twilioBatchWire) read(c *call, d *jx.Decoder) error {
	object, err := d.ObjIter()
	if err != nil {
		return err
	}
	for object.Next() {
		switch string(object.Key()) {
		case "MessagingServiceSid":
			c.service, err = c.keepStr(d)
		case "Messages":
			err = w.readMessages(c, d)
		default:
			err = d.Skip()
		}
		if err != nil {
			return err
		}
	}
	if err := object.Err(); err != nil {
		return err
	}
	return atEnd(d)
}

func (w twilioBatchWire) readMessages(c *call, d *jx.Decoder) error {
	array, err := d.ArrIter()
	if err != nil {
		return err
	}
	for array.Next() {
		if len(c.entries) > catalog.TwilioBatch { // one more than a batch takes is enough to refuse it
			err = d.Skip()
		} else {
			err = w.readMessage(c, d, c.add())
		}
		if err != nil {
			return err
		}
	}
	return array.Err()
}

func (twilioBatchWire) readMessage(c *call, d *jx.Decoder, e *entry) error {
	object, err := d.ObjIter()
	if err != nil {
		return err
	}
	for object.Next() {
		switch string(object.Key()) {
		case "To":
			e.to, err = c.keepStr(d)
		case "Body":
			e.body, err = c.keepStr(d)
		case "StatusCallback":
			var callback span
			callback, err = c.keepStr(d)
			readCallback(c, e, callback)
		default:
			err = d.Skip()
		}
		if err != nil {
			return err
		}
	}
	return object.Err()
}

func (twilioBatchWire) answer(c *call) {
	c.status, c.contentType = http.StatusOK, "application/json"
	c.out.RawStr(`{"messages":[`)
	for i := range c.entries {
		if i > 0 {
			c.out.Comma()
		}
		if no := c.entries[i].refused; no != nil {
			c.out.RawStr(`{"error":`)
			appendTwilioError(&c.out, no)
			if no.retryAfter > 0 { // what the single call has a header for
				c.out.Buf = c.out.Buf[:len(c.out.Buf)-1]
				c.out.RawStr(`,"retry_after":` + retryAfterSeconds(no.retryAfter) + `}`)
			}
			c.out.RawStr(`}`)
			continue
		}
		c.out.RawStr(`{"sid":"SM`)
		c.out.Buf = appendSerial(c.out.Buf, c.serial+uint64(i))
		c.out.RawStr(`","status":"queued"}`)
	}
	c.out.RawStr(`]}`)
}
