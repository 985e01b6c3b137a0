package main

import (
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run this test's binary as the program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"notifyctl": main})
}

// TestScripts runs the command line as its users do: testdata/script holds one
// script a command. Beside testscript's own commands there is http; $ADDR is an
// address on which nothing listens, and $EXAMPLES the folder of the plans that
// the documentation shows.
func TestScripts(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Abs("../../docs/examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			env.Setenv("ADDR", listener.Addr().String())
			env.Setenv("EXAMPLES", examples)
			return listener.Close()
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exit": scriptExit,
			"http": scriptHTTP,
		},
	})
}

// scriptExit is "exit CODE COMMAND ARGS...": it runs a command and fails unless
// it exits with the code.
func scriptExit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE COMMAND ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit interface{ ExitCode() int }
		if !errors.As(err, &exit) {
			ts.Fatalf("running %s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s exited with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// scriptHTTP is "http [-m METHOD] [-d BODY] [-h 'Name: value']... STATUS URL":
// it waits until somebody listens, fails unless the answer has the status, and
// gives its body as stdout.
func scriptHTTP(ts *testscript.TestScript, neg bool, args []string) {
	flags := flag.NewFlagSet("http", flag.ContinueOnError)
	method := flags.String("m", http.MethodGet, "method")
	body := flags.String("d", "", "body")
	header := http.Header{}
	flags.Func("h", "header", func(line string) error {
		name, value, _ := strings.Cut(line, ":")
		header.Add(name, strings.TrimSpace(value))
		return nil
	})
	ts.Check(flags.Parse(args))
	if neg || flags.NArg() != 2 {
		ts.Fatalf("usage: http [-m METHOD] [-d BODY] [-h HEADER]... STATUS URL")
	}
	request, err := http.NewRequest(*method, flags.Arg(1), strings.NewReader(*body))
	ts.Check(err)
	request.Header = header
	if name := header.Get("Host"); name != "" {
		request.Host = name
	}
	response := answered(ts, request)
	defer func() { ts.Check(response.Body.Close()) }()
	_, err = io.Copy(ts.Stdout(), response.Body)
	ts.Check(err)
	if got := strconv.Itoa(response.StatusCode); got != flags.Arg(0) {
		ts.Fatalf("%s %s answered %s, want %s", *method, flags.Arg(1), got, flags.Arg(0))
	}
}

// startTimeout bounds the wait for a server to listen.
const startTimeout = 20 * time.Second

// answered sends a request as often as nobody listens.
func answered(ts *testscript.TestScript, request *http.Request) *http.Response {
	for deadline := time.Now().Add(startTimeout); ; {
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			return response
		}
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Now().After(deadline) {
			ts.Fatalf("%v", err)
		}
		<-time.After(20 * time.Millisecond) // a process of its own starts in real time
	}
}
