package util

import (
	"context"
	"fmt"
	"iter"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/pattern"
)

type switcherInput struct {
	Input          string       `json:"input" label:"Input"`
	UseRegExpMatch bool         `json:"useRegExpMatch" label:"Use regular expressions to match"`
	CasesTable     []switchCase `json:"casesTable" label:"Cases" required:"true"`
	ElseOutput     any          `json:"elseOutput" label:"Else"`
}

type switchCase struct {
	Pattern string `json:"pattern" label:"Pattern"`
	Output  any    `json:"output" label:"Output"`
}

// switcher compares a text with the patterns of the cases, from the first on, and gives the output of the case that
// fits: one that is equal or, with useRegExpMatch, one whose regular expression is found somewhere in the text. If none
// fits it gives the else output; if that is null or an empty text, no bundle.
func switcher() connector.Search {
	var known pattern.Cache
	return connector.NewSearch(connector.Info{
		Name:        "Switcher",
		Version:     1,
		Label:       "Switch",
		Description: "Turns a text into another value by a table.",
		Pure:        true,
		Output:      []connector.Field{{Name: "output", Type: connector.TypeAny, Label: "Output"}},
	}, func(_ context.Context, _ *connector.Call, in switcherInput) iter.Seq2[connector.Bundle, error] {
		return func(yield func(connector.Bundle, error) bool) {
			for i, c := range in.CasesTable {
				fits := c.Pattern == in.Input
				if in.UseRegExpMatch {
					p, err := known.Compile(c.Pattern, "")
					if err == nil {
						fits, err = p.Match(in.Input)
					}
					if err != nil {
						yield(connector.Bundle{}, pattern.Failure(fmt.Sprintf("field casesTable[%d].pattern", i+1), err))
						return
					}
				}
				if fits {
					yield(connector.NewBundle("output", c.Output), nil)
					return
				}
			}
			if in.ElseOutput != nil && in.ElseOutput != "" {
				yield(connector.NewBundle("output", in.ElseOutput), nil)
			}
		}
	})
}
