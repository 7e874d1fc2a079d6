package repo

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

// An Execution is what became of a run: its outcome, and what each module took and gave. Its Parent is the scenario, its
// State the status.
type Execution struct {
	Envelope

	Summary Summary
	// Trace is what each module took and gave, as the engine encodes it.
	Trace []byte
}

// An Activity is the line that an execution leaves in its scenario's log: the outcome, without any of the data. It has the
// execution's ID and Parent.
type Activity struct {
	Envelope
	Summary
}

// A Summary says how a run ended.
type Summary struct {
	Ended      time.Time `json:"ended"`
	Operations int64     `json:"operations"`
	// Deployment says which deployment of the scenario it was an execution of.
	Deployment int64 `json:"deployment,omitempty"`
	// Module, Type and Message are those of the failure. An Activity has no Message: that may hold data.
	Module  int    `json:"module,omitempty"`
	Type    string `json:"type,omitempty"`
	Message string `json:"message,omitempty"`
}

const (
	executionKind store.Kind = "execution"
	activityKind  store.Kind = "activity"
)

func (*Execution) kind() store.Kind             { return executionKind }
func (*Execution) category() retention.Category { return retention.ExecutionDetail }

func (x *Execution) encode() ([]byte, error) {
	summary, err := json.Marshal(x.Summary)
	return pack(summary, x.Trace), err
}

func (x *Execution) decode(body []byte) error {
	var summary []byte
	if err := unpack(body, &summary, &x.Trace); err != nil {
		return err
	}
	return json.Unmarshal(summary, &x.Summary)
}

func (*Activity) kind() store.Kind             { return activityKind }
func (*Activity) category() retention.Category { return retention.Activity }
func (a *Activity) encode() ([]byte, error)    { return json.Marshal(a.Summary) }
func (a *Activity) decode(body []byte) error   { return json.Unmarshal(body, &a.Summary) }

// Page says which of many documents are wanted.
type Page struct {
	// State is the state that they must have. Empty: any.
	State string
	// After is the ID behind which to begin. Empty: at the newest.
	After string
	// Limit is how many. Zero: all.
	Limit int
}

// Executions yields a scenario's executions, newest first.
func (r *Repo) Executions(ctx context.Context, tenant, scenario string, page Page) iter.Seq2[*Execution, error] {
	return typed[*Execution](r.find(ctx, page.query(executionKind, tenant, scenario), func() Document { return new(Execution) }))
}

// Activities yields a scenario's log, newest first. An empty scenario stands for all of the tenant's.
func (r *Repo) Activities(ctx context.Context, tenant, scenario string, page Page) iter.Seq2[*Activity, error] {
	return typed[*Activity](r.find(ctx, page.query(activityKind, tenant, scenario), func() Document { return new(Activity) }))
}

func (p Page) query(kind store.Kind, tenant, parent string) store.Query {
	return store.Query{
		Kind: kind, Tenant: tenant, Parent: parent, State: p.State, After: p.After, Limit: p.Limit, Reverse: true,
	}
}
