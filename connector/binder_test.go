package connector_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

type bindable struct {
	Text     string            `json:"text" required:"true"`
	Choice   string            `json:"choice" enum:"a,b" default:"a"`
	Short    string            `json:"short" max:"3"`
	Any      any               `json:"any"`
	Optional *string           `json:"optional"`
	Number   float64           `json:"number" default:"7"`
	When     time.Time         `json:"when"`
	Param    string            `json:"param" param:"true"`
	Moment   time.Time         `json:"moment" param:"true"`
	List     []string          `json:"list"`
	Inner    struct{ N int64 } `json:"inner"`
}

// echo gives back what it was given, and changes what it was given afterwards.
func echo(info connector.Info) connector.Action {
	return connector.NewAction(info, func(_ context.Context, _ *connector.Call, in bindable) (connector.Bundle, error) {
		value, err := connector.Normalize(in)
		for i := range in.List {
			in.List[i] = "changed"
		}
		if in.Optional != nil {
			*in.Optional = "changed"
		}
		return value.(connector.Bundle), err //nolint:forcetypeassert // a struct becomes a bundle
	})
}

func TestBoundActionDoesWhatItDoes(t *testing.T) {
	t.Parallel()
	action := echo(connector.Info{Direct: true})
	all := []string{"text", "choice", "short", "any", "optional", "number", "when", "list", "inner", "unknown"}
	values := []any{
		nil, "", "a", "abcd", "12", "2026-03-01", int64(5), 2.5, true, []byte("buffer"), []byte{0xff}, time.Unix(1, 0).UTC(),
		[]any{"1", int64(2)}, connector.NewBundle("N", "7"), connector.NewBundle("x", 1),
	}
	zone := time.FixedZone("east", 3600)
	random := rand.New(rand.NewPCG(3, 4))
	good := 0
	for range 20_000 {
		var names []string
		var given, later []any
		var known []connector.Known
		for _, i := range random.Perm(len(all))[:random.IntN(len(all))] {
			value := values[random.IntN(len(values))]
			fixed := random.IntN(2) == 0
			names, given = append(names, all[i]), append(given, value)
			known = append(known, connector.Known{Is: fixed, Value: value})
			if fixed {
				value = "not looked at"
			}
			later = append(later, value)
		}
		params := connector.NewBundle("param", values[random.IntN(len(values))], "moment", "2026-03-01")
		bound := action.(connector.Binder).Bind(params, names, known)
		call := connector.Call{Params: params, Input: connector.BundleOf(names, given), Location: zone}
		want, wantErr := action.Do(t.Context(), &call)
		if bound == nil {
			require.Error(t, wantErr, "what is known is wrong")
			continue
		}
		for range 2 {
			got, err := bound(t.Context(), &connector.Call{Location: zone}, later)
			require.Equal(t, fmt.Sprint(wantErr), fmt.Sprint(err))
			require.True(t, connector.Equal(want, got), "%v %v: want %v, got %v", names, given, want, got)
		}
		if wantErr == nil {
			good++
		}
	}
	require.Greater(t, good, 100)
}

func TestActionThatLooksAtItsInputIsNotBound(t *testing.T) {
	t.Parallel()
	described := []connector.Field{{Name: "text", Type: connector.TypeAny}}
	for name, action := range map[string]connector.Action{
		"it does not say that it does not": echo(connector.Info{}),
		"its input is another":             echo(connector.Info{Direct: true, Input: described}),
		"it takes the bundle itself": connector.NewAction(connector.Info{Direct: true},
			func(_ context.Context, _ *connector.Call, in connector.Bundle) (connector.Bundle, error) {
				return in, nil
			}),
		"it cannot work": connector.NewAction(connector.Info{Direct: true},
			func(_ context.Context, _ *connector.Call, in struct{ C chan int }) (connector.Bundle, error) {
				return connector.NewBundle("n", len(in.C)), nil
			}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Nil(t, action.(connector.Binder).Bind(connector.Bundle{}, []string{"text"}, nil))
		})
	}
	require.Nil(t, echo(connector.Info{Direct: true}).(connector.Binder).Bind(connector.Bundle{}, []string{"text", "text"}, nil))
}
