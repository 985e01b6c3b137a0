package pipeline

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"
)

// MaxPage is the largest limit of a page.
const MaxPage = 200

// ErrBadCursor says that a text is no cursor of the list it is used for.
var ErrBadCursor = errors.New("not a cursor of this list")

// Page is the part of a list that is asked for.
type Page struct {
	// From and To bound the time of acceptance: at From or later, and before
	// To. Zero is open.
	From, To time.Time
	// Limit is the most that is given, 1 to MaxPage.
	Limit int
	// After is where the page before ended; empty is the list's beginning.
	After Cursor
}

// Below gives the id that the entries of a page are below in a list that is
// ordered by id, newest first: where the page before ended, or what bounds the
// list. Errors: ErrBadCursor.
func (p *Page) Below(list ListName, bound ID) (ID, error) {
	if p.Limit < 1 || p.Limit > MaxPage {
		panic(fmt.Sprintf("BUG: a page of %d", p.Limit))
	}
	if p.After == "" {
		return bound, nil
	}
	after, err := p.After.Position(list)
	if err != nil || string(after[:]) > string(bound[:]) {
		return bound, err
	}
	return after, nil
}

// Cursor says where a page ended. To everybody but the engine that gave it, it
// is opaque: letters, digits, hyphens and underscores. It serves for the list
// that it came from, asked for with the same bounds, and does not expire.
type Cursor string

// ListName names a list for its cursors: by what was asked for.
type ListName uint64

// NameList makes the name of a list of what was asked for, part by part, beside
// a page's bounds.
func (p *Page) NameList(parts ...string) ListName {
	form := AppendTime(AppendTime(nil, p.From), p.To)
	for _, part := range parts {
		form = AppendText(form, part)
	}
	return ListName(xxhash.Sum64(form))
}

const cursorLen = len(ID{}) + 8

// CursorAfter is the cursor behind an entry of a list that is ordered by id.
func CursorAfter(list ListName, id ID) Cursor {
	form := binary.BigEndian.AppendUint64(id[:], uint64(list))
	return Cursor(base64.RawURLEncoding.EncodeToString(form))
}

// Position is the id behind which a list goes on. Errors: ErrBadCursor.
func (c Cursor) Position(list ListName) (ID, error) {
	// The decoder passes over line breaks, so that the length is looked at on
	// both sides.
	form, err := base64.RawURLEncoding.Strict().DecodeString(string(c))
	if err != nil || len(c) != base64.RawURLEncoding.EncodedLen(cursorLen) || len(form) != cursorLen || ListName(binary.BigEndian.Uint64(form[len(ID{}):])) != list {
		return ID{}, ErrBadCursor
	}
	return ID(form[:len(ID{})]), nil
}
