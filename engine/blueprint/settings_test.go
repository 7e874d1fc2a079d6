package blueprint_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/blueprint"
)

func TestSettingsHaveMakesDefaults(t *testing.T) {
	t.Parallel()
	want := blueprint.Settings{Roundtrips: 1, MaxErrors: 3, AutoCommit: true, AutoCommitTriggerLast: true}
	require.Equal(t, want, blueprint.DefaultSettings())
	for _, text := range []string{
		`{"flow":[]}`, `{"flow":[],"metadata":null}`, `{"flow":[],"metadata":{"scenario":[]}}`,
		`{"flow":[],"metadata":{"scenario":{"roundtrips":0,"maxErrors":"many","autoCommit":null,"dlq":"on","sequential":1,"slots":null}}}`,
	} {
		require.Equal(t, want, parse(t, text).Settings(), text)
	}
}

func TestSettingsAreRead(t *testing.T) {
	t.Parallel()
	bp := parse(t, `{"flow":[],"metadata":{"scenario":{"roundtrips":"10","maxErrors":5.0,"autoCommit":false,"autoCommitTriggerLast":"false",
		"sequential":true,"confidential":true,"dataloss":true,"dlq":"true","freshVariables":true,"slots":[1]}}}`)
	s := bp.Settings()
	require.NotNil(t, s.Slots)
	s.Slots = nil
	require.Equal(t, blueprint.Settings{
		Roundtrips: 10, MaxErrors: 5, Sequential: true, Confidential: true, DataLoss: true, DLQ: true, FreshVariables: true,
	}, s)
}

func TestOnlyChangedSettingsAreWritten(t *testing.T) {
	t.Parallel()
	const text = `{"flow":[],"metadata":{"zone":"eu1","scenario":{"dlq":"false","roundtrips":1.0,"shatter":true,"slots":null}}}`
	bp := parse(t, text)
	bp.SetSettings(bp.Settings())
	exactly(t, text, marshal(t, bp))

	s := bp.Settings()
	s.Sequential, s.DLQ, s.MaxErrors = true, true, 7
	bp.SetSettings(s)
	require.Equal(t, s, bp.Settings())
	exactly(t, `{"flow":[],"metadata":{"zone":"eu1","scenario":{"dlq":true,"roundtrips":1.0,"shatter":true,"slots":null,"maxErrors":7,"sequential":true}}}`,
		marshal(t, bp))
}

func TestSettingsOfABlueprintMadeInCode(t *testing.T) {
	t.Parallel()
	var bp blueprint.Blueprint
	require.Equal(t, blueprint.DefaultSettings(), bp.Settings())
	s := bp.Settings()
	s.AutoCommit = false
	s.Slots = "all"
	bp.SetSettings(s)
	require.Equal(t, s, bp.Settings())
	exactly(t, `{"name":"","flow":[],"metadata":{"version":1,"scenario":{"autoCommit":false,"slots":"all"}}}`, marshal(t, &bp))
}
