// Package expr compiles and evaluates the mapping language in which a blueprint says where a field's value comes from:
// text with {{islands}} such as "Dear {{1.name}}" or "{{formatDate(now; "DD.MM.YYYY")}}".
//
// A [Language] is the set of functions and limits; it is made once with [New]. [Language.Compile] turns a template into a
// [Template] and [Language.CompileFilter] a module's conditions into a [Filter]. Both are immutable: compile once when a
// scenario is deployed, evaluate for every bundle, from as many goroutines as you like.
//
// # Values
//
// Values are nil, bool, int64, float64, string, time.Time, []byte, []any and connector.Bundle. Where another type is declared
// they are converted to it by the rules that fields of modules have, those of connector.Coerce. int64 and float64 are one type
// to the language, number: int64 where the value is exact, float64 otherwise. Dates have a precision of one millisecond.
// [Ignore] and [Erase] are what the keywords of these names give.
//
// # Grammar
//
//	template   = { text | "{{" [ expression | bareword ] "}}" }
//	expression = and { ( "|" | "||" | "or" ) and }
//	and        = equality { ( "&" | "&&" | "and" ) equality }
//	equality   = relation { ( "=" | "==" | "===" | "!=" | "!==" ) relation }
//	relation   = sum { ( "<" | "<=" | ">" | ">=" ) sum }
//	sum        = product { ( "+" | "-" ) product }
//	product    = unary { ( "*" | "/" | "%" ) unary }
//	unary      = ( "!" | "-" | "+" ) unary | primary
//	primary    = number | literal | keyword | path | call | "(" expression ")" | word
//	literal    = '"' { char | '""' } '"'  |  "'" { char | "''" } "'"
//	path       = ( module | "`" module "`" | "var" ) { "." segment | "[" [ index ] "]" }
//	segment    = name | "`" { char } "`"
//	call       = name "(" [ argument { ";" argument } ] ")"
//	argument   = [ expression | bareword ]
//
// The backslash is an ordinary character. An island ends at the first "}}" outside literals and backquotes. Of three or
// more opening braces in a row the last two open the island.
//
// A path starts with a module's number and a dot; a lone number in backquotes is that module's whole bundle. An index
// counts from 1; index 0 gives null, and [] the first item. Where a function takes an array, alone or among other things, a
// path that ends in [] gives it the whole array.
//
// A bareword is an argument without quotes, parentheses, paths, keywords or a lone number: it is its own trimmed text,
// operators and commas included, as in formatDate(now; MM/DD/YYYY). A lone number is one that stands by itself between
// blanks or the ends of the argument, so 1 + 2 is a sum and 2016-12-28 is text; for a parameter that is declared as a
// number or a boolean, and for a whole island, 1+2 is a sum as well, and a parameter that is declared as text or date
// takes all of these as text. An apostrophe behind a letter or digit is no quote. A whole island may be a bareword too,
// and so may a single word within an expression; References lists these, because a misspelt path looks the same.
//
// # Evaluation
//
// A template that is exactly one island keeps the value's own type. In any other template the islands are converted to
// text: null and empty values give nothing, dates ISO 8601 in UTC with milliseconds, arrays their items joined by ", ",
// collections their JSON text with fields in order, buffers their text if it is valid UTF-8 and a DataError otherwise, and
// numbers what JavaScript prints.
//
// Equality is strict. + concatenates when either side is text. A date counts as its milliseconds in arithmetic, so
// date - date is a number of milliseconds; null counts as 0 there, text as the number that it spells, and what is no
// number is a BundleValidationError. if, &, | and ! take JavaScript's truth: null, false, 0, NaN and "" are false. & and |
// give a boolean and leave out their right side when the left one decides. Positions and lengths in text are in UTF-16
// units, as in JavaScript, so that an emoji counts as two or more.
//
// # Limits
//
// Expressions nest at most 1000 levels deep. A text that an expression produces is at most [Options.MaxTextBytes] long,
// an array [Options.MaxItems]; a comparison looks at 4 194 304 items, and one regular expression runs for at most [Options.MaxMatchTime].
//
// The package knows values, and of ours only the regular expressions that modules have, too (package pattern).
package expr

//go:generate go run ./langdoc ../../blueprint/LANGUAGE.md
