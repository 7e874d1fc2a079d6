// Package blueprint reads, checks and writes scenario files in Make's own export format.
//
// A blueprint is the definition of a scenario: a tree of modules with their mappings, filters, routes and error routes. [Parse] takes
// what Make's editor exports, what its API wraps around it and what people write by hand; [Check] reports everything that is wrong
// with it at once; [Marshal] writes it back, with every field that this package does not know in its place.
//
//	bp, err := blueprint.Parse(data)
//	problems := blueprint.Check(bp, blueprint.CheckOptions{})
//
// [Draw] shows it as a tree. SCENARIOS.md beside this file says how scenarios behave, LANGUAGE.md what mappings can do.
//
// # What a blueprint keeps
//
// JSON objects are [*Object], which keeps the order of its fields; lists are []any, numbers are [json.Number] with their exact text,
// texts are string, and true, false and null are bool and nil. The typed fields of [Blueprint], [Module] and the others are a view of
// these values: Marshal writes the value as it was read unless the typed field was changed, so that an id that was written as "7"
// stays "7", and a filter that could not be read stays what it was. A name that stands twice in one object keeps the last value, as
// in JavaScript, and Check reports it. Half of a surrogate pair (\ud83d alone), which no text can hold, is kept as the three bytes
// that WTF-8 gives it, is written back as the escape that it was, and Check reports it.
//
// # What Parse refuses
//
// Parse fails on text that is not JSON (with line and column), on what exceeds its [Limits], and on JSON without a flow. An odd module
// never makes it fail: what cannot be read stays as it is, the typed field stays empty, and Check reports it.
//
// # Concurrency
//
// Many goroutines may read a Blueprint at once. One that changes it needs it for itself.
package blueprint
