package load

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// Limits of what one request may hold, as the API has them.
const (
	MaxBatch = 1000
	// MaxUsers bounds the population: every user has a telephone number of
	// its own.
	MaxUsers = 10_000_000
)

// Keys says where the idempotency keys of a run go.
type Keys string

// The places for keys.
const (
	KeyPerRequest Keys = "request" // one header for the whole request
	KeyPerEntry   Keys = "entry"   // one a notification
	NoKeys        Keys = "none"
)

// Mix is what a run's notifications are made up of. The values of each map are
// weights; they need not add up to one.
type Mix struct {
	Channels   map[pipeline.Channel]float64
	Priorities map[pipeline.Priority]float64
	Categories map[pipeline.Category]float64
	UserSkew   float64 // Zipf exponent, 0 for users all alike
}

// TrafficConfig says what a run sends.
type TrafficConfig struct {
	Run   string // names the run; every notification's ref is run-sequence
	Seed  uint64
	Batch int // notifications a request
	Users int
	Keys  Keys
	// Addresses says whether entries bring the users' addresses; empty is that
	// they do.
	Addresses Addresses
	Mix       Mix
}

// Traffic writes the bodies of a run's requests. The body of a request follows
// from the seed and the request's number alone, so that the same seed gives
// the same load whatever the order and timing of sending. It is safe for
// concurrent use.
type Traffic struct {
	config   TrafficConfig
	variants []variant
	draws    alias
	zipf     *zipf // nil when all users are alike
}

// variant is one kind of notification, with all of its text that does not
// change.
type variant struct {
	fixed     string // of the API's form
	channel   pipeline.Channel
	priority  pipeline.Priority
	category  pipeline.Category
	template  string
	variables []variable
}

// variable is a value of a template. It follows from a draw, and holds nothing
// that JSON escapes.
type variable struct {
	name   string
	append func(dst []byte, draw uint64) []byte
}

// entry is one notification of a run.
type entry struct {
	*variant
	sequence uint32
	index    int    // in its request
	user     uint64 // from 0
	draw     uint64 // that the variables follow from
}

// NewTraffic checks a configuration and prepares the bodies' fixed parts.
func NewTraffic(c TrafficConfig) (*Traffic, error) {
	switch {
	case !validRun(c.Run):
		return nil, fmt.Errorf("run name %q: 1 to 48 of a-z, 0-9 and - are accepted", c.Run)
	case c.Batch < 1 || c.Batch > MaxBatch:
		return nil, fmt.Errorf("a batch of %d: 1 to %d notifications a request are accepted", c.Batch, MaxBatch)
	case c.Users < 1 || c.Users > MaxUsers:
		return nil, fmt.Errorf("%d users: 1 to %d are accepted", c.Users, MaxUsers)
	case !(c.Mix.UserSkew >= 0 && c.Mix.UserSkew <= 10):
		return nil, fmt.Errorf("a user skew of %g: 0 to 10 is accepted", c.Mix.UserSkew)
	}
	switch c.Keys {
	case KeyPerRequest, KeyPerEntry, NoKeys:
	default:
		return nil, fmt.Errorf("keys %q: accepted are request, entry and none", c.Keys)
	}
	switch c.Addresses {
	case "", AddressPerEntry, AddressPreferences:
	default:
		return nil, fmt.Errorf("addresses %q: accepted are entry and preferences", c.Addresses)
	}
	t := &Traffic{config: c}
	var weights []float64
	for _, channel := range pipeline.Channels() {
		for _, priority := range pipeline.Priorities() {
			for _, category := range []pipeline.Category{pipeline.Transactional, pipeline.Promotional} {
				share := c.Mix.Channels[channel] * c.Mix.Priorities[priority] * c.Mix.Categories[category]
				if share == 0 {
					continue
				}
				templates := templatesOf(category)
				for _, template := range templates {
					t.variants = append(t.variants, newVariant(channel, priority, category, template))
					weights = append(weights, share/float64(len(templates)))
				}
			}
		}
	}
	draws, err := newAlias(weights)
	if err != nil {
		return nil, fmt.Errorf("traffic mix: %w", err)
	}
	t.draws = draws
	if c.Mix.UserSkew > 0 {
		t.zipf = newZipf(uint64(c.Users), c.Mix.UserSkew)
	}
	return t, nil
}

