package examples_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// In files, too: identifiers stand nowhere in clear, in the database, its log and the key file, neither before nor after somebody
// is erased; and what was erased stays so when the program is started again.
func TestPeopleInFilesAreNamedByNothingThatSaysWhoTheyAre(t *testing.T) {
	t.Parallel()
	data, keys := t.TempDir(), t.TempDir()
	h := openHost(t, data, keys, time.Now())
	bp, err := blueprint.Parse([]byte(noting))
	require.NoError(t, err)
	options := engine.DeployOptions{Activate: true, Subjects: []string{"1.text"}}
	require.NoError(t, h.For("acme").SaveDataStore(t.Context(), "1", engine.DataStoreOptions{Subjects: []string{"text"}}))
	_, err = h.For("acme").Deploy(t.Context(), bp, options)
	require.NoError(t, err)
	const people = 40
	who := func(i int) string { return fmt.Sprintf("person-%03d@example.com", i) }
	for i := range people {
		require.Equal(t, http.StatusOK, h.send(t, "acme", "Noting", who(i)))
	}
	require.Equal(t, people, h.tick(t))
	var sought needles
	for i := range people {
		sought.text(who(i), who(i))
	}
	scan := func() {
		t.Helper()
		files := 0
		for _, dir := range []string{data, keys} {
			require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
				if err != nil || entry.IsDir() {
					return err
				}
				files++
				content, err := os.ReadFile(path)
				require.Empty(t, sought.in(content), path)
				return err
			}))
		}
		require.GreaterOrEqual(t, files, 2)
	}
	scan()

	before, err := h.note(t.Context(), "acme")
	require.NoError(t, err)
	receipt, err := h.For("acme").ShredSubject(t.Context(), before)
	require.NoError(t, err)
	h.close()
	scan()

	h = openHost(t, data, keys, h.now.Add(time.Minute))
	again, err := h.For("acme").ShredSubject(t.Context(), before)
	require.NoError(t, err)
	require.Equal(t, receipt, again)
	require.Equal(t, http.StatusUnprocessableEntity, h.send(t, "acme", "Noting", before))
	_, err = h.note(t.Context(), "acme")
	require.ErrorIs(t, err, fs.ErrNotExist, "the entry was about the person")
	erased := 0
	for x, err := range h.For("acme").Executions(t.Context(), "Noting", engine.Query{}) {
		require.NoError(t, err)
		if x.Erased {
			erased++
		} else {
			require.Len(t, x.Trace, 2)
		}
	}
	require.Equal(t, 1, erased)
	kinds := map[string]int{}
	for rec, err := range h.For("acme").SubjectRecords(t.Context(), before) {
		require.NoError(t, err)
		require.True(t, rec.Alone)
		kinds[rec.Kind]++
	}
	require.Equal(t, map[string]int{"delivery": 1, "execution": 1, "entry": 1}, kinds)

	require.Equal(t, http.StatusOK, h.send(t, "acme", "Noting", who(0)+" "), "others are known again")
	h.tick(t)
	require.NoError(t, h.For("acme").AllowSubject(t.Context(), before, "a new contract"))
	require.Equal(t, http.StatusOK, h.send(t, "acme", "Noting", before))
	h.tick(t)
	now, err := h.note(t.Context(), "acme")
	require.NoError(t, err)
	require.Equal(t, before, now)
	h.close()
	scan()
}
