package pipeline

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of addresses.
const (
	maxEmailAddress = 254  // RFC 5321, 4.5.3.1.3, without the angle brackets
	maxEmailLocal   = 64   // RFC 5321, 4.5.3.1.1
	minPhoneDigits  = 7    // the shortest subscriber numbers with their country code
	maxPhoneDigits  = 15   // E.164
	maxDeviceToken  = 4096 // FCM says no length; its tokens have about 200, APNs' 64
)

// CheckAddress says what keeps an address from being one of the channel: an
// e-mail address without a display name, a number as E.164 has it, or a device
// token of visible ASCII. That it is well-formed says nothing of whether
// somebody is there.
func CheckAddress(c Channel, address string) error {
	switch c {
	case Email:
		return checkEmail(address)
	case SMS:
		return checkPhone(address)
	case Push:
		return checkToken(address)
	}
	return fmt.Errorf("no addresses of %v", c)
}

func checkEmail(address string) error {
	want := errors.New("want an e-mail address, as in ada@example.com")
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at > maxEmailLocal || at == len(address)-1 || len(address) > maxEmailAddress {
		return want
	}
	local, domain := address[:at], address[at+1:]
	if !dotSeparated(local, isLocalByte) || !dotSeparated(domain, isDomainByte) {
		return want
	}
	return nil
}

// dotSeparated says whether s is non-empty words of accepted bytes with single
// dots between them.
func dotSeparated(s string, accepted func(byte) bool) bool {
	last := byte('.')
	for i := range len(s) {
		c := s[i]
		if c == '.' && last == '.' || c != '.' && !accepted(c) {
			return false
		}
		last = c
	}
	return last != '.'
}

// isLocalByte accepts RFC 5322's atext, and UTF-8 as RFC 6531 does.
func isLocalByte(c byte) bool {
	return isDomainByte(c) || strings.IndexByte("!#$%&'*+/=?^_`{|}~", c) >= 0
}

// isDomainByte accepts letters, digits and hyphens, and UTF-8 in place of
// punycode.
func isDomainByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c >= 0x80
}

func checkPhone(address string) error {
	digits, ok := strings.CutPrefix(address, "+")
	ok = ok && len(digits) >= minPhoneDigits && len(digits) <= maxPhoneDigits && digits[0] != '0'
	for i := range len(digits) {
		ok = ok && digits[i] >= '0' && digits[i] <= '9'
	}
	if !ok {
		return errors.New("want an E.164 number, as in +4915112345678")
	}
	return nil
}

func checkToken(address string) error {
	ok := address != "" && len(address) <= maxDeviceToken
	for i := range len(address) {
		ok = ok && address[i] > ' ' && address[i] < 0x7f
	}
	if !ok {
		return fmt.Errorf("want a device token: 1 to %d visible ASCII characters", maxDeviceToken)
	}
	return nil
}
