package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEachFileGetsALine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ok, err := check([]string{"../quickstart/orders.blueprint.json", "testdata/wrong.json", "testdata/nosuch.json"}, &out)
	require.NoError(t, err)
	require.False(t, ok)
	var verdicts []verdict
	for lines := json.NewDecoder(&out); lines.More(); {
		var v verdict
		require.NoError(t, lines.Decode(&v))
		verdicts = append(verdicts, v)
	}
	require.Len(t, verdicts, 3)
	require.Equal(t, verdict{File: "../quickstart/orders.blueprint.json", OK: true, Modules: 8, Unknown: []string{}, Problems: verdicts[0].Problems}, verdicts[0])
	require.Empty(t, verdicts[0].Problems)

	require.False(t, verdicts[1].OK)
	require.Equal(t, []string{"shop:Lookup"}, verdicts[1].Unknown, "an app without a connector is no problem of the file")
	var found []string
	for _, p := range verdicts[1].Problems {
		found = append(found, p.Error())
	}
	require.Len(t, found, 3, "%q", found)
	require.Contains(t, found[0], `did you mean "gateway:CustomWebHook"`)
	require.Contains(t, found[1], `did you mean "text:startwith"`)
	require.Contains(t, found[2], "module 2: mapper.order, column 3")

	require.False(t, verdicts[2].OK)
	require.Equal(t, "unreadable", verdicts[2].Problems[0].Code)
}
