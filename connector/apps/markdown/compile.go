package markdown

import (
	"bytes"
	"context"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/ebbkit/ebb/connector"
)

type compileIn struct {
	Data     string `json:"data" label:"Markdown"`
	GFM      bool   `json:"gfm" label:"GitHub Flavored Markdown" help:"Tables, task lists, strikethrough and links without brackets"`
	Sanitize bool   `json:"sanitize" label:"Sanitize" help:"Take out of the result what could do harm in a browser: scripts, frames, forms, styles"`
}

// newCompile makes Compile, which turns Markdown into HTML. HTML in the Markdown stays as it is, unless the result is sanitized.
func newCompile(config Config) connector.Module {
	info := connector.Info{
		Name: "Compile", Version: 2, Label: "Markdown to HTML", Description: "Turns Markdown into HTML.", Pure: true,
	}
	raw := goldmark.WithRendererOptions(html.WithUnsafe())
	common := goldmark.New(raw)
	flavored := goldmark.New(raw, goldmark.WithExtensions(
		extension.Linkify, extension.Strikethrough, extension.TaskList,
		extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
	))
	harmless := policy()
	return connector.NewAction(info, func(ctx context.Context, _ *connector.Call, in compileIn) (out, error) {
		if err := check(ctx, in.Data, config.MaxBytes); err != nil {
			return out{}, err
		}
		compiler := common
		if in.GFM {
			compiler = flavored
		}
		var text bytes.Buffer
		if err := compiler.Convert([]byte(in.Data), &text); err != nil {
			return out{}, connector.Errorf(connector.DataError, "field data: cannot be turned into HTML")
		}
		if in.Sanitize {
			return out{harmless.Sanitize(text.String())}, nil
		}
		return out{text.String()}, nil
	})
}

// policy says what stays of HTML: what people write in texts, and what Markdown makes of theirs.
func policy() *bluemonday.Policy {
	p := bluemonday.UGCPolicy()
	p.RequireNoFollowOnLinks(false)
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^language-[\w+#.-]+$`)).OnElements("code")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`^checkbox$`)).OnElements("input")
	p.AllowAttrs("checked", "disabled").Matching(regexp.MustCompile(`^$`)).OnElements("input")
	return p
}

// maxNesting is how many quotes and lists may begin on one line. Each is a level of the tree that the text becomes.
const maxNesting = 100

// check refuses what is too long or too deep.
func check(ctx context.Context, text string, maxBytes int) error {
	if len(text) > maxBytes {
		return connector.Errorf(connector.DataError, "field data: is longer than %d bytes", maxBytes)
	}
	var p paragraph
	looking := 0
	for line := range strings.Lines(text) {
		if nesting(line) > maxNesting {
			return connector.Errorf(connector.DataError, "field data: is nested deeper than %d quotes and lists", maxNesting)
		}
		p.add(line)
		if strings.TrimSpace(line) == "" {
			looking += p.looking()
			p = paragraph{}
		}
	}
	if looking+p.looking() > maxLooking {
		return connector.Errorf(connector.DataError, "field data: has too many marks in one paragraph")
	}
	return ctx.Err()
}

// maxLooking limits how often it may have to be looked for the end of something that has none. It takes a second or so.
const maxLooking = 1 << 28

// A paragraph counts what a paragraph has of marks that open something.
type paragraph struct {
	length    int // in bytes
	links     int // links and definitions: their ends are looked for in the rest of the paragraph
	emphasize int // stars and the like: their partners are looked for among all others
}

func (p *paragraph) add(line string) {
	p.length += len(line)
	p.links += strings.Count(line, "](") + strings.Count(line, "]:")
	for i := range len(line) {
		switch c := line[i]; {
		case c != '*' && c != '_' && c != '~', i > 0 && line[i-1] == c:
		case c != '_', i == 0, i == len(line)-1, !inWord(line[i-1]), !inWord(line[i+1]):
			p.emphasize++
		}
	}
}

// looking is the worst that a paragraph may cost.
func (p *paragraph) looking() int {
	return p.links*p.length + p.emphasize*p.emphasize
}

func inWord(c byte) bool {
	return c >= 0x80 || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// nesting counts the quotes and lists that a line begins.
func nesting(line string) int {
	count := 0
	for i := range len(line) {
		switch c := line[i]; c {
		case '>':
			count++
		case '-', '+', '*', '.', ')':
			if i+1 < len(line) && (line[i+1] == ' ' || line[i+1] == '\t') {
				count++
			}
		default:
			if c != ' ' && c != '\t' && (c < '0' || c > '9') {
				return count
			}
		}
	}
	return count
}
