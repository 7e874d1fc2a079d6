package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/store/sqlite"
)

// threeModules is a webhook, three pure modules and an answer.
const threeModules = `{"name": "Three modules", "flow": [
  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 1}, "mapper": {}},
  {"id": 2, "module": "util:SetVariables", "version": 1, "mapper": {"scope": "roundtrip", "variables": [
    {"name": "who", "value": "{{trim(1.name)}}"}, {"name": "total", "value": "{{1.quantity * 1.price}}"}]}},
  {"id": 3, "module": "util:ComposeTransformer", "version": 1, "mapper": {"value": "{{upper(2.who)}} pays {{2.total}}"},
   "filter": {"name": "something", "conditions": [[{"a": "{{2.total}}", "o": "number:greater", "b": "0"}]]}},
  {"id": 4, "module": "util:SetVariable2", "version": 1, "mapper": {"scope": "roundtrip", "name": "text", "value": "{{3.value}} on {{formatDate(now; \"YYYY-MM-DD\")}}"}},
  {"id": 5, "module": "gateway:WebhookRespond", "version": 1, "mapper": {"status": "200", "body": "{{4.text}}"}}
]}`

const order = `{"name":" Ada ","quantity":3,"price":12.5,"note":"as agreed on the telephone, please deliver in the morning"}`

// throughput measures both servers in turn.
func throughput(ctx context.Context, length time.Duration, rounds, connections int) error {
	dir, err := os.MkdirTemp("", "ebb-benchmark-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	scenario, closeScenario, err := scenarioServer(ctx, dir)
	if err != nil {
		return err
	}
	defer closeScenario()
	bare, closeBare, err := bareServer(dir)
	if err != nil {
		return err
	}
	defer closeBare()
	var ratios []float64
	for round := range rounds + 1 {
		ours, err := load(ctx, scenario, length, connections)
		if err != nil {
			return err
		}
		theirs, err := load(ctx, bare, length, connections)
		if err != nil {
			return err
		}
		if round == 0 {
			continue // both are warm now
		}
		ratios = append(ratios, ours/theirs)
		fmt.Printf("scenario %6.0f requests/s   bare with one row %6.0f requests/s   ratio %.2f\n", ours, theirs, ours/theirs)
	}
	slices.Sort(ratios)
	fmt.Printf("ratio, median of %d: %.2f\n", rounds, ratios[len(ratios)/2])
	return nil
}

func scenarioServer(ctx context.Context, dir string) (url string, stop func(), err error) {
	database := filepath.Join(dir, "ebb.db")
	keeper, err := crypto.EnsureKeyring(filepath.Join(dir, "ebb.key"), database)
	if err != nil {
		return "", nil, err
	}
	records, err := sqlite.Open(ctx, database)
	if err != nil {
		return "", nil, err
	}
	e, err := engine.New(engine.Config{Store: records, Keys: crypto.HierarchyConfig{Keeper: keeper}, MaxHookRequests: 1 << 30, MaxQueued: 1 << 30})
	if err != nil {
		return "", nil, err
	}
	bp, err := blueprint.Parse([]byte(threeModules))
	if err != nil {
		return "", nil, err
	}
	scenario, err := e.Deploy(ctx, bp, engine.DeployOptions{Activate: true})
	if err != nil {
		return "", nil, err
	}
	working, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- e.Serve(working) }()
	url, closeServer, err := listen(e.Hooks())
	return url + scenario.Hook.Path(), func() {
		closeServer()
		cancel()
		<-done
		e.Close()
		records.Close()
		keeper.Close()
	}, err
}

// bareServer writes each body as a row of its own, synchronously, before it answers: the least that a durable webhook can
// do. One connection is all that SQLite lets write.
func bareServer(dir string) (url string, stop func(), err error) {
	db, err := driver.OpenConn(filepath.Join(dir, "bare.db"), driver.OpenReadWrite|driver.OpenCreate|driver.OpenWAL)
	if err != nil {
		return "", nil, err
	}
	for _, statement := range []string{
		"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "CREATE TABLE deliveries (id INTEGER PRIMARY KEY, body BLOB)",
	} {
		if err := sqlitex.ExecuteTransient(db, statement, nil); err != nil {
			return "", nil, err
		}
	}
	var mu sync.Mutex
	url, closeServer, err := listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			mu.Lock()
			err = sqlitex.Execute(db, "INSERT INTO deliveries (body) VALUES (?)", &sqlitex.ExecOptions{Args: []any{body}})
			mu.Unlock()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, "ADA pays 37.5") // a client that has gone is counted by the load
	}))
	return url, func() {
		closeServer()
		db.Close()
	}, err
}

func listen(handler http.Handler) (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends when it is closed
	return "http://" + listener.Addr().String(), func() { server.Close() }, nil
}

// load asks a server as often as it answers, and returns how often a second.
func load(ctx context.Context, url string, length time.Duration, connections int) (float64, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	var answered atomic.Int64
	var failure atomic.Pointer[error]
	var group sync.WaitGroup
	began := time.Now()
	end := began.Add(length)
	for range connections {
		group.Go(func() {
			for time.Now().Before(end) && ctx.Err() == nil {
				if err := ask(ctx, client, url, order); err != nil {
					failure.Store(&err)
					return
				}
				answered.Add(1)
			}
		})
	}
	group.Wait()
	if err := failure.Load(); err != nil {
		return 0, *err
	}
	return float64(answered.Load()) / time.Since(began).Seconds(), ctx.Err()
}

func ask(ctx context.Context, client *http.Client, url, body string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK || strings.HasPrefix(string(text), "Accepted") {
		return fmt.Errorf("answered %s: %s", answer.Status, text)
	}
	return nil
}
