package examples_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/store/sqlite"
)

// shopFolder tells a copy of this test program to be a shop, and where its files are.
const shopFolder = "EBB_SHOP_FOLDER"

// What must be in no file and no log. Each is long and random enough to be nowhere by chance.
const (
	shopBody     = "Ms. Q3nJ8vTzW1 orders for 17 Rue K5xRmB2dL"
	shopWhisper  = "Mr. Z7hPcY4sN9 must stay unknown in V6gDfX0w"
	shopPassword = "p4SS-w0RD-of-the-till-T8qLzM3kR"
	shopEntry    = "customer-B2yUoE6iA-of-the-table"
)

// ordering keeps orders in a data store and answers; whispering does the same for nobody to see.
const (
	ordering = `{"name": "Ordering", "flow": [
  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 1}, "mapper": {}},
  {"id": 2, "module": "till:Charge", "version": 1, "parameters": {"account": "till"}, "mapper": {"text": "{{1.text}}"}},
  {"id": 3, "module": "datastore:AddRecord", "version": 1, "parameters": {"datastore": 1},
   "mapper": {"key": "{{1.key}}", "data": {"text": "{{1.text}}"}, "overwrite": "true"}},
  {"id": 4, "module": "gateway:WebhookRespond", "version": 1, "mapper": {"status": "201", "body": "{{2.bytes}}"}}
]}`
	whispering = `{"name": "Whispering", "metadata": {"scenario": {"confidential": true}}, "flow": [
  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 2}, "mapper": {}},
  {"id": 2, "module": "till:Charge", "version": 1, "parameters": {"account": "till"}, "mapper": {"text": "{{1.text}}"}},
  {"id": 3, "module": "gateway:WebhookRespond", "version": 1, "mapper": {"status": "201", "body": "{{2.bytes}}"}}
]}`
)

// till is an app whose module takes a connection, and logs what it may.
type till struct{}

func (till) Name() string { return "till" }

func (till) Modules() []connector.Module {
	type sale struct {
		Text string `json:"text"`
	}
	type charged struct {
		Bytes int `json:"bytes"`
	}
	return []connector.Module{connector.NewAction(connector.Info{Name: "Charge", Connection: "till"},
		func(_ context.Context, call *connector.Call, in sale) (out charged, err error) {
			call.Log.Debug("charging", zap.Int("length", len(in.Text)))
			out.Bytes = len(in.Text)
			err = call.Connection.Secrets["password"].Use(func(password []byte) { out.Bytes += len(password) })
			return out, err
		})}
}

// A shop is a program that embeds the engine, with a key file and a database. It tells whoever started it, on standard output,
// every key that its keeper sees and every stage that it has reached, and waits there for a byte.
type shop struct {
	dir    string
	now    atomic.Int64  // how far its clock is ahead
	before atomic.Uint32 // the newest epoch when the clock was moved

	mu  sync.Mutex
	out *os.File
	in  *bufio.Reader
}

// The messages of a shop.
const (
	shopKey   = 'k' // and 32 bytes
	shopToken = 't' // and a line: what must be in no file, either
	shopStage = 's' // and a line
)

// saw passes a key on without a copy of it in the memory of this process.
func (s *shop) saw(key []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(key) != 32 {
		return fmt.Errorf("a key of %d bytes", len(key))
	}
	if _, err := s.out.Write([]byte{shopKey}); err != nil {
		return err
	}
	_, err := s.out.Write(key)
	return err
}

func (s *shop) token(token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := fmt.Fprintf(s.out, "%c%s\n", shopToken, token)
	return err
}

func (s *shop) stage(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := fmt.Fprintf(s.out, "%c%s\n", shopStage, name); err != nil {
		return err
	}
	_, err := s.in.ReadByte()
	return err
}

// telling is a keeper that tells a shop every key that goes through it.
type telling struct {
	crypto.Keeper
	shop *shop
}

func (k telling) Wrap(ctx context.Context, epoch uint32, key, scope []byte) ([]byte, error) {
	if err := k.shop.saw(key); err != nil {
		return nil, err
	}
	return k.Keeper.Wrap(ctx, epoch, key, scope)
}

func (k telling) Unwrap(ctx context.Context, epoch uint32, wrapped, scope []byte) ([]byte, error) {
	key, err := k.Keeper.Unwrap(ctx, epoch, wrapped, scope)
	if err != nil {
		return nil, err
	}
	return key, k.shop.saw(key)
}

// The clock of the keeper goes with that of the shop: epochs that are made after it was moved are of then.

func (k telling) NewEpoch(ctx context.Context) (crypto.Epoch, error) {
	made, err := k.Keeper.NewEpoch(ctx)
	return k.shop.dated(made), err
}

func (k telling) Epochs(ctx context.Context) ([]crypto.Epoch, error) {
	epochs, err := k.Keeper.Epochs(ctx)
	for i := range epochs {
		epochs[i] = k.shop.dated(epochs[i])
	}
	return epochs, err
}

