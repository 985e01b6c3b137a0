package provider

import (
	"crypto/ecdsa"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/notifyctl/notifyctl/planner/catalog"
)

// providerTokenAge is after which a provider token is replaced, between the
// earliest and the latest that APNs takes.
const providerTokenAge = (catalog.APNsTokenMinAge + catalog.APNsTokenMaxAge) / 2

// providerToken makes the JSON Web Tokens that APNs knows us by (RFC 7519,
// ES256), and keeps one for as long as it serves. Source: Apple, "Establishing a
// token-based connection to APNs".
type providerToken struct {
	key   *ecdsa.PrivateKey
	keyID string
	team  string

	mu   sync.Mutex
	text string // empty when a new one is due
	made time.Time
}

// current gives the token of the moment.
func (p *providerToken) current(now time.Time) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.text != "" && now.Sub(p.made) < providerTokenAge {
		return p.text, nil
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.RegisteredClaims{Issuer: p.team, IssuedAt: jwt.NewNumericDate(now)})
	token.Header["kid"] = p.keyID
	text, err := token.SignedString(p.key)
	if err != nil {
		return "", err
	}
	p.text, p.made = text, now
	return text, nil
}

// expired says that APNs takes a token for expired. It is replaced, unless it
// is so young that not its age is wrong but a clock: new ones would be refused
// as well, and throttled.
func (p *providerToken) expired(text string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if text == p.text && now.Sub(p.made) >= catalog.APNsTokenMinAge {
		p.text = ""
	}
}
