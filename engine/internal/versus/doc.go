// Package versus measures the mapping language against github.com/expr-lang/expr, a well-known evaluator, on expressions
// that both can say. It is a module of its own outside the workspace, so that nobody who uses the library downloads what it is
// measured with. In its folder:
//
//	GOWORK=off go test -bench .
//
// Both sides work as their documentation advises: compiled once, evaluated with working memory that is kept. Values are
// dynamic on both sides, bundles here and maps there, because what a webhook brings has no Go type.
package versus
