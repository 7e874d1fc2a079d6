package text

import (
	"context"
	"iter"
	"strconv"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/pattern"
)

// Regexp returns the connector "regexp" with Parser, AdvancedParser and Replace, the modules of Make's text parser that need
// nothing but regular expressions: those of ECMAScript, see package pattern. Its modules are pure; many goroutines may use
// them, and they share what they have compiled.
func Regexp() connector.Connector {
	var known pattern.Cache
	return format{name: "regexp", modules: []connector.Module{parser(&known), advancedParser(&known), replacer(&known)}}
}

// regexpOptions are the switches that all modules have. In the parsers they are parameters, in Replace fields of the mapper.
type regexpOptions struct {
	Global, Sensitive, Multiline, Singleline bool
}

func (o regexpOptions) flags() string {
	flags := ""
	for _, f := range []struct {
		on   bool
		flag string
	}{{o.Global, "g"}, {!o.Sensitive, "i"}, {o.Multiline, "m"}, {o.Singleline, "s"}} {
		if f.on {
			flags += f.flag
		}
	}
	return flags
}

type parserParams struct {
	Global            bool `json:"global" label:"Global match" param:"true"`
	Sensitive         bool `json:"sensitive" label:"Case sensitive" default:"true" param:"true"`
	Multiline         bool `json:"multiline" label:"Multiline" param:"true"`
	Singleline        bool `json:"singleline" label:"Singleline" param:"true"`
	ContinueWhenNoRes bool `json:"continueWhenNoRes" label:"Continue the execution of the route even if the module finds no matches" param:"true"`
	IgnoreLoops       bool `json:"ignoreInfiniteLoopsWhenGlobal" label:"Ignore errors when there is an infinite search loop" param:"true"`
}

func (p parserParams) options() regexpOptions {
	return regexpOptions{p.Global, p.Sensitive, p.Multiline, p.Singleline}
}

type parserInput struct {
	parserParams
	Pattern string `json:"pattern" label:"Pattern" required:"true" param:"true"`
	Text    string `json:"text" label:"Text"`
}

type advancedParserInput struct {
	parserParams
	Pattern string `json:"pattern" label:"Pattern" required:"true"`
	Text    string `json:"text" label:"Text"`
}

// parser gives a bundle for the first match of a pattern in a text or, with "global", for each: the groups as "$1", "$2" and so
// on and under their names, the number of the match from 1 as "i", and as "__IMTMATCH__" an array of the whole match and its
// groups. A group that had no part in the match is null. No match gives no bundle or, with "continueWhenNoRes", one without
// fields.
//
// A global match without length would be found for ever in Make, and is a DataError unless "ignoreInfiniteLoopsWhenGlobal" is
// set; then the search goes on behind it. A pattern that takes too long is a RuntimeError, one that is none a DataError.
func parser(known *pattern.Cache) connector.Search {
	return connector.NewSearch(connector.Info{
		Name:        "Parser",
		Version:     1,
		Label:       "Match pattern",
		Description: "Finds a regular expression in a text.",
		Pure:        true,
	}, func(ctx context.Context, _ *connector.Call, in parserInput) iter.Seq2[connector.Bundle, error] {
		return in.find(ctx, known, "parameter pattern", in.Pattern, in.Text)
	})
}

// advancedParser is parser with a pattern from the mapper.
func advancedParser(known *pattern.Cache) connector.Search {
	return connector.NewSearch(connector.Info{
		Name:        "AdvancedParser",
		Version:     1,
		Label:       "Match pattern (advanced)",
		Description: "Finds a regular expression that was mapped in a text.",
		Pure:        true,
	}, func(ctx context.Context, _ *connector.Call, in advancedParserInput) iter.Seq2[connector.Bundle, error] {
		return in.find(ctx, known, "field pattern", in.Pattern, in.Text)
	})
}

// find yields the matches. Field is where the pattern stands.
func (p parserParams) find(ctx context.Context, known *pattern.Cache, field, source, text string) iter.Seq2[connector.Bundle, error] {
	return func(yield func(connector.Bundle, error) bool) {
		compiled, err := known.Compile(source, p.options().flags())
		if err != nil {
			yield(connector.Bundle{}, pattern.Failure(field, err))
			return
		}
		var count int64
		for match, err := range compiled.Find(text) {
			switch {
			case ctx.Err() != nil:
				err = ctx.Err()
			case err != nil:
				err = pattern.Failure(field, err)
			case p.Global && !p.IgnoreLoops && match.Empty():
				err = connector.Errorf(connector.DataError,
					"%s: it matches a text without length, which a global match would find for ever", field)
			}
			if err != nil {
				yield(connector.Bundle{}, err)
				return
			}
			count++
			if !yield(matched(compiled.Groups(), match, count), nil) {
				return
			}
		}
		if count == 0 && p.ContinueWhenNoRes {
			yield(connector.Bundle{}, nil)
		}
	}
}

// matched is the bundle of a match.
func matched(groups []string, match pattern.Match, number int64) connector.Bundle {
	all := make([]any, len(groups))
	names := make([]string, 0, len(groups)+1)
	values := make([]any, 0, len(groups)+1)
	for i := range groups {
		if text, ok := match.Group(i); ok {
			all[i] = text
		}
		if i > 0 {
			names, values = append(names, "$"+strconv.Itoa(i)), append(values, all[i])
		}
	}
	b := connector.BundleOf(append(names, "i", "__IMTMATCH__"), append(values, number, all))
	for i, name := range groups {
		if name == "" {
			continue
		}
		// Groups in alternatives may have one name, and at most one of them has a part in the match.
		if _, taken := b.Lookup(name); !taken || all[i] != nil {
			b.Set(name, all[i])
		}
	}
	return b
}

type replacerInput struct {
	Pattern    string `json:"pattern" label:"Pattern" required:"true"`
	Value      string `json:"value" label:"New value"`
	Global     bool   `json:"global" label:"Global match"`
	Sensitive  bool   `json:"sensitive" label:"Case sensitive" default:"true"`
	Multiline  bool   `json:"multiline" label:"Multiline"`
	Singleline bool   `json:"singleline" label:"Singleline"`
	Text       string `json:"text" label:"Text"`
}

type replaced struct {
	Text string `json:"text" label:"Text"`
}

// replacer replaces the first match of a pattern in a text or, with "global", every match. The new value may have $1, $& and
// all else that JavaScript's replacements have.
func replacer(known *pattern.Cache) connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "Replace",
		Version:     1,
		Label:       "Replace",
		Description: "Replaces what a regular expression finds in a text.",
		Pure:        true,
	}, func(_ context.Context, _ *connector.Call, in replacerInput) (replaced, error) {
		compiled, err := known.Compile(in.Pattern, regexpOptions{in.Global, in.Sensitive, in.Multiline, in.Singleline}.flags())
		if err != nil {
			return replaced{}, pattern.Failure("field pattern", err)
		}
		text, err := compiled.Replace(in.Text, in.Value, connector.MaxEncodedBytes)
		if err != nil {
			return replaced{}, pattern.Failure("field pattern", err)
		}
		return replaced{text}, nil
	})
}
