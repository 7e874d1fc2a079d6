// Quickstart runs a scenario on real HTTP traffic and shows what happened: what came in, what each module did, what was
// answered, what is stored and for how long, and what is left of it one, two and eight months later.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -keep       keeps the folder with the database and the key, and says where it is
//	go run ./examples/quickstart -dir DIR    works in a folder of yours, again and again
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/transport"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/store/sqlite"
)

//go:embed orders.blueprint.json
var orders string

func main() {
	keep := flag.Bool("keep", false, "keep the folder with the database and the key")
	dir := flag.String("dir", "", "`folder` to work in; it is kept (default: a temporary one)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := quickstart(ctx, os.Stdout, *dir, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

func quickstart(ctx context.Context, out io.Writer, dir string, keep bool) (err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "ebb-quickstart-"); err != nil {
			return err
		}
		if keep {
			defer func() {
				fmt.Fprintf(out, "\nEverything is in %s. Go on with it: go run ./examples/quickstart -dir %s\n", dir, dir)
			}()
		} else {
			defer os.RemoveAll(dir)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	p := &program{out: out}

	// A store that lasts needs keys that last: one file each.
	database := filepath.Join(dir, "ebb.db")
	keeper, err := crypto.EnsureKeyring(filepath.Join(dir, "ebb.key"), database)
	if err != nil {
		return err
	}
	defer keeper.Close()
	if p.store, err = sqlite.Open(ctx, database); err != nil {
		return err
	}
	defer p.store.Close()

	// The CRM is a service on this machine, which connectors may reach only when the host says so.
	crm, err := serve(customers())
	if err != nil {
		return err
	}
	defer crm.Close()
	if p.engine, err = engine.New(engine.Config{
		Store:   p.store,
		Keys:    crypto.HierarchyConfig{Keeper: keeper},
		Now:     p.now,
		Network: transport.Policy{Allow: transport.Loopback()},
	}); err != nil {
		return err
	}
	defer p.engine.Close()

	bp, err := blueprint.Parse([]byte(strings.ReplaceAll(orders, "http://crm.example", crm.url)))
	if err != nil {
		return err
	}
	if p.scenario, err = p.engine.Deploy(ctx, bp, engine.DeployOptions{
		Activate:   true,
		DataStores: map[string]string{"90114": "order lines"},
	}); err != nil {
		return err
	}
	p.printf("The scenario %q is deployed (deployment %d). Its modules:\n\n", p.scenario.Name, p.scenario.Deployment)
	p.tree(bp.Flow, "  ")

	if err := p.traffic(ctx); err != nil {
		return err
	}
	return p.story(ctx)
}

// traffic posts three orders over HTTP while the engine works.
func (p *program) traffic(ctx context.Context) error {
	hooks, err := serve(p.engine.Hooks())
	if err != nil {
		return err
	}
	defer hooks.Close()
	working, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- p.engine.Serve(working) }()
	p.printf("\nThree orders come in:\n")
	for _, order := range []string{
		`{"order":"A-1","customer":"ada@example.com","lines":[{"sku":"engine","quantity":1,"price":950},{"sku":"card","quantity":20,"price":0.5}]}`,
		`{"order":"A-2","customer":"grace@example.com","lines":[{"sku":"nanosecond","quantity":3,"price":1.25}]}`,
		`{"order":"A-3","customer":"ada@example.com","lines":[{"sku":"cog","quantity":40,"price":2.5},{"sku":"wheel","quantity":2,"price":80}]}`,
	} {
		answer, err := post(ctx, hooks.url+p.scenario.Hook.Path(), order)
		if err != nil {
			stop()
			<-done
			return err
		}
		p.printf("\n  POST %s\n  %s\n", order, answer)
	}
	stop() // Serve comes back when the runs under way have ended
	return <-done
}

func post(ctx context.Context, url, body string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return fmt.Sprintf("%s  %s", answer.Status, text), err
}

// customers is a small CRM.
func customers() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tier := "silver"
		if r.URL.Query().Get("email") == "ada@example.com" {
			tier = "gold"
		}
		w.Header().Set("Content-Type", "application/json")
		text, _ := connector.NewBundle("tier", tier).MarshalJSON() // a text cannot fail to be JSON
		_, _ = w.Write(text)
	})
}

// now is the time that the engine goes by: the real one, until the story looks ahead.
func (p *program) now() time.Time { return time.Now().Add(p.ahead) }
