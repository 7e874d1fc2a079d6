package connector_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

func TestFieldsOfDescribesTypesAndTags(t *testing.T) {
	t.Parallel()
	type item struct {
		SKU string `json:"sku" label:"Article" required:"true"`
	}
	type described struct {
		Common
		Email   string           `json:"email" type:"email" personal:"email" help:"Where to write"`
		Method  string           `json:"method" enum:"get,post" default:"get"`
		Timeout uint             `json:"timeout" min:"1" max:"300" default:"40"`
		Ratio   *float64         `json:"ratio" min:"-0.5"`
		Paid    bool             `json:"paid" default:"true"`
		When    time.Time        `json:"when" default:"2026-01-02T00:00:00Z"`
		Body    []byte           `json:"body" max:"100"`
		Items   []item           `json:"items" min:"1"`
		Tags    []string         `json:"tags"`
		Mixed   []any            `json:"mixed"`
		Any     any              `json:"any"`
		Map     map[string]int   `json:"map"`
		Raw     connector.Bundle `json:"raw"`
		Token   secret.Value     `json:"token"`
		Address netip.Addr       `json:"address"`
		Exact   json.Number      `json:"exact"`
		Plain   int
		Hidden  int `json:"-"`
	}
	fields, err := connector.FieldsOf[described]()
	require.NoError(t, err)
	limit := func(f float64) *float64 { return &f }
	require.Equal(t, []connector.Field{
		{Name: "id", Type: connector.TypeText},
		{Name: "email", Type: connector.TypeEmail, Personal: "email", Help: "Where to write"},
		{Name: "method", Type: connector.TypeSelect, Options: []string{"get", "post"}, Default: "get"},
		{Name: "timeout", Type: connector.TypeUInteger, Min: limit(1), Max: limit(300), Default: int64(40)},
		{Name: "ratio", Type: connector.TypeNumber, Min: limit(-0.5)},
		{Name: "paid", Type: connector.TypeBoolean, Default: true},
		{Name: "when", Type: connector.TypeDate, Default: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)},
		{Name: "body", Type: connector.TypeBuffer, Max: limit(100)},
		{Name: "items", Type: connector.TypeArray, Min: limit(1), Fields: []connector.Field{{
			Type:   connector.TypeCollection,
			Fields: []connector.Field{{Name: "sku", Type: connector.TypeText, Label: "Article", Required: true}},
		}}},
		{Name: "tags", Type: connector.TypeArray, Fields: []connector.Field{{Type: connector.TypeText}}},
		{Name: "mixed", Type: connector.TypeArray},
		{Name: "any", Type: connector.TypeAny},
		{Name: "map", Type: connector.TypeCollection},
		{Name: "raw", Type: connector.TypeCollection},
		{Name: "token", Type: connector.TypePassword},
		{Name: "address", Type: connector.TypeText},
		{Name: "exact", Type: connector.TypeNumber},
		{Name: "Plain", Type: connector.TypeInteger},
	}, fields)
}

func TestBundlesMapsAndAnyHaveNothingToDescribe(t *testing.T) {
	t.Parallel()
	for _, describe := range []func() ([]connector.Field, error){
		connector.FieldsOf[connector.Bundle], connector.FieldsOf[map[string]string], connector.FieldsOf[any],
		connector.FieldsOf[struct{}], connector.FieldsOf[*connector.Bundle],
	} {
		fields, err := describe()
		require.NoError(t, err)
		require.Empty(t, fields)
	}
}

func TestTagsThatMakeNoSenseAreErrors(t *testing.T) {
	t.Parallel()
	for name, describe := range map[string]func() ([]connector.Field, error){
		"required": connector.FieldsOf[struct {
			A string `required:"yes"`
		}],
		"param": connector.FieldsOf[struct {
			A string `param:"1"`
		}],
		"min on a boolean": connector.FieldsOf[struct {
			A bool `min:"1"`
		}],
		"min of words": connector.FieldsOf[struct {
			A int `min:"one"`
		}],
		"enum on a number": connector.FieldsOf[struct {
			A int `enum:"1,2"`
		}],
		"type on a number": connector.FieldsOf[struct {
			A int `type:"email"`
		}],
		"unknown type": connector.FieldsOf[struct {
			A string `type:"hologram"`
		}],
		"default of the wrong type": connector.FieldsOf[struct {
			A int `default:"x"`
		}],
		"default beyond the limit": connector.FieldsOf[struct {
			A int `default:"7" max:"6"`
		}],
		"default that is no option": connector.FieldsOf[struct {
			A string `default:"c" enum:"a,b"`
		}],
		"default on a collection": connector.FieldsOf[struct {
			A Common `default:"c"`
		}],
	} {
		_, err := describe()
		require.ErrorIs(t, err, connector.ErrTag, name)
	}
}

func TestFieldsOfRefusesOtherTypes(t *testing.T) {
	t.Parallel()
	for name, describe := range map[string]func() ([]connector.Field, error){
		"text":                  connector.FieldsOf[string],
		"slice":                 connector.FieldsOf[[]Common],
		"time":                  connector.FieldsOf[time.Time],
		"function":              connector.FieldsOf[func()],
		"duration":              connector.FieldsOf[struct{ D time.Duration }],
		"map by numbers":        connector.FieldsOf[map[int]string],
		"map of functions":      connector.FieldsOf[map[string]func()],
		"nested":                connector.FieldsOf[struct{ L []struct{ C chan int } }],
		"pointer to unexported": connector.FieldsOf[struct{ *unexported }],
	} {
		_, err := describe()
		require.ErrorIs(t, err, connector.ErrUnsupported, name)
	}
}

type unexported struct{ A int }
