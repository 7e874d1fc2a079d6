package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
)

func TestRowsAreAddedUpByGroups(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	x, err := e.Try(t.Context(), parse(t, `{
	  "name": "Sums",
	  "flow": [
	    {"id": 1, "module": "util:BasicTrigger", "version": 1, "parameters": {"values": [
	      {"spec": [{"name": "csv", "value": "town,amount\nUppsala,1.5\nLund,2\nUppsala,3\n"}]},
	      {"spec": [{"name": "csv", "value": "town,amount\n"}]}
	    ]}, "mapper": {}},
	    {"id": 2, "module": "csv:ParseCSV", "version": 1, "parameters": {"colCount": "2", "csvContainsHeaders": true, "delimiterType": ","},
	     "mapper": {"csv": "{{1.csv}}"}},
	    {"id": 3, "module": "util:FunctionAggregator2", "version": 1, "parameters": {"fn": "sum", "feeder": 2},
	     "mapper": {"value": "{{2.col2}}"}, "flags": {"groupBy": "{{2.col1}}", "stopIfEmpty": true}},
	    {"id": 4, "module": "util:AggregateAggregator", "version": 1, "parameters": {"feeder": 2, "columnSeparator": "other", "otherColumnSeparator": ":", "rowSeparator": "other", "otherRowSeparator": ";"},
	     "mapper": {"key": "{{3.`+"`__IMTKEY__`"+`}}", "sum": "{{3.result}}"}, "flags": {"stopIfEmpty": true}}
	  ],
	  "metadata": {"version": 1}
	}`), engine.TryOptions{})
	require.NoError(t, err)
	require.Nil(t, x.Failure)
	require.Equal(t, engine.StatusSuccess, x.Status)
	var sums, tables []connector.Bundle
	for _, step := range x.Trace {
		switch step.Module {
		case 3:
			sums = append(sums, step.Out...)
		case 4:
			tables = append(tables, step.Out...)
		}
	}
	require.Equal(t, []connector.Bundle{
		connector.NewBundle("result", 4.5, "__IMTKEY__", "Uppsala"), connector.NewBundle("result", 2, "__IMTKEY__", "Lund"),
	}, sums)
	require.Equal(t, []connector.Bundle{connector.NewBundle("text", "Uppsala:4.5;Lund:2")}, tables)
}
