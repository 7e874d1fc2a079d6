package main

import (
	"math"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// sample is what the page's examples work with: a bundle that module 1 gave.
func sample() connector.Bundle {
	item := func(sku, kind string, amount int) connector.Bundle {
		return connector.NewBundle("sku", sku, "kind", kind, "amount", amount)
	}
	return connector.NewBundle(
		"name", "Ada Lovelace",
		"price", 9.75,
		"paid", true,
		"tags", []any{"new", "paid", "new"},
		"created", time.Date(2026, time.January, 31, 11, 22, 33, 444_000_000, time.UTC),
		"customer", connector.NewBundle("city", "Brno", "zip", "602 00"),
		"items", []any{item("b1", "book", 2), item("p1", "pen", 1), item("b2", "book", 5)},
		"User's note", "call first",
		"photo", []byte{0xff, 0xd8, 0xff},
	)
}

// run is the environment of the examples.
type run struct{ zone *time.Location }

func (run) Module(slot int) (any, bool) {
	if slot != 1 {
		return nil, false
	}
	return sample(), true
}

func (run) Var(root string) (any, bool) {
	switch root {
	case "var":
		return connector.NewBundle("scenario", connector.NewBundle("name", "Orders")), true
	case "executionId":
		return "0192d3f0-7c1e-7a52-9e0b-3f6f1f0f5a11", true
	}
	return nil, false
}

func (run) Now() time.Time             { return time.Date(2026, time.July, 15, 10, 20, 30, 456_000_000, time.UTC) }
func (run) Random() float64            { return math.Sqrt2 - 1 }
func (run) UUID() string               { return "2f1a3f0c-6c1d-4f6e-9a58-0d6c8e7b1a11" }
func (r run) Location() *time.Location { return r.zone }
