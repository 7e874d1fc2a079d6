// Run runs a blueprint once, in memory, and prints what happened as one JSON object:
//
//	go run ./examples/run [-sample] [-input FILE] [-stub FILE] [-now RFC3339] [-tz ZONE] BLUEPRINT
//
//	{"status":"success|warning|error",
//	 "error":null | {"module","type","message"},
//	 "operations":3,
//	 "trace":[{"module":1,"in":{},"out":[{}],"error":null | {"type","message"}}],
//	 "responses":[{"status":200,"headers":{},"body":"Accepted"}]}
//
// The input is a JSON array of bundles that the first module gives in one cycle, whatever module it is. The stubs are a JSON
// object from module id to a list whose i-th element is what the module's i-th call gives: an array of bundles, or
// {"error":{"type","message"}}. A stub stands in for any module, known or not. What is not stubbed is real, so that HTTP
// modules do send requests; addresses on this machine are allowed. Data stores that the blueprint names begin empty.
//
// With -sample, what the input and the stubs do not give is made up: the bundle of a hook, and what those modules give for which
// there is no connector, which would send requests, wait, or read a data store. It follows the outputs that the file
// declares and what later modules do with them, so a value that is parsed as JSON is JSON, and one that is formatted as a
// date is a date. Nothing leaves this machine then.
//
// What the run warns of, such as a condition whose operand could not be converted, goes to standard error, a line each. A
// blueprint that cannot be run is not: its problems go there, and the exit code is 2.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/apps"
	"github.com/ebbkit/ebb/connector/transport"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(2) //nolint:gocritic // stop has run
	}
}

// run does what the command line says.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(stderr)
	input := flags.String("input", "", "`file` with a JSON array of bundles that the first module gives")
	stub := flags.String("stub", "", "`file` with a JSON object from module id to the results of its calls")
	sample := flags.Bool("sample", false, "make up what input and stubs do not give")
	now := flags.String("now", "", "the time that the run takes place at, in `RFC 3339`")
	zone := flags.String("tz", "UTC", "the scenario's time `zone`")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("usage: run [-sample] [-input FILE] [-stub FILE] [-now RFC3339] [-tz ZONE] BLUEPRINT")
	}
	bp, err := read(flags.Arg(0))
	if err != nil {
		return err
	}
	config := engine.Config{Connectors: apps.All(), Network: transport.Policy{Allow: transport.Loopback()}}
	if config.Location, err = time.LoadLocation(*zone); err != nil {
		return fmt.Errorf("-tz: %w", err)
	}
	if *now != "" {
		at, err := time.Parse(time.RFC3339Nano, *now)
		if err != nil {
			return fmt.Errorf("-now: %w", err)
		}
		config.Now = func() time.Time { return at }
	}
	options := engine.TryOptions{}
	if *input != "" {
		if options.Input, err = readInput(*input); err != nil {
			return fmt.Errorf("-input: %w", err)
		}
	}
	if *stub != "" {
		if options.Stubs, err = readStubs(*stub, bp); err != nil {
			return fmt.Errorf("-stub: %w", err)
		}
	}
	e, err := engine.New(config)
	if err != nil {
		return err
	}
	defer e.Close()
	if *sample {
		fillIn(e, bp, &options)
	}
	execution, err := e.Try(ctx, bp, options)
	if err != nil {
		return err
	}
	for _, w := range execution.Warnings {
		fmt.Fprintf(stderr, "warning: module %d: %s\n", w.Module, w.Message)
	}
	text, err := connector.AppendJSON(nil, report(execution, bp))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s\n", text)
	return err
}

// fillIn makes up what the options do not give.
func fillIn(e *engine.Engine, bp *blueprint.Blueprint, options *engine.TryOptions) {
	_, unknown := e.Check(bp)
	input, stubs := samples(bp, unknown)
	if options.Input == nil {
		options.Input = input
	} else if len(bp.Flow) > 0 {
		delete(stubs, bp.Flow[0].ID)
	}
	maps.Copy(stubs, options.Stubs)
	options.Stubs = stubs
}

func read(file string) (*blueprint.Blueprint, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	bp, err := blueprint.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return bp, nil
}

func readInput(file string) ([]connector.Bundle, error) {
	value, err := readJSON(file)
	if err != nil {
		return nil, err
	}
	return bundles(value)
}

func readJSON(file string) (any, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return connector.ParseJSON(data)
}

var errBundles = errors.New("not an array of objects")

func bundles(value any) ([]connector.Bundle, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, errBundles
	}
	all := make([]connector.Bundle, len(list))
	for i := range list {
		if all[i], ok = list[i].(connector.Bundle); !ok {
			return nil, fmt.Errorf("element %d: %w", i, errBundles)
		}
	}
	return all, nil
}
