package engine_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store/memory"
)

// Whoever has no other way to say so gets a say: identifiers may have another normal form.
func TestHostSaysWhichIdentifiersAreTheSame(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{Connectors: []connector.Connector{bank{}}, Identifier: func(text string) string {
		if text == "panic" {
			panic("the host's fault")
		}
		name, _, _ := strings.Cut(text, "+")
		return name
	}})
	s := deployShop(t, e)
	order(t, e, s, http.StatusOK, "Ada+shop")
	order(t, e, s, http.StatusOK, "Ada+books")
	order(t, e, s, http.StatusOK, "ada")
	order(t, e, s, http.StatusOK, "+nobody")
	require.Len(t, recordsOf(t, e, "Ada")["delivery"], 2)
	require.Len(t, recordsOf(t, e, "ada")["delivery"], 1)
	order(t, e, s, http.StatusServiceUnavailable, "panic")
}

func TestPathsThatCannotBeUsedAreRefusedAtDeployment(t *testing.T) {
	t.Parallel()
	e := shopEngine(t, memory.New())
	_, err := e.Deploy(t.Context(), parse(t, ordering), engine.DeployOptions{Subjects: []string{"1.email", "9.email", "1.e-mail", "email"}})
	require.ErrorIs(t, err, engine.ErrInvalid)
	problems := subjectErrors(err)
	require.Len(t, problems, 3)
	for i, want := range []string{
		`DeployOptions.Subjects[1] "9.email": the blueprint has no module 9: name one of its modules`,
		`DeployOptions.Subjects[2] "1.e-mail": column 4: found "-", expected "." or the end`,
		`DeployOptions.Subjects[3] "email": column 1: found "email", expected the number of a module and a dot in front, as in "1.email"`,
	} {
		require.Equal(t, want, problems[i].Error())
		require.Equal(t, i+1, problems[i].Index)
	}
	_, err = e.Scenario(t.Context(), "Shop")
	require.ErrorIs(t, err, engine.ErrNotFound, "nothing was deployed")
	err = e.SaveDataStore(t.Context(), "people", engine.DataStoreOptions{Subjects: []string{"email", "1."}})
	require.ErrorIs(t, err, engine.ErrInvalid)
	require.Len(t, subjectErrors(err), 1)
	require.Equal(t, "DataStoreOptions.Subjects", subjectErrors(err)[0].Field)

	blind := start(t, engine.Config{Vault: sealer{crypto.NewKeyring()}, Connectors: []connector.Connector{bank{}}})
	_, err = blind.Deploy(t.Context(), parse(t, ordering), shopOptions)
	require.ErrorIs(t, err, engine.ErrInvalid)
	require.ErrorContains(t, err, "Blinder")
	_, err = blind.Deploy(t.Context(), parse(t, ordering), engine.DeployOptions{})
	require.NoError(t, err)
}

// sealer is a vault that cannot do more than it must.
type sealer struct{ crypto.Vault }

func subjectErrors(err error) (all []*engine.SubjectError) {
	var one *engine.SubjectError
	var many interface{ Unwrap() []error }
	switch {
	case errors.As(err, &many):
		for _, err := range many.Unwrap() {
			if errors.As(err, &one) {
				all = append(all, one)
			}
		}
	case errors.As(err, &one):
		all = append(all, one)
	}
	return all
}
