package expr_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/internal/expr"
)

// The vectors were made with moment 2.31.0 and moment-timezone 0.6.6.
type momentVectors struct {
	Now    int64   `json:"now"`
	Format [][]any `json:"format"` // milliseconds, zone, format, text
	Parse  [][]any `json:"parse"`  // text, format, zone, ISO text or null
}

func loadMoment(t *testing.T) momentVectors {
	t.Helper()
	data, err := os.ReadFile("testdata/moment.json")
	require.NoError(t, err)
	var v momentVectors
	require.NoError(t, json.Unmarshal(data, &v))
	return v
}

func TestDatesAreFormattedAsMomentDoes(t *testing.T) {
	t.Parallel()
	v := loadMoment(t)
	tpl := compile(t, `{{formatDate(1.date; 1.format; 1.zone)}}`)
	for _, c := range v.Format {
		env := newEnv()
		env.modules[1] = obj("date", time.UnixMilli(int64(c[0].(float64))), "format", c[2], "zone", c[1])
		got, err := tpl.Eval(env)
		require.NoError(t, err)
		require.Equal(t, c[3], got, "%q", c)
	}
}

func TestDatesAreParsedAsMomentDoes(t *testing.T) {
	t.Parallel()
	v := loadMoment(t)
	tpl := compile(t, `{{toString(parseDate(1.text; 1.format; 1.zone))}}`)
	for _, c := range v.Parse {
		env := newEnv()
		env.now = time.UnixMilli(v.Now)
		env.modules[1] = obj("text", c[0], "format", c[1], "zone", c[2])
		got, err := tpl.Eval(env)
		if c[3] == nil {
			var failure *expr.RuntimeError
			require.ErrorAs(t, err, &failure, "%v gave %v", c, got)
			require.Equal(t, expr.BundleValidationError, failure.Type)
			continue
		}
		require.NoError(t, err, "%v", c)
		require.Equal(t, c[3], got, "%q", c)
	}
}
