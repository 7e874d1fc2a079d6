package examples_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/store/sqlite"
)

// childFolder tells a copy of this test program to be the host that is killed, and where its files are.
const childFolder = "EBB_SURVIVE_FOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		if err := host(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if dir := os.Getenv(shopFolder); dir != "" {
		if err := runShop(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// adding is a scenario that leaves an entry in a data store for each delivery, and answers.
const adding = `{"name": "Adding", "flow": [
  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 1}, "mapper": {}},
  {"id": 2, "module": "datastore:AddRecord", "version": 1, "parameters": {"datastore": 1},
   "mapper": {"key": "{{1.key}}", "data": {"seen": "{{1.key}}"}, "overwrite": "true"}},
  {"id": 3, "module": "datastore:AddRecord", "version": 1, "parameters": {"datastore": 1},
   "mapper": {"key": "{{1.key}}/second", "data": {"seen": "{{1.key}}"}, "overwrite": "true"}}
]}`

// host is a program that embeds the engine. It prints its hook's address and serves until it is killed.
func host(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e, closeAll, err := open(ctx, dir)
	if err != nil {
		return err
	}
	defer closeAll()
	bp, err := blueprint.Parse([]byte(adding))
	if err != nil {
		return err
	}
	scenario, err := e.Deploy(ctx, bp, engine.DeployOptions{Activate: true})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	server := &http.Server{Handler: e.Hooks(), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	fmt.Printf("http://%s%s\n", listener.Addr(), scenario.Hook.Path())
	return e.Serve(ctx)
}

func open(ctx context.Context, dir string) (*engine.Engine, func(), error) {
	database := filepath.Join(dir, "ebb.db")
	vault, err := crypto.EnsureKeyring(filepath.Join(dir, "ebb.key"), database)
	if err != nil {
		return nil, nil, err
	}
	records, err := sqlite.Open(ctx, database)
	if err != nil {
		return nil, nil, err
	}
	e, err := engine.New(engine.Config{
		Store: records, Vault: vault, Lease: 300 * time.Millisecond, Poll: 50 * time.Millisecond, MaxHookRequests: 1 << 30, MaxQueued: 1 << 30,
	})
	return e, func() {
		e.Close()
		records.Close()
		vault.Close()
	}, err
}

// A host that is killed with SIGKILL while deliveries come in, again and again, has run every delivery that it accepted to
// its end when it is left alone at last.
func TestCrashOfAHostLosesNoAcceptedDelivery(t *testing.T) {
	t.Parallel()
	rounds := 3
	if text := os.Getenv("EBB_CRASH_ROUNDS"); text != "" {
		var err error
		rounds, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	dir := t.TempDir()
	var accepted []string
	for round := range rounds {
		accepted = append(accepted, crash(t, dir, round)...)
	}
	require.NotEmpty(t, accepted)
	e, closeAll, err := open(t.Context(), dir)
	require.NoError(t, err)
	defer closeAll()
	lines, err := e.DataStore(t.Context(), "1")
	require.NoError(t, err)
	scenario, err := e.Scenario(t.Context(), "Adding")
	require.NoError(t, err)
	deadline := time.Now().Add(time.Minute)
	for {
		_, err := e.Tick(t.Context())
		require.NoError(t, err)
		ended := executions(t, e, scenario.ID)
		missing := 0
		for _, key := range accepted {
			if ended[key] == 0 {
				missing++
			}
			require.LessOrEqual(t, ended[key], 1, "executions of delivery %s", key)
			for _, key := range []string{key, key + "/second"} {
				_, ok, err := lines.Get(t.Context(), key)
				require.NoError(t, err)
				if !ok {
					missing++
				}
			}
		}
		if missing == 0 {
			break
		}
		require.True(t, time.Now().Before(deadline), "%d of the entries and executions of %d deliveries are missing", missing, len(accepted))
		timer := time.NewTimer(20 * time.Millisecond) // until the leases of the last host are over
		<-timer.C
	}
	t.Logf("%d deliveries accepted in %d rounds", len(accepted), rounds)
}

// executions counts the executions of a scenario by the key of what came in.
func executions(t *testing.T, e *engine.Engine, scenario string) map[any]int {
	t.Helper()
	ended := map[any]int{}
	for x, err := range e.Executions(t.Context(), scenario, engine.Query{}) {
		require.NoError(t, err)
		require.Equal(t, engine.StatusSuccess, x.Status)
		ended[x.Trace[0].Out[0].Get("key")]++
	}
	return ended
}

// crash starts a host, sends it deliveries from several connections, kills it in the middle, and returns the keys of those
// that it accepted.
func crash(t *testing.T, dir string, round int) []string {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(t.Context(), program)
	child.Env = append(os.Environ(), childFolder+"="+dir)
	child.Stderr = os.Stderr
	stdout, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "the host says where its hook is")
	url := strings.TrimSpace(line)

	var mu sync.Mutex
	var accepted []string
	enough := make(chan struct{})
	var senders sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	for sender := range 8 {
		senders.Go(func() {
			for n := 0; ; n++ {
				key := fmt.Sprintf("%d-%d-%d", round, sender, n)
				if !send(t, client, url, key) {
					return
				}
				mu.Lock()
				accepted = append(accepted, key)
				if len(accepted) == 10+round*7%50 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough // and more are on their way
	require.NoError(t, child.Process.Kill())
	err = child.Wait()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "it was killed")
	senders.Wait()
	return accepted
}

// send says whether the host accepted a delivery.
func send(t *testing.T, client *http.Client, url, key string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"key":"`+key+`"}`))
	if err != nil {
		return false
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err == nil && answer.StatusCode == http.StatusOK
}
