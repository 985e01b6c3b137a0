package gateway

import (
	"fmt"
	"net/http"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

// maxAddresses is the most addresses of one channel.
const maxAddresses = 16

// preferences answers GET /v1/users/{user}/preferences.
func (g *Gateway) preferences(w http.ResponseWriter, r *http.Request) {
	user := r.PathValue("user")
	if !validUser(user) {
		writeProblem(w, unknownUser())
		return
	}
	var keys []pipeline.PreferenceKey
	for _, c := range pipeline.Channels() {
		keys = append(keys, pipeline.PreferenceKey{UserID: user, Channel: c})
	}
	found := make([]pipeline.Preference, len(keys))
	if err := g.cfg.Preferences.Lookup(r.Context(), keys, found); err != nil {
		g.failed(w, r, "read preferences", err)
		return
	}
	out := api.Preferences{UserID: user}
	for _, p := range found {
		*slot(&out.Channels, p.Channel) = &api.Preference{
			Transactional: p.Transactional, Promotional: p.Promotional, Addresses: append([]string{}, p.Addresses...),
		}
	}
	writeJSON(w, http.StatusOK, out)
}

// slot is where the wire form has a channel.
func slot(c *api.ChannelPreferences, channel pipeline.Channel) **api.Preference {
	switch channel {
	case pipeline.Email:
		return &c.Email
	case pipeline.Push:
		return &c.Push
	case pipeline.SMS:
		return &c.SMS
	}
	panic("BUG: preferences of " + channel.String())
}

// setPreferences answers PUT /v1/users/{user}/preferences. It replaces each
// channel that the body names, whole, and leaves the others.
func (g *Gateway) setPreferences(w http.ResponseWriter, r *http.Request) {
	user := r.PathValue("user")
	if !validUser(user) {
		writeProblem(w, unknownUser())
		return
	}
	var preferences []pipeline.Preference
	done, ok := g.document(w, r, func(data []byte) (faults []pipeline.Fault, err error) {
		preferences, faults, err = decodePreferences(data, user)
		return faults, err
	})
	if !ok {
		return
	}
	defer done()
	if err := g.cfg.Preferences.Put(r.Context(), preferences); err != nil {
		g.failed(w, r, "store preferences", err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// preferencesDecoder reads the body of a PUT.
type preferencesDecoder struct {
	document
	user string
	out  []pipeline.Preference
}

// decodePreferences reads the channels that a body sets. An error is a
// *malformedError.
func decodePreferences(data []byte, user string) ([]pipeline.Preference, []pipeline.Fault, error) {
	d := &preferencesDecoder{user: user}
	channels := false
	isObject, err := d.read(data, func(name string) error {
		switch name {
		case "user_id": // may be left out: the path names the user
			value, detail, err := d.text()
			if detail == "" && value != user {
				detail = "is not the user of the path"
			}
			d.fault("user_id", detail)
			return err
		case "channels":
			channels = true
			_, err := d.object("channels", d.channel)
			return err
		}
		return d.unknown(name)
	})
	if err != nil {
		return nil, nil, err
	}
	if isObject && !channels {
		d.fault("channels", "is required")
	}
	return d.out, d.faults, nil
}

func (d *preferencesDecoder) channel(name string) error {
	at := "channels/" + escape(name)
	channel, ok := pipeline.ParseChannel(name)
	if !ok {
		d.fault(at, "unknown channel: want push, email or sms")
		return d.skip(2)
	}
	p := pipeline.Preference{PreferenceKey: pipeline.PreferenceKey{UserID: d.user, Channel: channel}}
	given := map[string]bool{}
	isObject, err := d.object(at, func(name string) (err error) {
		given[name] = true
		detail := ""
		switch name {
		case "transactional":
			p.Transactional, detail, err = d.boolean()
		case "promotional":
			p.Promotional, detail, err = d.boolean()
		case "addresses":
			p.Addresses, err = d.addresses(at+"/addresses", channel)
		default:
			detail, err = "unknown field", d.skip(3)
		}
		d.fault(at+"/"+escape(name), detail)
		return err
	})
	for _, name := range [...]string{"transactional", "promotional", "addresses"} {
		if isObject && !given[name] {
			d.fault(at+"/"+name, "is required: a channel is replaced whole")
		}
	}
	d.out = append(d.out, p)
	return err
}

func (d *preferencesDecoder) addresses(at string, channel pipeline.Channel) ([]string, error) {
	if d.jx.Next() != jx.Array {
		d.fault(at, "want an array of addresses")
		return nil, d.skip(3)
	}
	var out []string
	err := d.jx.Arr(func(*jx.Decoder) error {
		if len(out) == maxAddresses {
			d.fault(at, fmt.Sprintf("more than %d addresses", maxAddresses))
			return d.skip(4)
		}
		address, detail, err := d.text()
		if err == nil && detail == "" {
			if wrong := pipeline.CheckAddress(channel, address); wrong != nil {
				detail = wrong.Error()
			}
		}
		d.fault(fmt.Sprintf("%s/%d", at, len(out)), detail)
		out = append(out, address)
		return err
	})
	return out, err
}
