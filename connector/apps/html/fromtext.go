package html

import (
	"context"
	"iter"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ebbkit/ebb/connector"
)

type fromTextIn struct {
	Continue bool   `json:"continueWhenNoRes" param:"true" label:"Continue the execution of the route even if the module finds no matches"`
	Type     string `json:"type" label:"Element type" enum:"email,hashtag,mention,number,phone,url" default:"email"`
	Text     string `json:"text" label:"Text"`
}

// patterns find things in texts. They are Go's, whose time grows with the length of the text and no faster.
var patterns = map[string]*regexp.Regexp{
	"email":   regexp.MustCompile(`[\p{L}\p{N}!#$%&'*+/=?^_{|}~-]+(?:\.[\p{L}\p{N}!#$%&'*+/=?^_{|}~-]+)*@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+[\p{L}]{2,63}`),
	"url":     regexp.MustCompile(`(?i)\b(?:https?://|ftp://|www\.)[^\s<>"'` + "`" + `{}|\\^]+`),
	"phone":   regexp.MustCompile(`(?:\+|\b00|\(|\b)\d(?:[ \t./()–-]{0,3}\d){5,16}\b`),
	"number":  regexp.MustCompile(`-?\d+(?:[.,]\d+)*`),
	"hashtag": regexp.MustCompile(`#[\p{L}\p{N}_]*\p{L}[\p{L}\p{N}_]*`),
	"mention": regexp.MustCompile(`@[\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_])?`),
}

// newFromText makes GetElementsFromText, which gives a bundle for each address, number or mark in a text.
func newFromText(config Config) connector.Module {
	info := connector.Info{
		Name: "GetElementsFromText", Version: 1, Label: "Match elements",
		Description: "Finds addresses, numbers and marks in a text.", Pure: true,
	}
	return connector.NewSearch(info,
		func(ctx context.Context, _ *connector.Call, in fromTextIn) iter.Seq2[element, error] {
			return found(in.Continue, inText(ctx, config, in.Type, in.Text))
		})
}

// inText finds things in a text, in its order.
func inText(ctx context.Context, config Config, kind, text string) iter.Seq2[element, error] {
	return func(yield func(element, error) bool) {
		if len(text) > config.MaxBytes {
			yield(element{}, connector.Errorf(connector.DataError, "field text: is longer than %d bytes", config.MaxBytes))
			return
		}
		pattern := patterns[kind]
		if pattern == nil {
			yield(element{}, connector.Errorf(connector.BundleValidationError, "field type: is none that can be found in texts"))
			return
		}
		for at := 0; at < len(text); {
			if err := ctx.Err(); err != nil {
				yield(element{}, err)
				return
			}
			where := pattern.FindStringIndex(text[at:])
			if where == nil {
				return
			}
			value := text[at+where[0] : at+where[1]]
			before, _ := utf8.DecodeLastRuneInString(text[:at+where[0]])
			at += where[1]
			if value = trimmed(kind, value, before); value != "" && !yield(element{Value: value}, nil) {
				return
			}
		}
	}
}

// trimmed takes off what belongs to the sentence around, and refuses what only looks like what is looked for.
func trimmed(kind, value string, before rune) string {
	inWord := before == '_' || unicode.IsLetter(before) || unicode.IsDigit(before)
	switch kind {
	case "url":
		value = strings.TrimRight(value, ".,;:!?*_")
		for strings.HasSuffix(value, ")") && strings.Count(value, "(") < strings.Count(value, ")") {
			value = strings.TrimRight(strings.TrimSuffix(value, ")"), ".,;:!?*_")
		}
		value = strings.TrimRight(value, "]")
	case "hashtag", "mention":
		if inWord || before == '/' || before == '&' {
			return "" // part of an address or an entity
		}
	case "number":
		if before == '.' || inWord && strings.HasPrefix(value, "-") {
			value = strings.TrimPrefix(value, "-")
		}
	case "phone":
		if before == '.' || before == ',' || before == '-' {
			return ""
		}
		if strings.Contains(value, "(") != strings.Contains(value, ")") {
			value = strings.Trim(value, "()")
		}
	}
	return value
}
