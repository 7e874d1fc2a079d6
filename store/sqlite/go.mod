module github.com/ebbkit/ebb/store/sqlite

go 1.26.0

require github.com/ebbkit/ebb v0.0.0

replace github.com/ebbkit/ebb => ../..
