package blueprint

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// DrawOptions say how Draw draws. The zero DrawOptions draw the blueprint alone, without colours.
type DrawOptions struct {
	// Problems are shown at the modules where they are, those of the blueprint itself at the top. Default: none.
	Problems []Problem
	// Unknown are names of modules that are marked as having no connector, see the function Unknown. Default: none.
	Unknown []string
	// Width is how many columns the picture may take; names that are longer are broken. At least 40. Default: 100.
	Width int
	// Color adds ANSI colours (ECMA-48), for a terminal.
	Color bool
}

// Draw writes the blueprint as a tree for people to look at: each module in a line of its own, under it what must hold for a bundle to
// come to it, what is wrong with it, and its routes, branches, tools and error route as limbs.
//
//	● 1 New order · gateway:CustomWebHook
//	● 2 builtin:BasicRouter
//	   ├─ route 0
//	   │  ● 3 http:MakeRequest
//	   │     only if large: 1.total > 100
//	   │     ✗ mapper.url: url is required and empty; fill it (required-field)
//	   └─ route 1, the fallback
//	      ● 4 util:FunctionSleep
//
// Lines end with \n and hold no control characters but the colours, whatever the blueprint holds. Conditions are shown with the
// constants in them. The error is that of w.
func Draw(w io.Writer, bp *Blueprint, opts DrawOptions) error {
	d := drawing{opts: opts, width: opts.Width, at: map[*Module][]Problem{}}
	switch {
	case d.width == 0:
		d.width = 100
	case d.width < 40:
		d.width = 40
	}
	c := &checker{bp: bp, byID: map[int]int{}, beside: map[int]string{}, tools: map[*Module][]Tool{}, variables: map[string]bool{}}
	c.collect(bp.Flow, Place{})
	d.tools = c.tools
	top := d.assign(c)
	d.header(bp, c, top)
	d.flow(bp.Flow, "")
	_, err := io.WriteString(w, d.out.String())
	return err
}

type drawing struct {
	opts  DrawOptions
	width int
	tools map[*Module][]Tool
	at    map[*Module][]Problem
	out   strings.Builder
}

// assign gives each module its problems and returns those that belong to none.
func (d *drawing) assign(c *checker) []Problem {
	var top []Problem
	paths := map[string]int{}
	for i, place := range c.places {
		paths[place.Path()] = i
	}
	for _, p := range d.opts.Problems {
		if ordinal, ok := c.byID[p.Module]; ok {
			d.at[c.modules[ordinal]] = append(d.at[c.modules[ordinal]], p)
			continue
		}
		if ordinal, path, ok := within(paths, p.Field); ok {
			p.Field = strings.TrimPrefix(p.Field[len(path):], ".")
			d.at[c.modules[ordinal]] = append(d.at[c.modules[ordinal]], p)
			continue
		}
		top = append(top, p)
	}
	return top
}

// within finds the innermost module that a path of the blueprint leads into.
func within(paths map[string]int, field string) (ordinal int, path string, ok bool) {
	for end := len(field); end > 0; end-- {
		if field[end-1] != ']' {
			continue
		}
		if ordinal, ok := paths[field[:end]]; ok {
			return ordinal, field[:end], true
		}
	}
	return 0, "", false
}

func (d *drawing) header(bp *Blueprint, c *checker, top []Problem) {
	name := bp.Name
	if name == "" {
		name = "Blueprint without a name"
	}
	d.line("", "", span{name, bold})
	summary := []span{{count(len(c.modules), "module"), plain}}
	if unknown := d.unknown(c.modules); unknown > 0 {
		summary = append(summary, span{fmt.Sprintf(", %d without a connector", unknown), plain})
	}
	errors := 0
	for _, p := range d.opts.Problems {
		if p.Severity == SeverityError {
			errors++
		}
	}
	if errors > 0 {
		summary = append(summary, span{", ", plain}, span{count(errors, "error"), red})
	}
	if warnings := len(d.opts.Problems) - errors; warnings > 0 {
		summary = append(summary, span{", ", plain}, span{count(warnings, "warning"), yellow})
	}
	if differs := differing(bp.Settings()); differs != "" {
		summary = append(summary, span{"; " + differs, dim})
	}
	d.line("", "", summary...)
	d.problems("", top)
	d.out.WriteByte('\n')
}

func (d *drawing) unknown(modules []*Module) int {
	n := 0
	for _, m := range modules {
		if slices.Contains(d.opts.Unknown, m.Name) {
			n++
		}
	}
	return n
}

