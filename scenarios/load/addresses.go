package load

import (
	"strconv"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Addresses says where the addresses of a run's users are.
type Addresses string

// The places for addresses.
const (
	AddressPerEntry    Addresses = "entry"       // each notification brings its own
	AddressPreferences Addresses = "preferences" // the system has them, and notifications bring none
)

// Users is how many users are written to.
func (t *Traffic) Users() int { return t.config.Users }

// Preferences gives what some of the users want, from one number up to another:
// everything, on each channel that the run uses, at the addresses that entries
// would bring.
func (t *Traffic) Preferences(from, to int) []pipeline.Preference {
	var channels []pipeline.Channel
	for _, channel := range pipeline.Channels() {
		if t.config.Mix.Channels[channel] > 0 {
			channels = append(channels, channel)
		}
	}
	all := make([]pipeline.Preference, 0, (to-from)*len(channels))
	for user := uint64(from); user < uint64(to); user++ {
		id := string(appendUser(nil, user))
		for _, channel := range channels {
			p := pipeline.DefaultPreference(pipeline.PreferenceKey{UserID: id, Channel: channel})
			p.Addresses = []string{string(appendAddress(nil, channel, user))}
			all = append(all, p)
		}
	}
	return all
}

// appendUser appends the id of a user.
func appendUser(dst []byte, user uint64) []byte {
	return strconv.AppendUint(append(dst, 'u'), user, 10)
}
