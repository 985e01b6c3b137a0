package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/notifyctl/notifyctl/scenarios"
)

// scenario is a run of one rate. Its checks are there to be measured, and hold
// unless something is lost.
const scenario = `version: 1
name: bench
about: one rate, measured
drain: 5m
stages:
  - {name: hold, rate: %g/s, for: %s}
checks:
  - {name: end to end p50, expect: end_to_end.p50 < 1h}
  - {name: end to end p99, expect: end_to_end.p99 < 1h}
  - {name: high end to end p99, expect: end_to_end.high.p99 < 1h}
  - {name: resident memory, expect: memory.rss < 1TB}
  - {name: load sent, expect: achieved >= 1%%}
  - {name: drained, expect: in_flight = 0}
  - {name: lost, expect: lost = 0}
  - {name: duplicates, expect: duplicates = 0}
`

// measureAll makes the runs, the points in turn, so that what drifts over an hour
// falls on all of them.
func measureAll(ctx context.Context, o options) error {
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	program := filepath.Join(o.dir, "notifyctl")
	if err := command(ctx, os.Stderr, "go", "build", "-trimpath", "-o", program, "./cmd/notifyctl").Run(); err != nil {
		return fmt.Errorf("build the program: %w", err)
	}
	for n := range o.count {
		for _, p := range o.points {
			dir := filepath.Join(o.dir, p.name(), strconv.Itoa(n+1))
			fmt.Fprintf(os.Stderr, "%s, run %d of %d\n", p.name(), n+1, o.count)
			if err := measure(ctx, o, program, dir, p); err != nil {
				return fmt.Errorf("%s, run %d: %w", p.name(), n+1, err)
			}
		}
	}
	return nil
}

// measure makes one run and leaves its files in a directory.
func measure(ctx context.Context, o options, program, dir string, p point) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	spec := filepath.Join(dir, "scenario.yaml")
	if err := os.WriteFile(spec, fmt.Appendf(nil, scenario, p.rate, p.length), 0o644); err != nil {
		return err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	args := []string{
		"loadtest", spec, "--profile", scenarios.Full, "--quiet", "--out", dir, "--pprof", address,
		"--batch", strconv.Itoa(o.batch), "--users", strconv.FormatFloat(p.users, 'f', -1, 64),
	}
	if p.workers > 0 {
		for _, channel := range []string{"push", "email", "sms"} {
			args = append(args, "--set", fmt.Sprintf("deployment.workers.%s=%d", channel, p.workers))
		}
	}
	args = append(args, o.rest...)
	if !o.scrap {
		data := filepath.Join(dir, "data")
		defer func() { _ = os.RemoveAll(data) }() // gigabytes; the next run makes its own
		args = append(args, "--data", data)
	}
	var said bytes.Buffer
	run := command(ctx, &said, program, args...)
	run.Stdout = &said
	if err := run.Start(); err != nil {
		return err
	}
	seconds := int(min(p.length-o.warm-time.Second, o.profile) / time.Second)
	profiled := takeProfile(ctx, "http://"+address, o.warm, seconds, filepath.Join(dir, "cpu.pprof"))
	err = run.Wait()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == 111: // the machine was too slow: the table shows it
	case err != nil:
		return fmt.Errorf("%w\n%s", err, said.Bytes())
	}
	if profiled != nil {
		return fmt.Errorf("take the profile: %w", profiled)
	}
	return conclude(dir, p, seconds)
}

// command is a command that ends by an interrupt, and tells its messages to w.
func command(ctx context.Context, w io.Writer, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.Stderr = w
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	return c
}

// freeAddress gives a loopback address that nobody has.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// startPatience is how long a run may take until it serves profiles.
const startPatience = 15 * time.Second

// takeProfile takes a profile of the processor from a time on after the start.
func takeProfile(ctx context.Context, url string, warm time.Duration, seconds int, file string) (err error) {
	select {
	case <-time.After(warm):
	case <-ctx.Done():
		return ctx.Err()
	}
	answer, err := get(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", url, seconds))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, answer.Close()) }()
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, answer)
	return errors.Join(err, out.Close())
}

// get asks until somebody answers, as long as a process takes to start.
func get(ctx context.Context, url string) (io.ReadCloser, error) {
	began := time.Now()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, err
		}
		answer, err := http.DefaultClient.Do(request)
		switch {
		case err == nil && answer.StatusCode == http.StatusOK:
			return answer.Body, nil
		case err == nil:
			return nil, errors.Join(fmt.Errorf("it answered %s", answer.Status), answer.Body.Close())
		case ctx.Err() != nil || time.Since(began) > startPatience:
			return nil, err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// readResult reads the result of a run.
func readResult(dir string) (*scenarios.Result, error) {
	text, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err != nil {
		return nil, err
	}
	var r scenarios.Result
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, "result.json"), err)
	}
	return &r, nil
}
