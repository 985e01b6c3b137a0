package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/notifyctl/notifyctl/pipeline"
)

var (
	// errLeased says that the channel has an owner in this process already.
	errLeased = errors.New("the channel is leased already")
	// errLeft says that the log was closed.
	errLeft = errors.New("the log is closed")
)

const (
	// joinBackoff is how long a group is left alone after it could not be joined.
	// kafka-go's default of 5 s is what a cold coordinator would cost.
	joinBackoff = 200 * time.Millisecond
	// leaveTime bounds how long an orderly end waits for a group to be told.
	leaveTime = 5 * time.Second
)

// groups are this process's memberships in the consumer groups of the channels,
// one a channel at most.
type groups struct {
	log *Log
	mu  sync.Mutex
	of  [3]*membership // by channel
	// leaving counts memberships that are being given up.
	leaving sync.WaitGroup
}

func newGroups(l *Log) *groups { return &groups{log: l} }

// membership is this process's place in a channel's group. It begins with an
// Acquire and lasts over the generations of the group, until a lease is closed
// that did not end by itself, an Acquire is given up, or the log is closed.
//
// kafka-go's group runs by itself and gives a generation at a time. One goroutine
// takes them (follow); a function started in the generation (serve) holds it
// open, with the lease that is made of it: the group joins its next generation
// when serve returns.
type membership struct {
	log      *Log
	channel  pipeline.Channel
	name     string
	group    *kafkago.ConsumerGroup
	balancer *balancer
	offers   chan offer    // leases, to whoever acquires
	stop     chan struct{} // closed when it is given up
	gone     chan struct{} // closed when the group was left
	held     *lease        // the last that was acquired; groups.mu guards it
	sought   bool          // an Acquire waits; groups.mu guards it
}

// offer is a lease to be acquired, or why there is none.
type offer struct {
	lease *lease
	err   error
}

// Acquire waits until the channel's group gives us partitions.
func (l *Log) Acquire(ctx context.Context, c pipeline.Channel) (pipeline.LogLease, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("acquire %s: %w", c, err)
	}
	m, err := l.groups.seek(c)
	if err != nil {
		return nil, fmt.Errorf("acquire %s: %w", c, err)
	}
	select {
	case o := <-m.offers:
		l.groups.found(m, o.lease)
		if o.err == nil {
			return o.lease, nil
		}
		err = o.err
	case <-ctx.Done():
		l.groups.found(m, nil)
		err = ctx.Err()
	case <-m.stop:
		err = errLeft
	}
	l.groups.giveUp(m)
	return nil, fmt.Errorf("acquire %s: %w", c, err)
}

// seek gives the channel's membership to one that acquires.
func (g *groups) seek(c pipeline.Channel) (*membership, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.of[c-pipeline.Push]
	switch {
	case m == nil:
		var err error
		if m, err = join(g.log, c); err != nil {
			return nil, err
		}
		g.of[c-pipeline.Push] = m
	case m.sought || m.held != nil && m.held.holding.Err() == nil:
		return nil, errLeased
	}
	m.sought, m.held = true, nil
	return m, nil
}

// found notes what an Acquire came to.
func (g *groups) found(m *membership, held *lease) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m.sought, m.held = false, held
}

// giveUp ends a membership; the group is told in the background.
func (g *groups) giveUp(m *membership) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drop(m)
}

// drop ends a membership that has not been given up before. mu is held.
func (g *groups) drop(m *membership) {
	if g.of[m.channel-pipeline.Push] != m {
		return
	}
	g.of[m.channel-pipeline.Push] = nil
	close(m.stop)
	g.leaving.Go(func() {
		defer close(m.gone)
		_ = m.group.Close() // it has no errors
	})
}

// leave ends a channel's membership and waits until the group knows, for
// leaveTime at most: what was ours is then given to others at once.
func (g *groups) leave(ctx context.Context, c pipeline.Channel) {
	g.mu.Lock()
	m := g.of[c-pipeline.Push]
	g.mu.Unlock()
	if m == nil {
		return
	}
	g.giveUp(m)
	select {
	case <-m.gone:
	case <-ctx.Done():
	case <-time.After(leaveTime):
	}
}

// close ends all memberships and waits for that, for leaveTime at most.
func (g *groups) close() {
	g.mu.Lock()
	of := g.of
	g.mu.Unlock()
	for _, m := range of {
		if m != nil {
			g.giveUp(m)
		}
	}
	left := make(chan struct{})
	go func() {
		g.leaving.Wait()
		close(left)
	}()
	select {
	case <-left:
	case <-time.After(leaveTime):
	}
}

