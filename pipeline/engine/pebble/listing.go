package pebble

import (
	"context"

	"github.com/notifyctl/notifyctl/pipeline"
)

// maxScan bounds what one page looks at, so that a filter that fits little
// makes short pages and not slow ones.
const maxScan = 10_000

// listing is a page under way: newest first, through the ids from from on and
// before before.
type listing struct {
	name         pipeline.ListName
	from, before pipeline.ID
	scanned      int
	last         pipeline.ID // the last that was looked at
}

// openListing reads the bounds of a page.
func openListing(p *pipeline.Page, parts ...string) (*listing, error) {
	l := &listing{name: p.NameList(parts...), from: pipeline.LowestID(p.From)}
	bound := highestID()
	if !p.To.IsZero() {
		bound = pipeline.LowestID(p.To)
	}
	var err error
	l.before, err = p.Below(l.name, bound)
	return l, err
}

// scan counts one that is looked at, and says whether there may be more of
// them.
func (l *listing) scan(ctx context.Context) bool {
	l.scanned++
	return l.scanned <= maxScan && ctx.Err() == nil
}

// holds says whether an id is within the page's bounds.
func (l *listing) holds(id pipeline.ID) bool {
	return string(id[:]) >= string(l.from[:]) && string(id[:]) < string(l.before[:])
}

// next is the cursor behind what was looked at last.
func (l *listing) next() pipeline.Cursor { return pipeline.CursorAfter(l.name, l.last) }
