module github.com/ebbkit/ebb/engine/internal/versus

go 1.26.0

require (
	github.com/ebbkit/ebb v0.0.0
	github.com/expr-lang/expr v1.17.8
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/dlclark/regexp2/v2 v2.12.0 // indirect
	go.uber.org/multierr v1.10.0 // indirect
	go.uber.org/zap v1.28.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/ebbkit/ebb => ../../..