// differing names the settings that are not as in most scenarios.
func differing(s Settings) string {
	var names []string
	usual := DefaultSettings()
	theirs := usual.toggles()
	for i, toggle := range s.toggles() {
		if *toggle.value == *theirs[i].value {
			continue
		}
		name := toggle.name
		if !*toggle.value {
			name = "no " + name
		}
		names = append(names, name)
	}
	if s.Roundtrips != usual.Roundtrips {
		names = append(names, fmt.Sprintf("roundtrips %d", s.Roundtrips))
	}
	return strings.Join(names, ", ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// flow draws the modules of a list, each behind the prefix.
func (d *drawing) flow(flow []Module, prefix string) {
	for i := range flow {
		bar := "│"
		if i == len(flow)-1 {
			bar = " "
		}
		d.module(&flow[i], prefix, prefix+bar)
	}
}

func (d *drawing) module(m *Module, prefix, under string) {
	spans := []span{{bullet(m), plain}, {" ", plain}, {identity(m), bold}}
	name := m.Name
	if name == "" {
		name = "no module"
	}
	if title := m.Title(); title != m.Name {
		spans = append(spans, span{" " + title, plain}, span{" · " + name, dim})
	} else {
		spans = append(spans, span{" " + name, plain})
	}
	if slices.Contains(d.opts.Unknown, m.Name) {
		spans = append(spans, span{" (no connector)", dim})
	}
	d.line(prefix, under+"   ", spans...)
	if m.Filter.filters() || m.Filter != nil && m.Filter.Name != "" {
		d.line(under+"  ", under+"  ", span{onlyIf(m.Filter), dim})
	}
	if m.Kind() == KindAggregator {
		d.line(under+"  ", under+"  ", span{collects(m), dim})
	}
	d.problems(under+"  ", d.at[m])
	d.limbs(m, under+"  ")
}

func identity(m *Module) string {
	if m.ID <= 0 {
		return "?"
	}
	return fmt.Sprint(m.ID)
}

// bullet is the sign in front of a module.
func bullet(m *Module) string {
	switch m.Kind() {
	case KindRouter, KindConditional, KindConverger:
		return "◆"
	case KindDirective:
		return "○"
	default:
		return "●"
	}
}

// collects says what an aggregator gathers.
func collects(m *Module) string {
	text := "collects nothing"
	if feeder, ok := m.Feeder(); ok {
		text = fmt.Sprintf("collects what each operation of %d leads to", feeder)
	}
	if m.Flags.GroupBy != "" {
		text += ", a bundle for each " + operand(m.Flags.GroupBy)
	}
	if m.Flags.StopIfEmpty {
		text += ", none if it is empty"
	}
	return text
}

// A limb is a list of modules that hangs on a module.
type limb struct {
	label string
	flow  []Module
}

func (d *drawing) limbs(m *Module, prefix string) {
	var limbs []limb
	fallback, hasFallback := m.Fallback()
	for i, route := range m.Routes {
		label := fmt.Sprintf("route %d", i)
		if hasFallback && i == fallback {
			label += ", the fallback"
		}
		limbs = append(limbs, limb{label + disabled(route.Disabled), route.Flow})
	}
	for i := range m.Branches {
		limbs = append(limbs, limb{branchLabel(&m.Branches[i]) + disabled(m.Branches[i].Disabled), m.Branches[i].Flow})
	}
	for _, tool := range d.tools[m] {
		limbs = append(limbs, limb{"tool " + tool.Name, tool.Flow})
	}
	if len(m.OnError) > 0 {
		limbs = append(limbs, limb{"on error", m.OnError})
	}
	for i, l := range limbs {
		joint, bar := "├─ ", "│  "
		if i == len(limbs)-1 {
			joint, bar = "└─ ", "   "
		}
		if len(l.flow) == 0 {
			l.label += ", without modules"
		}
		d.line(prefix+joint, prefix+bar+"  ", span{l.label, dim})
		d.flow(l.flow, prefix+bar)
	}
}

func disabled(yes bool) string {
	if yes {
		return ", disabled"
	}
	return ""
}

func branchLabel(b *Branch) string {
	label := "else"
	if b.Type != "else" {
		label = "if " + inWords(b.Conditions)
	}
	if b.Label != "" {
		label = b.Label + ": " + label
	}
	if b.Merge {
		label += ", merges"
	}
	return label
}

func (d *drawing) problems(prefix string, problems []Problem) {
	for _, p := range problems {
		sign, color := "✗ ", red
		if p.Severity == SeverityWarning {
			sign, color = "! ", yellow
		}
		where := p.Field
		if p.Column > 0 {
			where += fmt.Sprintf(", column %d", p.Column)
		}
		if where != "" {
			where += ": "
		}
		d.line(prefix, prefix+"  ", span{sign, color}, span{where, bold}, span{p.Message, color}, span{" (" + p.Code + ")", dim})
	}
}