func (s *shop) dated(epoch crypto.Epoch) crypto.Epoch {
	if epoch.Number > s.before.Load() {
		epoch.Created = epoch.Created.Add(time.Duration(s.now.Load()))
	}
	return epoch
}

// runShop is the program.
func runShop(dir string) error {
	s := &shop{dir: dir, out: os.Stdout, in: bufio.NewReader(os.Stdin)}
	for _, day := range []func(context.Context, *engine.Engine) error{s.firstDay, s.laterDay} {
		if err := s.open(day); err != nil {
			return err
		}
	}
	runtime.GC()
	runtime.GC() // what was put into pools goes with the second one
	debug.FreeOSMemory()
	return s.stage("closed")
}

// open opens everything, lets work happen, and closes everything.
func (s *shop) open(work func(context.Context, *engine.Engine) error) (err error) {
	ctx := context.Background()
	database := filepath.Join(s.dir, "ebb.db")
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	keyring, err := crypto.EnsureKeyring(filepath.Join(s.dir, "ebb.key"), database)
	if err != nil {
		return err
	}
	defer keyring.Close()
	records, err := sqlite.Open(ctx, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	e, err := engine.New(engine.Config{
		Store:      records,
		Keys:       crypto.HierarchyConfig{Keeper: telling{keyring, s}, KeyTime: 20 * time.Millisecond},
		Connectors: []connector.Connector{till{}},
		Logger:     zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), log, zap.DebugLevel)),
		Now:        func() time.Time { return time.Now().Add(time.Duration(s.now.Load())) },
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	return work(ctx, e)
}

func (s *shop) firstDay(ctx context.Context, e *engine.Engine) error {
	err := e.SaveConnection(ctx, connector.Connection{
		Name: "till", Type: "till", Secrets: map[string]secret.Value{"password": secret.NewString(shopPassword)},
	})
	if err != nil {
		return err
	}
	for _, text := range []string{ordering, whispering} {
		bp, err := blueprint.Parse([]byte(text))
		if err != nil {
			return err
		}
		if _, err := e.Deploy(ctx, bp, engine.DeployOptions{Activate: true}); err != nil {
			return err
		}
	}
	if err := s.stage("deployed"); err != nil {
		return err
	}
	if err := s.sell(ctx, e); err != nil {
		return err
	}
	return s.stage("sold")
}

func (s *shop) laterDay(ctx context.Context, e *engine.Engine) error {
	if err := s.sell(ctx, e); err != nil {
		return err
	}
	if err := s.stage("opened again"); err != nil {
		return err
	}
	for _, err := range e.Rotate(ctx, engine.RotateOptions{Index: true, RevokeHooks: true}) {
		if err != nil {
			return err
		}
	}
	if err := s.sell(ctx, e); err != nil {
		return err
	}
	if err := s.stage("rotated"); err != nil {
		return err
	}
	turner := e.Vault().(crypto.Turner)
	epoch, err := turner.Epoch(ctx)
	if err != nil {
		return err
	}
	s.before.Store(epoch.Number)
	s.now.Add(int64(15 * 24 * time.Hour))
	if _, err := e.Tick(ctx); err != nil { // which turns the epoch
		return err
	}
	for settled := false; !settled; { // the old epoch is destroyed when nobody uses it any more
		for p, err := range turner.Turn(ctx, false) {
			if err != nil {
				return err
			}
			settled = p.Finished
		}
	}
	if err := s.sell(ctx, e); err != nil {
		return err
	}
	return s.stage("turned")
}

// sell lets orders come in and serves them.
func (s *shop) sell(ctx context.Context, e *engine.Engine) error {
	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- e.Serve(ctx) }()
	err := s.orders(ctx, e)
	stop()
	return errors.Join(err, <-served)
}

func (s *shop) orders(ctx context.Context, e *engine.Engine) error {
	for name, text := range map[string]string{"Ordering": shopBody, "Whispering": shopWhisper} {
		scenario, err := e.Scenario(ctx, name)
		if err != nil {
			return err
		}
		if err := s.token(path.Base(scenario.Hook.Path())); err != nil {
			return err
		}
		for n := range 2 {
			body := fmt.Sprintf(`{"key": "%s-%d", "text": %q}`, shopEntry, n, text)
			request := httptest.NewRequestWithContext(ctx, http.MethodPost, scenario.Hook.Path(), strings.NewReader(body))
			request.Header.Set("Content-Type", "application/json")
			answer := httptest.NewRecorder()
			e.Hooks().ServeHTTP(answer, request)
			want := fmt.Sprint(len(text) + len(shopPassword))
			if got, err := io.ReadAll(answer.Body); err != nil || answer.Code != http.StatusCreated || string(got) != want {
				return fmt.Errorf("%s answers %d %s, and %s was to come: %w", name, answer.Code, got, want, err)
			}
		}
	}
	return nil
}
