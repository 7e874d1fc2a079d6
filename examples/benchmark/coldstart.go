package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ebbkit/ebb/connector/transport"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/store/sqlite"
)

// coldStart starts this program anew several times and asks it once each time.
func coldStart(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "ebb-coldstart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for range 5 {
		if err := start(ctx, dir); err != nil {
			return err
		}
	}
	return nil
}

func start(ctx context.Context, dir string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.CommandContext(ctx, program, "-child", dir)
	child.Stderr = os.Stderr
	stdout, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := child.Start(); err != nil {
		return err
	}
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err == nil {
		const order = `{"order":"A-1","customer":"ada@example.com","lines":[{"sku":"card","quantity":1,"price":0.5}]}`
		err = ask(ctx, http.DefaultClient, strings.TrimSpace(url), order)
	}
	took := time.Since(began)
	var resident string
	if err == nil {
		time.Sleep(2 * time.Second) //nolint:forbidigo // the process is to be idle for a while
		resident, err = residentMemory(child.Process.Pid)
	}
	_ = child.Process.Signal(syscall.SIGTERM)
	if waited := child.Wait(); err == nil && waited != nil && ctx.Err() == nil {
		err = waited
	}
	if err != nil {
		return err
	}
	fmt.Printf("cold start to first webhook answered %v   idle memory %s\n", took.Round(100*time.Microsecond), resident)
	return nil
}

// residentMemory reads what Linux says of a process.
func residentMemory(pid int) (string, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if os.IsNotExist(err) {
		return "not known on this system", nil
	}
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if size, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kilobytes, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(size), "kB")))
			return fmt.Sprintf("%.1f MiB", float64(kilobytes)/1024), err
		}
	}
	return "not known", nil
}

// serveChild is the process that is started: a host of the quickstart's scenario.
func serveChild(ctx context.Context, dir string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	database := filepath.Join(dir, "ebb.db")
	keeper, err := crypto.EnsureKeyring(filepath.Join(dir, "ebb.key"), database)
	if err != nil {
		return err
	}
	defer keeper.Close()
	records, err := sqlite.Open(ctx, database)
	if err != nil {
		return err
	}
	defer records.Close()
	e, err := engine.New(engine.Config{Store: records, Keys: crypto.HierarchyConfig{Keeper: keeper}, Network: transport.Policy{Allow: transport.Loopback()}})
	if err != nil {
		return err
	}
	defer e.Close()
	text, err := os.ReadFile(filepath.Join("examples", "quickstart", "orders.blueprint.json"))
	if err != nil {
		return fmt.Errorf("run this from the root of the repository: %w", err)
	}
	bp, err := blueprint.Parse(text)
	if err != nil {
		return err
	}
	scenario, err := e.Deploy(ctx, bp, engine.DeployOptions{Activate: true})
	if err != nil {
		return err
	}
	url, closeServer, err := listen(e.Hooks())
	if err != nil {
		return err
	}
	defer closeServer()
	fmt.Println(url + scenario.Hook.Path())
	return e.Serve(ctx)
}
