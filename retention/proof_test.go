package retention_test

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

func TestDeliveriesAreGoneAfterThirtyDaysAndSixMonths(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records, policy := memory.New(), retention.Default()
		rec := store.Record{Key: store.Key{Kind: "delivery", ID: uuid.NewString()}, Category: "gateway_log", Created: time.Now()}
		require.NoError(t, records.Apply(t.Context(), store.Change{Put: &rec}))
		until, _ := policy.Until(retention.GatewayLog, rec.Created)
		gone, _ := policy.Gone(retention.GatewayLog, until)

		time.Sleep(30*24*time.Hour - 1)
		require.True(t, policy.Visible(rec, time.Now()))
		time.Sleep(time.Nanosecond)
		require.False(t, policy.Visible(rec, time.Now())) // nobody swept yet

		time.Sleep(time.Until(gone))
		_, err := retention.Keeper{Store: records, Policy: policy}.Sweep(t.Context())
		require.NoError(t, err)
		_, err = records.Get(t.Context(), rec.Key)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

// The package comment shows the test above; this keeps the two the same.
func TestThePackageCommentShowsTheProofAsItIs(t *testing.T) {
	t.Parallel()
	const name = "func TestDeliveriesAreGoneAfterThirtyDaysAndSixMonths"
	function := func(file, indent string) string {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		var lines []string
		for line := range strings.Lines(string(source)) {
			line = strings.TrimRight(line, "\n")
			if len(lines) == 0 && !strings.HasPrefix(line, indent+name) {
				continue
			}
			line = strings.TrimPrefix(strings.TrimPrefix(line, strings.TrimRight(indent, "\t")), strings.TrimLeft(indent, "/"))
			lines = append(lines, line)
			if line == "}" {
				return strings.Join(lines, "\n")
			}
		}
		require.Fail(t, "no proof in "+file)
		return ""
	}
	proof := function("proof_test.go", "")
	require.Equal(t, proof, function("doc.go", "//\t"))
	body := strings.Count(proof, "\n") - 1
	require.Less(t, body, 20, "a proof is under 20 lines")
}