// validRun keeps run-sequence within the 64 characters of a ref.
func validRun(run string) bool {
	if run == "" || len(run) > 48 {
		return false
	}
	for _, c := range run {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// templatesOf lists the templates, of those that every server has, that carry
// a category.
func templatesOf(c pipeline.Category) []string {
	if c == pipeline.Promotional {
		return []string{"campaign"}
	}
	return []string{"otp", "receipt", "welcome"}
}

func newVariant(channel pipeline.Channel, priority pipeline.Priority, category pipeline.Category, template string) variant {
	v := variant{
		channel: channel, priority: priority, category: category, template: template,
		fixed: fmt.Sprintf(`"channel":%q,"priority":%q,"category":%q,"template_id":%q,"variables":`,
			channel, priority, category, template),
	}
	for _, name := range variablesOf(template) {
		v.variables = append(v.variables, variableOf(name))
	}
	return v
}

// variablesOf lists what a template of every server wants.
func variablesOf(template string) []string {
	switch template {
	case "otp":
		return []string{"code"}
	case "receipt":
		return []string{"name", "amount"}
	}
	return []string{"name"}
}

// variableNames lists the variables that notifications may have.
func variableNames() []string { return []string{"name", "code", "amount"} }

func variableOf(name string) variable {
	switch name {
	case "name":
		return variable{name, func(dst []byte, draw uint64) []byte {
			return strconv.AppendUint(append(dst, "Customer "...), draw>>48, 10)
		}}
	case "code":
		return variable{name, func(dst []byte, draw uint64) []byte { return strconv.AppendUint(dst, 100_000+draw%900_000, 10) }}
	case "amount":
		return variable{name, func(dst []byte, draw uint64) []byte {
			return append(strconv.AppendUint(dst, 1+draw%500, 10), ".95 USD"...)
		}}
	}
	panic("BUG: unknown variable " + name)
}

// Batch is the number of notifications in a request.
func (t *Traffic) Batch() int { return t.config.Batch }

// AppendKey appends the request's idempotency key, or nothing when requests
// carry none.
func (t *Traffic) AppendKey(dst []byte, request uint64) []byte {
	if t.config.Keys != KeyPerRequest {
		return dst
	}
	return catalog.AppendRunRef(dst, t.config.Run, uint32(request))
}

// AppendBody appends the body of a request to dst. It allocates nothing when
// dst has room.
func (t *Traffic) AppendBody(dst []byte, request uint64) []byte {
	random := t.random(request)
	dst = append(dst, `{"notifications":[`...)
	for i := range t.config.Batch {
		if i > 0 {
			dst = append(dst, ',')
		}
		e := t.entry(request, i, random)
		dst = t.appendEntry(dst, &e)
	}
	return append(dst, "]}"...)
}

// random gives the source that a request's notifications are drawn from, in
// their order.
func (t *Traffic) random(request uint64) *rand.Rand {
	return rand.New(rand.NewPCG(t.config.Seed, request))
}

// entry draws the next notification of a request.
func (t *Traffic) entry(request uint64, index int, random *rand.Rand) entry {
	return entry{
		variant:  &t.variants[t.draws.draw(random)],
		sequence: uint32(request*uint64(t.config.Batch) + uint64(index)), // below 2^32: the generator sees to that
		index:    index,
		user:     t.user(random),
		draw:     random.Uint64(),
	}
}

func (t *Traffic) appendEntry(dst []byte, e *entry) []byte {
	dst = append(dst, `{"ref":"`...)
	dst = catalog.AppendRunRef(dst, t.config.Run, e.sequence)
	if t.config.Keys == KeyPerEntry {
		dst = append(dst, `","idempotency_key":"`...)
		dst = catalog.AppendRunRef(dst, t.config.Run, e.sequence)
	}
	dst = append(dst, `","user_id":"`...)
	dst = appendUser(dst, e.user)
	if t.config.Addresses != AddressPreferences {
		dst = append(dst, `","to":"`...)
		dst = appendAddress(dst, e.channel, e.user)
	}
	dst = append(dst, `",`...)
	dst = append(dst, e.fixed...)
	return append(e.appendVariables(dst), '}')
}

// appendVariables appends the variables as a JSON object.
func (e *entry) appendVariables(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range e.variables {
		if i > 0 {
			dst = append(dst, ',')
		}
		v := &e.variables[i]
		dst = append(dst, '"')
		dst = append(dst, v.name...)
		dst = append(dst, `":"`...)
		dst = append(v.append(dst, e.draw), '"')
	}
	return append(dst, '}')
}

// user draws one of the users, numbered from 0.
func (t *Traffic) user(random *rand.Rand) uint64 {
	if t.zipf != nil {
		return t.zipf.draw(random) - 1
	}
	return random.Uint64N(uint64(t.config.Users))
}

// appendAddress appends an address of the user's own that belongs to nobody: a
// reserved domain, numbers in a directory code that is not assigned, and a
// device token of the length that all push services take.
func appendAddress(dst []byte, channel pipeline.Channel, user uint64) []byte {
	switch channel {
	case pipeline.Email:
		dst = append(dst, 'u')
		return append(strconv.AppendUint(dst, user, 10), "@example.com"...)
	case pipeline.SMS:
		return strconv.AppendUint(append(dst, '+'), 1_555_000_0000+user, 10)
	case pipeline.Push:
		const hex = "0123456789abcdef"
		dst = append(dst, "00000000000000000000000000000000000000000000000000000000"...)
		for shift := 28; shift >= 0; shift -= 4 {
			dst = append(dst, hex[user>>shift&15])
		}
		return dst
	}
	panic("BUG: a notification without a channel")
}

// alias draws from a discrete distribution in constant time (M. D. Vose, "A
// linear algorithm for generating random numbers with a given distribution",
// IEEE TSE 17(9), 1991): each column holds its own value and one other's.
type alias struct {
	keep  []float64 // the probability that a column gives its own value
	other []int
}

func newAlias(weights []float64) (alias, error) {
	var sum float64
	for _, w := range weights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return alias{}, fmt.Errorf("a share of %g is not between 0 and 1", w)
		}
		sum += w
	}
	if sum == 0 {
		return alias{}, errors.New("all shares are 0")
	}
	a := alias{keep: make([]float64, len(weights)), other: make([]int, len(weights))}
	var small, large []int
	for i, w := range weights {
		a.keep[i], a.other[i] = w/sum*float64(len(weights)), i
		if a.keep[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		a.other[s] = l
		a.keep[l] -= 1 - a.keep[s]
		if a.keep[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, rest := range append(small, large...) { // what rounding left over
		a.keep[rest] = 1
	}
	return a, nil
}

func (a *alias) draw(r *rand.Rand) int {
	i := r.IntN(len(a.keep))
	if r.Float64() < a.keep[i] {
		return i
	}
	return a.other[i]
}
