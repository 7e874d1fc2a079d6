package versus_test

import (
	"encoding/json"
	"testing"
	"time"

	theirs "github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	ours "github.com/ebbkit/ebb/engine/internal/expr"
)

// A pair is one thing to work out, as each language writes it.
type pair struct {
	name, ours, theirs string
	want               any
}

func pairs() []pair {
	return []pair{
		{"path", `{{1.customer.address.city}}`, `customer.address.city`, "Brno"},
		{"arithmetic", `{{1.price * 1.quantity * (1 - 1.discount) + 1.shipping}}`, `price * quantity * (1 - discount) + shipping`, 27.375},
		{"text", `{{upper(trim(1.name)) + " <" + lower(1.email) + ">"}}`, `upper(trim(name)) + " <" + lower(email) + ">"`, "ADA LOVELACE <ada@example.com>"},
		{"condition", `{{if(1.status = "paid" & 1.quantity > 2; "ship"; "wait")}}`, `status == "paid" && quantity > 2 ? "ship" : "wait"`, "ship"},
		{"array", `{{join(map(1.items; "sku"; "kind"; "book"); ", ")}}`, `join(map(filter(items, .kind == "book"), .sku), ", ")`, "b1, b2, b3"},
	}
}

// order is what both evaluate over, as a webhook brings it.
const order = `{
  "name": "  Ada Lovelace ", "email": "Ada@Example.com", "status": "paid",
  "price": 9.75, "quantity": 3, "discount": 0.25, "shipping": 5.4375,
  "customer": {"id": 7, "address": {"street": "Dlouhá 1", "city": "Brno"}},
  "items": [
    {"sku": "b1", "kind": "book", "amount": 3}, {"sku": "p1", "kind": "pen", "amount": 1}, {"sku": "b2", "kind": "book", "amount": 2},
    {"sku": "p2", "kind": "pen", "amount": 1}, {"sku": "b3", "kind": "book", "amount": 1}, {"sku": "c1", "kind": "card", "amount": 9}
  ]
}`

// A run is our environment: bundles in a slice, as the interpreter has them.
type run struct{ bundles []any }

func (r *run) Module(slot int) (any, bool) {
	if slot >= len(r.bundles) {
		return nil, false
	}
	return r.bundles[slot], true
}
func (*run) Var(string) (any, bool)   { return nil, false }
func (*run) Now() time.Time           { return time.Unix(0, 0) }
func (*run) Random() float64          { return 0 }
func (*run) UUID() string             { return "" }
func (*run) Location() *time.Location { return time.UTC }

func ourSide(tb testing.TB) (*ours.Language, *run) {
	tb.Helper()
	language, err := ours.New(ours.Options{})
	require.NoError(tb, err)
	bundle, err := connector.ParseJSON([]byte(order))
	require.NoError(tb, err)
	return language, &run{bundles: []any{nil, bundle}}
}

func theirSide(tb testing.TB) map[string]any {
	tb.Helper()
	var values map[string]any
	require.NoError(tb, json.Unmarshal([]byte(order), &values))
	return values
}

func TestBothSidesGiveTheSame(t *testing.T) {
	t.Parallel()
	language, env := ourSide(t)
	values := theirSide(t)
	for _, p := range pairs() {
		template, err := language.Compile(p.ours, nil)
		require.NoError(t, err, p.name)
		got, err := template.Eval(env)
		require.NoError(t, err, p.name)
		require.Equal(t, p.want, got, p.name)

		program, err := theirs.Compile(p.theirs, theirs.Env(values))
		require.NoError(t, err, p.name)
		got, err = theirs.Run(program, values)
		require.NoError(t, err, p.name)
		require.Equal(t, p.want, got, p.name)
	}
}

func BenchmarkEval(b *testing.B) {
	language, env := ourSide(b)
	for _, p := range pairs() {
		b.Run(p.name+"/ours", func(b *testing.B) {
			template, err := language.Compile(p.ours, nil)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := template.Eval(env); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(p.name+"/theirs", func(b *testing.B) {
			values := theirSide(b)
			program, err := theirs.Compile(p.theirs, theirs.Env(values))
			require.NoError(b, err)
			var machine vm.VM
			b.ReportAllocs()
			for b.Loop() {
				if _, err := machine.Run(program, values); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	language, _ := ourSide(b)
	for _, p := range pairs() {
		b.Run(p.name+"/ours", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := language.Compile(p.ours, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(p.name+"/theirs", func(b *testing.B) {
			env := theirs.Env(theirSide(b))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := theirs.Compile(p.theirs, env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
