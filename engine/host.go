package engine

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine/internal/expr"
	"github.com/ebbkit/ebb/engine/internal/flow"
)

// A host does the operations of one run that have an effect.
type host struct {
	*core
	tenant string
	// run is the ID of the execution, scenario that of the scenario.
	run, scenario string
	// connections, dataStores and scenarios map what the blueprint calls them to the tenant's own names.
	connections, dataStores, scenarios map[string]string
	// depth is how many runs wait for this one. waited says that an operation has waited for another run.
	depth  int
	waited atomic.Bool
	// hushed says that nothing of the run's data is kept, so nothing of that of the runs that it calls is.
	hushed     bool
	structures *structures
	location   *time.Location
	// jar holds the cookies that the modules of the run share. A run that is taken up again begins with an empty one.
	jar http.CookieJar
	// tried are the states of modules in a run that is only tried.
	tried map[int]*triedState
	// respond sends an answer to the hook's caller.
	respond func(connector.Response)
	// cursor is where the trigger goes on in the next cycle.
	cursor []byte
	// late keeps answers back until the run has ended well: what a scenario without auto-commit does.
	late    bool
	mu      sync.Mutex // guards answers: modules may answer from goroutines of their own
	answers []connector.Response
	// secure is called before the first operation that may have an effect. Nil: nothing to do.
	secure func(context.Context) error
	// mask knows the secrets of the run: own, or that of the run that waits for this one. See mask.go. connects says that
	// the run may get to know any, lent what the operation at hand was lent.
	mask     *secret.Mask
	own      secret.Mask
	connects bool
	lent     []*connector.Connection
	hidden   passwords
	// mentions has the people of whom the run speaks. Nil: nobody yet.
	mentions *mentions
}

var _ flow.Host = (*host)(nil)

// Do implements flow.Host.
func (h *host) Do(ctx context.Context, op *flow.Operation) (flow.Result, error) {
	h.hidden.learn(h.mask, op.Module, op.Input)
	call, err := h.call(ctx, op)
	defer h.takeBack()
	if err != nil {
		return h.result(ctx, nil, err)
	}
	limited, cancel := context.WithTimeout(ctx, h.cfg.MaxModuleTime)
	defer cancel()
	repeatable, ok := op.Impl.(connector.Repeatable)
	again := ok && repeatable.Repeatable(call)
	if h.secure != nil && !again && !op.Impl.Info().ReadOnly {
		if err := h.secure(ctx); err != nil {
			return flow.Result{}, err
		}
		h.secure = nil
	}
	h.waited.Store(false)
	bundles, err := flow.Invoke(limited, op, call)
	h.cursor = call.Cursor
	if err != nil && limited.Err() != nil && ctx.Err() == nil && !h.waited.Load() {
		err = connector.Errorf(connector.ModuleTimeoutError, "module %s took longer than %v", op.Name, h.cfg.MaxModuleTime)
	}
	result, err := h.result(ctx, bundles, err)
	result.Repeatable = again
	return result, err
}

// result is what the run gets to know. When the run itself was told to stop, nobody knows what came of the operation.
func (h *host) result(ctx context.Context, bundles []connector.Bundle, err error) (flow.Result, error) {
	if ctx.Err() != nil {
		return flow.Result{}, context.Cause(ctx)
	}
	result := flow.Result{Bundles: bundles, At: h.now()}
	if err != nil {
		result.Bundles, result.Failure = nil, h.failureOf(err)
		if errors.Is(err, ErrErased) { // what the module was given is about the person
			h.refused()
		}
	}
	return result, nil
}

// call is what the module may use for the operation.
func (h *host) call(ctx context.Context, op *flow.Operation) (*connector.Call, error) {
	call := &connector.Call{
		Params:    op.Params,
		Input:     op.Input,
		Erased:    op.Erased,
		Cursor:    h.cursor,
		Now:       op.Now,
		Location:  op.Location,
		Log:       h.maskedLog(h.logger(zap.String("scenario", h.scenario), zap.String("execution", h.run), zap.Int("module", op.Module))),
		HTTP:      h.network.Client(),
		Dial:      h.network.Dial,
		Data:      h.data,
		Structure: h.structures.find,
		Scenario: func(_ context.Context, name string, in connector.Bundle, wait bool) (connector.Bundle, error) {
			return h.callScenario(ctx, name, in, wait)
		},
		Match:   h.match,
		Vars:    op.Vars,
		Respond: h.answer,
		Key:     h.run + "-" + strconv.FormatInt(op.Number, 10),
		Attempt: 1,
	}
	if h.jar == nil {
		h.jar = h.network.Jar()
	}
	call.Client, call.Cookies = h.network.ClientFor, h.jar
	call.Module, call.State = op.Module, h.state(op.Module)
	if err := h.connect(ctx, op, call); err != nil {
		return nil, err
	}
	return call, nil
}

func (h *host) data(_ context.Context, name string) (connector.DataStore, error) {
	if name == "" {
		return nil, connector.Errorf(connector.InvalidConfigurationError, "the module names no data store: set its parameter datastore")
	}
	data := h.dataStore(h.tenant, mapped(name, h.dataStores))
	data.location, data.speakOf = h.location, h.speakOf
	return data, nil
}

func (h *host) answer(_ context.Context, response connector.Response) error {
	if h.late {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.answers = append(h.answers, response)
		return nil
	}
	h.respond(response)
	return nil
}

// commit sends the answers that were kept back.
func (h *host) commit() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, response := range h.answers {
		h.respond(response)
	}
	h.answers = nil
}

// match evaluates the conditions of a data store's filter, in which a is the name of a field and b a value.
func (h *host) match(conditions any, entry connector.Bundle) (bool, error) {
	groups, ok := conditions.([]any)
	if !ok && conditions != nil {
		return false, connector.Errorf(connector.BundleValidationError, "a filter is an array of arrays of conditions")
	}
	for i, group := range groups {
		rules, ok := group.([]any)
		if !ok {
			return false, connector.Errorf(connector.BundleValidationError, "filter[%d] is no array of conditions", i)
		}
		holds := true
		for j := 0; j < len(rules) && holds; j++ {
			rule, ok := rules[j].(connector.Bundle)
			if !ok {
				return false, connector.Errorf(connector.BundleValidationError, "filter[%d][%d] is no collection {a, o, b}", i, j)
			}
			var err error
			if holds, err = h.compare(rule, entry); err != nil {
				return false, connector.Errorf(connector.BundleValidationError, "filter[%d][%d]: %w", i, j, err)
			}
		}
		if holds {
			return true, nil
		}
	}
	return len(groups) == 0, nil
}

func (h *host) compare(rule, entry connector.Bundle) (bool, error) {
	name, _ := rule.Get("o").(string)
	operator, err := expr.ParseOperator(name)
	if err != nil {
		return false, err
	}
	field, _ := rule.Get("a").(string)
	holds, _, err := h.language.Compare(operator, inside(entry, field), rule.Get("b"), h.location)
	return holds, err
}

// inside finds a field of an entry by its path: names with dots between them, unless a field has the whole as its name.
func inside(entry connector.Bundle, path string) any {
	if value, ok := entry.Lookup(path); ok {
		return value
	}
	name, rest, nested := strings.Cut(path, ".")
	if inner, ok := entry.Get(name).(connector.Bundle); ok && nested {
		return inside(inner, rest)
	}
	return nil
}
