module github.com/ebbkit/ebb/examples

go 1.26.0

require (
	github.com/ebbkit/ebb v0.0.0
	github.com/ebbkit/ebb/store/sqlite v0.0.0
)

replace (
	github.com/ebbkit/ebb => ..
	github.com/ebbkit/ebb/store/sqlite => ../store/sqlite
)