// join begins a membership.
func join(l *Log, c pipeline.Channel) (*membership, error) {
	m := &membership{
		log: l, channel: c, name: l.groupOf(c), balancer: &balancer{},
		offers: make(chan offer), stop: make(chan struct{}), gone: make(chan struct{}),
	}
	mechanism, err := l.cfg.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range l.topics.channel(c).all() {
		names = append(names, t.name)
	}
	heartbeat := l.cfg.SessionTimeout / 5
	m.group, err = kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
		ID: m.name, Brokers: l.cfg.Brokers, Topics: names,
		Dialer: &kafkago.Dialer{
			ClientID: clientID, Timeout: l.cfg.dialTimeout(), DialFunc: l.cfg.Dial, TLS: l.cfg.TLS, SASLMechanism: mechanism,
		},
		GroupBalancers:    []kafkago.GroupBalancer{m.balancer},
		HeartbeatInterval: heartbeat,
		SessionTimeout:    l.cfg.SessionTimeout,
		// Members learn of a new generation by a heartbeat, and then drain.
		RebalanceTimeout: l.cfg.DrainTime + l.cfg.SessionTimeout,
		JoinGroupBackoff: joinBackoff,
		Timeout:          max(heartbeat, time.Second),
	})
	if err != nil {
		return nil, fmt.Errorf("join group %s: %w", m.name, err)
	}
	go m.follow()
	return m, nil
}

// groupOf names a channel's group.
func (l *Log) groupOf(c pipeline.Channel) string { return l.cfg.groupPrefix() + "." + c.String() }

// follow takes the group's generations until the membership is given up. Errors
// have to be taken too, or the group would wait.
func (m *membership) follow() {
	trouble := complaint{log: m.log.cfg.Log, what: "group " + m.name}
	for {
		generation, err := m.group.Next(context.Background())
		switch {
		case errors.Is(err, kafkago.ErrGroupClosed):
			return
		case err == nil:
			trouble.over()
			generation.Start(func(ctx context.Context) { m.serve(ctx, generation) })
		case !errors.Is(err, kafkago.RebalanceInProgress): // that is how another member is waited for
			trouble.about(err)
		}
	}
}

// serve makes a lease of a generation and holds the generation until the lease
// is over. ctx ends when the generation does.
func (m *membership) serve(ctx context.Context, g *kafkago.Generation) {
	ls, err := m.takeOver(ctx, g)
	switch {
	case errors.Is(err, pipeline.ErrFenced) || ls == nil && ctx.Err() != nil:
		return // another generation has begun
	case ctx.Err() != nil:
		// Another begins, and the first commit of this one may be there: what
		// its frontiers allow, and nobody was given, is not left in doubt.
		ls.start()
		m.retire(ls)
		return
	case err == nil && ls == nil:
		<-ctx.Done() // no partition is ours, so we wait for a generation in which one is
		return
	case err == nil:
		ls.start()
		defer ls.letGo()
	}
	unwanted := time.NewTimer(m.log.cfg.SessionTimeout)
	defer unwanted.Stop()
	for {
		select {
		case m.offers <- offer{ls, err}:
			if err == nil {
				m.hold(ctx, ls)
			}
			return
		case <-ctx.Done():
			if ls != nil {
				m.retire(ls)
			}
			return
		case <-unwanted.C:
			// Whoever held the channel has not come back for it.
			m.log.groups.giveUpUnsought(m)
		}
	}
}

// giveUpUnsought ends a membership that nobody wants.
func (g *groups) giveUpUnsought(m *membership) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !m.sought {
		g.drop(m)
	}
}

// hold keeps the generation of a lease that was acquired until the lease is
// over. A lease that its generation's end, a fault or its owner has ended is
// given DrainTime.
func (m *membership) hold(ctx context.Context, ls *lease) {
	select {
	case <-ctx.Done():
		ls.end()
	case <-ls.ending:
	}
	select {
	case <-ls.holding.Done():
	case <-time.After(m.log.cfg.DrainTime):
		m.retire(ls)
	}
	if ls.leaving.Load() {
		<-ctx.Done() // the group is left, not joined again
	}
}

// retireTime bounds the last commit of a lease that nobody closes.
const retireTime = 2 * time.Second

// retire commits where a lease stands and ends it.
func (m *membership) retire(ls *lease) {
	ctx, cancel := context.WithTimeout(context.Background(), retireTime)
	defer cancel()
	if err := ls.finish(ctx); err != nil && !errors.Is(err, pipeline.ErrFenced) {
		m.log.cfg.Log.Warn("a lease ended without its last commit; what was sent since is in doubt", "group", m.name, "cause", err)
	}
}
