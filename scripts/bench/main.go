// Bench measures whole runs: the system, its mock providers and the load that is
// made for it, in one process, at given rates. Of each it keeps what a
// notification cost the processor, by step, from one profile; the latencies of the
// API and from end to end; and the memory that was held.
//
//	go run ./scripts/bench -dir before -rates 5K,20K,50K -lengths 30s -count 3
//	go run ./scripts/bench -dir after  -rates 5K,20K,50K -lengths 30s -count 3
//	benchstat before/bench.txt after/bench.txt
//	go run ./scripts/bench -dir after -table          # Markdown
//
// How the cost grows with something else is measured at one rate, and what stands
// behind -- goes to loadtest as it is:
//
//	go run ./scripts/bench -dir users   -rates 20K -users 10K,100K,1M,10M -- --addresses preferences
//	go run ./scripts/bench -dir workers -rates 20K -workers 10,100,1000
//	go run ./scripts/bench -dir length  -rates 50K -lengths 1m,10m,30m -- --keys entry
//
// A run's own files are below DIR/POINT/N: result.json, cpu.pprof and steps.json.
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
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/planner/units"
)

// options are the flags.
type options struct {
	dir     string
	points  []point
	warm    time.Duration
	profile time.Duration // the most that is profiled of a run, from warm on
	count   int
	batch   int
	scrap   bool // the data, in a temporary directory
	table   bool
	rest    []string // of loadtest's arguments
}

// point is what a run is made with.
type point struct {
	rate    float64 // notifications a second
	length  time.Duration
	users   float64
	workers int // of each channel; 0 are those of the plan
}

// name names a point, also as a directory.
func (p point) name() string {
	name := fmt.Sprintf("rate=%.0f-length=%v-users=%.0f", p.rate, p.length, p.users)
	if p.workers > 0 {
		name += fmt.Sprintf("-workers=%d", p.workers)
	}
	return name
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
	lengths := flags.String("lengths", "30s", "how long the load of a run lasts, of a run each")
	users := flags.String("users", "100K", "users that are written to, of a run each")
	workers := flags.String("workers", "0", "workers of each channel, of a run each; 0 are those of the plan")
	flags.DurationVar(&o.warm, "warm", 5*time.Second, "how much of a run is over when the profile begins")
	flags.DurationVar(&o.profile, "profile", 5*time.Minute, "how long the profile is at most")
	flags.IntVar(&o.count, "count", 1, "runs of each kind")
	flags.IntVar(&o.batch, "batch", 100, "notifications a request")
	flags.BoolVar(&o.scrap, "temporary", false, "keep the data in a temporary directory rather than in DIR")
	flags.BoolVar(&o.table, "table", false, "measure nothing: write what DIR holds as Markdown")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.rest = flags.Args()
	switch {
	case o.dir == "" || len(o.rest) > 0 && !slices.Contains(args, "--"):
		return o, errors.New("want -dir DIR, and arguments of loadtest behind --; -help lists the flags")
	case o.count < 1:
		return o, fmt.Errorf("%d runs of each kind: accepted is 1 or more", o.count)
	case o.profile < time.Second:
		return o, fmt.Errorf("a profile of %v: accepted are 1 s or more", o.profile)
	}
	rate, err := quantities("rates", *rates, units.PerSecond, "notifications a second, as in 5K,20K")
	if err != nil {
		return o, err
	}
	user, err := quantities("users", *users, units.Whole, "numbers, as in 100K,1M")
	if err != nil {
		return o, err
	}
	o.points, err = points(rate, user, *lengths, *workers)
	for _, p := range o.points {
		if o.warm < 0 || p.length < o.warm+2*time.Second {
			return o, fmt.Errorf("a length of %v after %v to warm up: accepted are 2 s more at least, for the profile", p.length, o.warm)
		}
	}
	return o, err
}

// quantities reads a list of numbers above zero.
func quantities(name, list string, unit units.Unit, accepted string) (numbers []float64, err error) {
	for text := range strings.SplitSeq(list, ",") {
		q, err := units.Parse(text, unit)
		if err != nil || !(q.Low > 0) || !q.Exact() {
			return nil, fmt.Errorf("-%s %q: accepted are %s", name, list, accepted)
		}
		numbers = append(numbers, q.Low)
	}
	return numbers, nil
}

// points gives each combination of what the lists hold.
func points(rates, users []float64, lengths, workers string) (list []point, err error) {
	for _, rate := range rates {
		for _, user := range users {
			for text := range strings.SplitSeq(lengths, ",") {
				length, err := time.ParseDuration(text)
				if err != nil {
					return nil, fmt.Errorf("-lengths %q: accepted are durations, as in 1m,10m", lengths)
				}
				for text := range strings.SplitSeq(workers, ",") {
					n, err := strconv.Atoi(text)
					if err != nil || n < 0 {
						return nil, fmt.Errorf("-workers %q: accepted are numbers, as in 10,100", workers)
					}
					list = append(list, point{rate, length, user, n})
				}
			}
		}
	}
	return list, nil
}
