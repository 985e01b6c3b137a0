package cassandra

import (
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// maxScan bounds what one page looks at, so that a filter that fits little
	// makes short pages and not slow ones.
	maxScan = 10_000
	// ahead is how far in the future an id may lie, by another's clock.
	ahead = 24 * time.Hour
	// scanPage is how many rows are read at a time.
	scanPage = 500
)

// listing is a page under way: newest first, through the ids from from on and
// before before.
type listing struct {
	name         pipeline.ListName
	from, before pipeline.ID
	limit        int
	scanned      int
	last         pipeline.ID // the last that was looked at
}

// openListing reads the bounds of a page, and draws them in to what can be
// there: from the oldest that is kept to what was accepted just now.
func (s *Store) openListing(p *pipeline.Page, parts ...string) (*listing, error) {
	l := &listing{name: p.NameList(parts...), limit: p.Limit}
	now := s.now()
	oldest, newest := now.Add(-keptAccepted(s.cfg.Retention)), now.Add(ahead)
	if p.From.After(oldest) {
		oldest = p.From
	}
	if !p.To.IsZero() && p.To.Before(newest) {
		newest = p.To
	}
	l.from = pipeline.LowestID(oldest)
	var err error
	l.before, err = p.Below(l.name, pipeline.LowestID(newest))
	return l, err
}

// keptAccepted is how old the acceptance of what has a row may be: rows live
// for the retention from when they were written, and what is written is of a
// notification that waited for days at the most.
func keptAccepted(retention time.Duration) time.Duration { return retention + 7*24*time.Hour }

// scan counts one that is looked at, and says whether the page may have more.
func (l *listing) scan(id pipeline.ID) bool {
	if l.scanned == maxScan {
		return false
	}
	l.scanned++
	l.last = id
	return true
}

// next is the cursor behind what was looked at last.
func (l *listing) next() pipeline.Cursor { return pipeline.CursorAfter(l.name, l.last) }
