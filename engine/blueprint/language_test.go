package blueprint_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ebbkit/ebb/engine/blueprint"
)

// lexer is a Language that knows as much of the mapping language as references need: islands, texts in double quotes (a quote inside is
// doubled), names in backticks, and numbers that a dot or a bracket follows.
type lexer struct{}

var _ blueprint.Language = lexer{}

func (lexer) Template(text string) (refs []blueprint.Ref, problems []blueprint.TextProblem) {
	counted, characters := 0, 0
	column := func(i int) int {
		characters += utf8.RuneCountInString(text[min(counted, i):i])
		counted = max(counted, i)
		return characters + 1
	}
	for from := 0; ; {
		open := strings.Index(text[from:], "{{")
		if open < 0 {
			return refs, problems
		}
		i := from + open + 2
		free := true // a module id may begin here
		for i < len(text) && !strings.HasPrefix(text[i:], "}}") {
			switch c := text[i]; {
			case c == '"' || c == '`':
				end := closing(text, i)
				if end < 0 {
					return refs, append(problems, blueprint.TextProblem{Column: column(i), Code: "open-text", Message: "the quote is not closed"})
				}
				if id, err := strconv.Atoi(text[i+1 : end]); c == '`' && free && err == nil {
					refs = append(refs, blueprint.Ref{Module: id, Column: column(i)})
				}
				i, free = end+1, false
			case c >= '0' && c <= '9' && free:
				start := i
				for i < len(text) && text[i] >= '0' && text[i] <= '9' {
					i++
				}
				if i < len(text) && text[i] == '.' && i+1 < len(text) && (text[i+1] < '0' || text[i+1] > '9') {
					id, _ := strconv.Atoi(text[start:i])
					refs = append(refs, blueprint.Ref{Module: id, Column: column(start)})
				}
				free = false
			default:
				free = strings.IndexByte(" ;(+-*/%=!<>&|\t\n", c) >= 0
				i++
			}
		}
		if i >= len(text) {
			return refs, append(problems, blueprint.TextProblem{Column: utf8.RuneCountInString(text[:from+open]) + 1, Code: "open-island", Message: "the braces are not closed"})
		}
		from = i + 2
	}
}

// closing returns where the quote or backtick that opens at i closes.
func closing(text string, i int) int {
	for j := i + 1; j < len(text); j++ {
		if text[j] != text[i] {
			continue
		}
		if text[i] == '"' && j+1 < len(text) && text[j+1] == '"' {
			j++
			continue
		}
		return j
	}
	return -1
}

func (lexer) Operator(o string) (ok bool, suggestion string) {
	base := strings.TrimSuffix(o, ":ci")
	var names []string
	for _, family := range []struct{ prefix, names string }{
		{"", "exist notexist"},
		{"text:", "equal notequal contain notcontain startwith notstartwith endwith notendwith pattern notpattern"},
		{"number:", "equal notequal greater less greaterorequal lessorequal"},
		{"date:", "equal notequal greater less greaterorequal lessorequal"},
		{"array:", "contain notcontain equal notequal greater less greaterorequal lessorequal"},
		{"boolean:", "equal notequal"},
	} {
		for name := range strings.FieldsSeq(family.names) {
			names = append(names, family.prefix+name)
		}
	}
	if slices.Contains(names, base) {
		return true, ""
	}
	for _, name := range names {
		if strings.EqualFold(name, base) || strings.EqualFold(strings.Replace(name, "startwith", "startswith", 1), base) {
			return false, name
		}
	}
	return false, ""
}

func (lexer) Operand(o string, b any) string {
	family, _, _ := strings.Cut(o, ":")
	if family == "number" {
		if _, err := strconv.ParseFloat(fmt.Sprint(b), 64); err != nil {
			return "number"
		}
	}
	return ""
}

// catalog is a Catalog with a few apps of one version each.
type catalog map[string]blueprint.ModuleInfo

var _ blueprint.Catalog = catalog{}

func (c catalog) Modules(app string) (names []string, ok bool) {
	for name := range c {
		if strings.HasPrefix(name, app+":") {
			names = append(names, name)
		}
	}
	return names, names != nil
}

func (c catalog) Module(name string, version int) (blueprint.ModuleInfo, bool) {
	info, ok := c[name]
	if want, fixed := map[string]int{"http:ActionSendData": 3, "http:MakeRequest": 4}[name]; fixed && version != want {
		return info, false
	}
	return info, ok
}

// basics are the modules that nearly every scenario uses.
var basics = catalog{
	"gateway:CustomWebHook":         {Kind: blueprint.KindTrigger},
	"gateway:WebhookRespond":        {Kind: blueprint.KindAction, Required: []string{"status"}},
	"http:ActionSendData":           {Kind: blueprint.KindAction, Required: []string{"url", "method"}},
	"http:ActionSendDataAPIKeyAuth": {Kind: blueprint.KindAction, Required: []string{"url", "method"}},
	"http:ActionSendDataOAuth":      {Kind: blueprint.KindAction, Required: []string{"url", "method"}},
	"http:MakeRequest":              {Kind: blueprint.KindAction, Required: []string{"url", "method"}},
	"http:ActionGetFile":            {Kind: blueprint.KindAction, Required: []string{"url"}},
	"util:SetVariable2":             {Kind: blueprint.KindTransformer, Required: []string{"name"}},
	"util:SetVariables":             {Kind: blueprint.KindTransformer},
	"util:GetVariable2":             {Kind: blueprint.KindTransformer, Required: []string{"name"}},
	"util:GetVariables":             {Kind: blueprint.KindTransformer},
	"util:ComposeTransformer":       {Kind: blueprint.KindTransformer},
	"util:FunctionSleep":            {Kind: blueprint.KindAction},
	"util:Switcher":                 {Kind: blueprint.KindTransformer},
	"util:TextAggregator":           {Kind: blueprint.KindAggregator},
	"builtin:BasicRouter":           {Kind: blueprint.KindRouter},
	"builtin:BasicIfElse":           {Kind: blueprint.KindConditional},
	"builtin:BasicMerge":            {Kind: blueprint.KindConverger},
	"builtin:BasicFeeder":           {Kind: blueprint.KindFeeder, Required: []string{"array"}},
	"builtin:BasicAggregator":       {Kind: blueprint.KindAggregator},
	"builtin:BasicRepeater":         {Kind: blueprint.KindFeeder},
	"builtin:Ignore":                {Kind: blueprint.KindDirective},
	"builtin:Resume":                {Kind: blueprint.KindDirective},
	"builtin:Commit":                {Kind: blueprint.KindDirective},
	"builtin:Rollback":              {Kind: blueprint.KindDirective},
	"builtin:Break":                 {Kind: blueprint.KindDirective},
	"json:ParseJSON":                {Kind: blueprint.KindTransformer, Required: []string{"json"}},
	"json:CreateJSON":               {Kind: blueprint.KindTransformer},
	"datastore:AddRecord":           {Kind: blueprint.KindAction},
	"datastore:GetRecord":           {Kind: blueprint.KindAction, Required: []string{"key"}},
	"datastore:UpdateRecord":        {Kind: blueprint.KindAction, Required: []string{"key"}},
	"datastore:SearchRecord":        {Kind: blueprint.KindSearch},
}
