package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/sqlite"
)

// A program is the quickstart at work.
type program struct {
	out      io.Writer
	store    *sqlite.Store
	engine   *engine.Engine
	scenario *engine.Scenario
	ahead    time.Duration
}

func (p *program) printf(format string, args ...any) { fmt.Fprintf(p.out, format, args...) }

// tree draws the modules of a flow.
func (p *program) tree(flow []blueprint.Module, indent string) {
	for i := range flow {
		m := &flow[i]
		filter := ""
		if m.Filter != nil && m.Filter.Name != "" {
			filter = " [if " + m.Filter.Name + "]"
		}
		p.printf("%s%d %s (%s)%s\n", indent, m.ID, m.Title(), m.Name, filter)
		fallback, has := m.Fallback()
		for j := range m.Routes {
			name := "route"
			if has && j == fallback {
				name = "fallback route"
			}
			p.printf("%s  %s\n", indent, name)
			p.tree(m.Routes[j].Flow, indent+"    ")
		}
	}
}

// story tells what the executions did, what is stored, and what becomes of it.
func (p *program) story(ctx context.Context) error {
	p.printf("\nWhat the modules did:\n")
	var all []*engine.Execution
	for x, err := range p.engine.Executions(ctx, p.scenario.ID, engine.Query{Limit: 3}) {
		if err != nil {
			return err
		}
		all = append(all, x)
	}
	for _, x := range slices.Backward(all) { // they come newest first
		p.printf("\n  execution %s: %s, %d operations in %v\n", x.ID, x.Status, x.Operations, x.Ended.Sub(x.Started).Round(time.Microsecond))
		for _, step := range x.Trace {
			m, _ := p.scenario.Blueprint.Module(step.Module)
			p.printf("    %d %s\n", step.Module, m.Title())
			if step.In.Len() > 0 {
				p.printf("        in   %s\n", short(step.In))
			}
			for _, out := range step.Out {
				p.printf("        out  %s\n", short(out))
			}
			if step.Error != nil {
				p.printf("        failed: %s: %s\n", step.Error.Type, step.Error.Message)
			}
		}
	}
	p.printf("\nThe data store %q has:\n\n", "order lines")
	lines, err := p.engine.DataStore(ctx, "order lines")
	if err != nil {
		return err
	}
	for entry, err := range lines.All(ctx) {
		if err != nil {
			return err
		}
		p.printf("  %-16s %s\n", entry.Key, short(entry.Data))
	}
	if err := p.stored(ctx, "\nWhat is stored, sealed, and until when:\n\n"); err != nil {
		return err
	}
	began := time.Now()
	for _, later := range []struct {
		name string
		when time.Time
	}{
		{"31 days", began.AddDate(0, 0, 31)},
		{"61 days", began.AddDate(0, 0, 61)},
		{"8 months", began.AddDate(0, 8, 0)},
	} {
		p.ahead = time.Until(later.when)
		report, err := p.engine.Sweep(ctx)
		if err != nil {
			return err
		}
		p.printf("\nA sweep %s later, on %s:\n\n%s\n", later.name, later.when.Format(time.DateOnly), report)
		if err := p.stored(ctx, "\nWhat is left:\n\n"); err != nil {
			return err
		}
	}
	return nil
}

// short is a bundle as JSON, cut where it gets long.
func short(b connector.Bundle) string {
	text, err := b.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	const most = 160
	if runes := []rune(string(text)); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(text)
}

// stored lists what the store holds, by category.
func (p *program) stored(ctx context.Context, title string) error {
	type line struct {
		active, passive int
		first           store.Record
	}
	lines := map[string]*line{}
	kinds, err := p.store.Kinds(ctx)
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		for record, err := range p.store.Find(ctx, store.Query{Kind: kind, AllTenants: true, Visibility: store.Everything, KeysOnly: true}) {
			if err != nil {
				return err
			}
			l := lines[record.Category]
			if l == nil {
				l = &line{first: record}
				lines[record.Category] = l
			}
			if record.Passive.IsZero() {
				l.active++
			} else {
				l.passive++
			}
		}
	}
	p.printf("%s", title)
	policy := retention.Default()
	for _, category := range slices.SortedFunc(maps.Keys(lines), cmp.Compare[string]) {
		l := lines[category]
		until := "until somebody deletes it"
		if category == string(retention.Key) {
			until = "until they are destroyed"
		}
		if end, limited := policy.Until(retention.Category(category), l.first.Created); limited {
			gone, _ := policy.Gone(retention.Category(category), end)
			until = fmt.Sprintf("in use until %s, deleted on %s", end.Format(time.DateOnly), gone.Format(time.DateOnly))
		}
		p.printf("  %-18s %2d in use  %2d passive   %s\n", category, l.active, l.passive, until)
	}
	return nil
}
