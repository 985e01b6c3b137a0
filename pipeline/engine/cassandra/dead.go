package cassandra

import (
	"context"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	selectHours   = "SELECT hour, channel FROM dead_hours WHERE list = 0 AND hour <= ? AND hour >= ?"
	selectLetters = `SELECT id, user_id, reason, replayed_by, undecodable FROM dead_letters
		WHERE channel = ? AND hour = ? AND id < ? AND id >= ?`
)

// Dead lists dead letters, newest first: from hour to hour of those that have
// any, and within an hour merged from the channels.
func (s *Store) Dead(ctx context.Context, f pipeline.DeadFilter, p pipeline.Page) (letters []pipeline.DeadLetter, next pipeline.Cursor, err error) {
	l, err := s.openListing(&p, "dead", f.Channel.String(), f.Reason)
	if err != nil {
		return nil, "", err
	}
	if string(l.from[:]) >= string(l.before[:]) {
		return nil, "", nil
	}
	err = call(ctx, "list dead letters", func(ctx context.Context) error {
		if err := s.erasures.current(ctx); err != nil {
			return err
		}
		chosen, whole, err := s.choose(ctx, l, f)
		if err != nil {
			return err
		}
		if !whole {
			next = l.next()
		}
		letters, err = s.tellAll(ctx, chosen)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return letters, next, nil
}

// tellAll joins letters with their rows, and leaves out those that are none.
func (s *Store) tellAll(ctx context.Context, chosen []letter) ([]pipeline.DeadLetter, error) {
	told, found := make([]pipeline.DeadLetter, len(chosen)), make([]bool, len(chosen))
	err := each(ctx, len(chosen), func(ctx context.Context, i int) (err error) {
		told[i], found[i], err = s.tell(ctx, &chosen[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	kept := told[:0]
	for i := range told {
		if found[i] {
			kept = append(kept, told[i])
		}
	}
	return kept, nil
}

// choose picks the letters of a page, and says whether it was all there is.
func (s *Store) choose(ctx context.Context, l *listing, f pipeline.DeadFilter) (chosen []letter, whole bool, err error) {
	hours, err := s.deadHours(ctx, l, f.Channel)
	if err != nil {
		return nil, false, err
	}
	for _, hour := range hours {
		whole, err := s.hourLetters(ctx, l, hour, func(one *letter) (more bool) {
			if len(chosen) == l.limit || !l.scan(one.id) {
				return false
			}
			if one.exists() && (f.Reason == "" || f.Reason == one.reason) && !s.erasures.covers(one.user, one.id) {
				chosen = append(chosen, *one)
			}
			return true
		})
		if !whole || err != nil {
			return chosen, false, err
		}
	}
	return chosen, true, nil
}

// deadHour is an hour that has letters, and the channels of which it has some.
type deadHour struct {
	hour     int32
	channels []pipeline.Channel
}

// deadHours reads which hours of a listing have letters, newest first: three
// entries an hour at most, so that it is some thousands for months of trouble.
func (s *Store) deadHours(ctx context.Context, l *listing, only pipeline.Channel) (hours []deadHour, err error) {
	found := s.query(selectHours, hourOf(l.before.Time()), hourOf(l.from.Time())).IterContext(ctx).Scanner()
	for found.Next() {
		var (
			hour int32
			c    int8
		)
		if err := found.Scan(&hour, &c); err != nil {
			return nil, err
		}
		if only != 0 && only != pipeline.Channel(c) {
			continue
		}
		if len(hours) == 0 || hours[len(hours)-1].hour != hour {
			hours = append(hours, deadHour{hour: hour})
		}
		at := &hours[len(hours)-1]
		at.channels = append(at.channels, pipeline.Channel(c))
	}
	return hours, found.Err()
}

// letterStream is the letters of one partition, of which the first not taken
// yet is at hand.
type letterStream struct {
	found gocql.Scanner
	head  letter
	more  bool
}

func (t *letterStream) advance() (err error) {
	t.more, err = scanLetter(t.found, &t.head)
	return err
}

// hourLetters gives the letters of an hour, newest first, until it is told that
// it is enough.
func (s *Store) hourLetters(ctx context.Context, l *listing, h deadHour, visit func(one *letter) (more bool)) (whole bool, err error) {
	streams := make([]letterStream, len(h.channels))
	for i, c := range h.channels {
		streams[i].found = s.query(selectLetters, int8(c), h.hour, l.before[:], l.from[:]).PageSize(scanPage).IterContext(ctx).Scanner()
		if err := streams[i].advance(); err != nil {
			return false, err
		}
	}
	for {
		var newest *letterStream
		for i := range streams {
			if t := &streams[i]; t.more && (newest == nil || string(t.head.id[:]) > string(newest.head.id[:])) {
				newest = t
			}
		}
		if newest == nil {
			return true, nil
		}
		if !visit(&newest.head) {
			return false, nil
		}
		if err := newest.advance(); err != nil {
			return false, err
		}
	}
}
