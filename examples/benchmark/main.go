// Benchmark measures what a host pays for durable scenarios, against bare net/http on the same machine in the same run:
//
//	go run ./examples/benchmark [-seconds 3] [-rounds 3] [-connections 8]
//
// Throughput: a webhook, three pure modules and an answer, each delivery durable in SQLite, beside a bare handler that
// writes one synchronous SQLite row a request. Both are asked in turn, so that a machine whose speed drifts is fair to
// both; the ratio is what counts.
//
// Cold start: from starting a process to its first answered webhook. Idle: the memory of that process when nothing comes
// in. Both use the scenario of the quickstart.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	seconds := flag.Float64("seconds", 3, "how long each measurement lasts")
	rounds := flag.Int("rounds", 3, "how often both are measured in turn")
	connections := flag.Int("connections", 8, "connections at once")
	child := flag.String("child", "", "serve the quickstart's scenario in this `folder` (what the cold start measures)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *child != "" {
		err = serveChild(ctx, *child)
	} else {
		err = measure(ctx, time.Duration(*seconds*float64(time.Second)), *rounds, *connections)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchmark:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

func measure(ctx context.Context, length time.Duration, rounds, connections int) error {
	if err := throughput(ctx, length, rounds, connections); err != nil {
		return err
	}
	return coldStart(ctx)
}
