// Bench measures whole runs: the system, its mock providers and the load that is
// made for it, in one process, at given rates. Of each it keeps what a
// notification cost the processor, by step, from one profile; the latencies of the
// API and from end to end; and the memory that was held.
//
//	go run ./scripts/bench -dir before -rates 5K,20K,50K -length 30s -count 3
//	go run ./scripts/bench -dir after  -rates 5K,20K,50K -length 30s -count 3
//	benchstat before/bench.txt after/bench.txt
//	go run ./scripts/bench -dir after -table          # Markdown
//
// A run's own files are below DIR/RATE/N: result.json, cpu.pprof and steps.json.
// Short runs flatter: compaction, collection and growing maps come later. The
// machine must be idle otherwise, and says in the table what it was.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/planner/units"
)

// options are the flags.
type options struct {
	dir    string
	rates  []float64
	length time.Duration
	warm   time.Duration
	count  int
	batch  int
	users  int
	scrap  bool // the data, in a temporary directory
	table  bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := bench(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// bench does what the arguments say.
func bench(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if !o.table {
		if err := measureAll(ctx, o); err != nil {
			return err
		}
	}
	runs, err := readRuns(o.dir)
	if err != nil {
		return err
	}
	if o.table {
		_, err = os.Stdout.WriteString(table(runs))
		return err
	}
	return writeSet(o.dir, runs)
}

// parse reads the arguments.
func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", "", "where the results go, and are read from; required")
	rates := flags.String("rates", "5K,20K,50K", "notifications a second, of a run each")
	flags.DurationVar(&o.length, "length", 30*time.Second, "how long a run's load lasts")
	flags.DurationVar(&o.warm, "warm", 5*time.Second, "how much of that is over when the profile begins")
	flags.IntVar(&o.count, "count", 1, "runs of each rate")
	flags.IntVar(&o.batch, "batch", 100, "notifications a request")
	flags.IntVar(&o.users, "users", 100_000, "users that are written to")
	flags.BoolVar(&o.scrap, "temporary", false, "keep the data in a temporary directory rather than in DIR")
	flags.BoolVar(&o.table, "table", false, "measure nothing: write what DIR holds as Markdown")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case o.dir == "" || flags.NArg() > 0:
		return o, errors.New("want -dir DIR and no other arguments; -help lists the flags")
	case o.warm < 0 || o.length < o.warm+2*time.Second:
		return o, fmt.Errorf("a length of %v after %v to warm up: accepted are 2 s more at least, for the profile", o.length, o.warm)
	case o.count < 1:
		return o, fmt.Errorf("%d runs of each rate: accepted is 1 or more", o.count)
	}
	for _, text := range strings.Split(*rates, ",") {
		rate, err := units.Parse(text, units.PerSecond)
		if err != nil || !(rate.Low > 0) || !rate.Exact() {
			return o, fmt.Errorf("-rates %q: accepted are notifications a second, as in 5K,20K", *rates)
		}
		o.rates = append(o.rates, rate.Low)
	}
	return o, nil
}
