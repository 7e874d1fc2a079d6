package crypto_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
)

func isAny(err error, wants ...error) bool {
	for _, want := range wants {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

// names gives the names in a folder, to see that nothing was left behind.
func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

func TestKeyFileIsReadableByItsOwnerOnly(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	path := filepath.Join(t.TempDir(), "keys")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	requireMode := func() {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode())
	}
	requireMode()
	require.NoError(t, r.AddKey(t.Context()))
	requireMode()
	require.Equal(t, []string{"keys"}, names(t, filepath.Dir(path)))

	for _, mode := range []fs.FileMode{0o640, 0o604, 0o610, 0o601, 0o644, 0o666} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := crypto.OpenKeyring(path)
		require.ErrorIs(t, err, crypto.ErrExposed)
		require.ErrorContains(t, err, "chmod 600")
		require.ErrorContains(t, err, path)
	}
	require.NoError(t, os.Chmod(path, 0o400))
	r, err = crypto.OpenKeyring(path)
	closeLater(t, r, err)
}

func TestKeyFileTellsPeopleWhatItIs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	before := time.Now().UTC().Truncate(time.Second)
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	require.NoError(t, r.AddKey(t.Context()))
	b, err := r.Seal(t.Context(), at, []byte("text"))
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	require.Len(t, lines, 7)
	require.True(t, strings.HasPrefix(lines[0], "# ") && strings.HasPrefix(lines[1], "# "))
	require.Equal(t, "ebb keys 1", lines[2])
	for i, kind := range []string{"index", "key", "key"} {
		fields := strings.Fields(lines[3+i])
		require.Len(t, fields, 4)
		require.Equal(t, kind, fields[0])
		created, err := time.Parse(time.RFC3339, fields[2])
		require.NoError(t, err)
		require.False(t, created.Before(before) || created.After(time.Now()))
		key, err := base64.StdEncoding.DecodeString(fields[3])
		require.NoError(t, err)
		require.Len(t, key, 32)
	}
	require.Equal(t, hex.EncodeToString(b[1:17]), strings.Fields(lines[5])[1], "the last key seals")
}

func TestCreateNeverReplacesAKeyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	_, err = crypto.CreateKeyring(path)
	require.ErrorIs(t, err, fs.ErrExist)
	_, err = crypto.CreatePassphraseKeyring(path, secret.NewString("correct horse"))
	require.ErrorIs(t, err, fs.ErrExist)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, []string{"keys"}, names(t, filepath.Dir(path)))
}

func TestCreateAtOnceMakesOneKeyFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "keys")
	results := make([]error, 16)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			var r *crypto.Keyring
			if r, results[i] = crypto.CreateKeyring(path); results[i] == nil {
				_ = r.Close()
			}
		})
	}
	wg.Wait()
	made := 0
	for _, err := range results {
		if err == nil {
			made++
			continue
		}
		require.ErrorIs(t, err, fs.ErrExist)
	}
	require.Equal(t, 1, made)
	require.Equal(t, []string{"keys"}, names(t, folder))
}

func TestMissingKeyFileIsNeverReplaced(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "keys")
	_, err := crypto.OpenKeyring(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "put it back from its copy")
	_, err = crypto.OpenPassphraseKeyring(path, secret.NewString("correct horse"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Empty(t, names(t, folder))
	_, err = crypto.CreateKeyring(filepath.Join(folder, "none", "keys"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "make its folder first")
}

func TestEnsureMakesKeysOnTheFirstRunOnly(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, data := filepath.Join(folder, "keys"), filepath.Join(folder, "data.db")
	r, err := crypto.EnsureKeyring(path, data)
	first := closeLater(t, r, err)
	b, err := first.Seal(t.Context(), at, []byte("text"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(data, b, 0o600))

	r, err = crypto.EnsureKeyring(path, data)
	second := closeLater(t, r, err)
	got, err := second.Open(t.Context(), at, b)
	require.NoError(t, err)
	require.Equal(t, "text", string(got))

	require.NoError(t, os.Remove(path))
	_, err = crypto.EnsureKeyring(path, data)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "put it back from its copy")
	require.ErrorContains(t, err, data)
	_, err = crypto.EnsureKeyring(path, folder) // a folder with data
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = crypto.EnsureKeyring(path, "")
	require.Error(t, err)
	require.Equal(t, []string{"data.db"}, names(t, folder))

	require.NoError(t, os.Truncate(data, 0)) // what a database leaves that never wrote anything
	r, err = crypto.EnsureKeyring(path, data)
	closeLater(t, r, err)
}

func TestEnsureAtOnceGivesTheSameKeys(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for round := range 30 {
		path := filepath.Join(folder, fmt.Sprint("keys", round))
		tokens := make([]string, 8)
		var wg sync.WaitGroup
		for i := range tokens {
			wg.Go(func() {
				r, err := crypto.EnsureKeyring(path, filepath.Join(folder, "data.db"))
				if err != nil {
					t.Error(err)
					return
				}
				defer func() { _ = r.Close() }()
				token, err := r.Blind(context.Background(), at, []byte("value"))
				if err != nil {
					t.Error(err)
				}
				tokens[i] = hex.EncodeToString(token)
			})
		}
		wg.Wait()
		for _, token := range tokens {
			require.Equal(t, tokens[0], token)
		}
	}
}

func TestEnsureDoesNotReplaceADamagedKeyFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "keys")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err := crypto.EnsureKeyring(path, filepath.Join(folder, "data.db"))
	require.ErrorIs(t, err, crypto.ErrKeyFile)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Empty(t, text)
}

// TestProcessesThatStartTogetherGetTheSameKeys runs EnsureKeyring in processes of their own.
func TestProcessesThatStartTogetherGetTheSameKeys(t *testing.T) {
	t.Parallel()
	if folder := os.Getenv("EBB_TEST_ENSURE"); folder != "" {
		r, err := crypto.EnsureKeyring(filepath.Join(folder, "keys"), filepath.Join(folder, "data.db"))
		closeLater(t, r, err)
		token, err := r.Blind(t.Context(), at, []byte("value"))
		require.NoError(t, err)
		_, err = os.Stdout.WriteString("token=" + hex.EncodeToString(token) + "\n")
		require.NoError(t, err)
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	folder := t.TempDir()
	outs := make([]string, 8)
	var wg sync.WaitGroup
	for i := range outs {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestProcessesThatStartTogetherGetTheSameKeys$")
			cmd.Env = append(os.Environ(), "EBB_TEST_ENSURE="+folder)
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			outs[i], _, _ = strings.Cut(string(out), "\n")
		})
	}
	wg.Wait()
	require.Contains(t, outs[0], "token=")
	for _, out := range outs {
		require.Equal(t, outs[0], out)
	}
	require.Equal(t, []string{"keys"}, names(t, folder))
}

func TestWhatIsNoKeyFileIsRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, err := crypto.OpenKeyring(folder)
	require.ErrorIs(t, err, crypto.ErrKeyFile)
	path := filepath.Join(folder, "huge")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, 1<<20+1))
	_, err = crypto.OpenKeyring(path)
	require.ErrorIs(t, err, crypto.ErrKeyFile)
	path = filepath.Join(folder, "half")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, info.Size()/2))
	_, err = crypto.OpenKeyring(path)
	require.ErrorIs(t, err, crypto.ErrKeyFile)
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "put back the newest copy")
	require.NoError(t, os.Truncate(path, 0))
	_, err = crypto.OpenKeyring(path)
	require.ErrorIs(t, err, crypto.ErrKeyFile)
	require.ErrorContains(t, err, "put back the newest copy")
	_, err = crypto.OpenPassphraseKeyring(path, secret.NewString("correct horse"))
	require.ErrorIs(t, err, crypto.ErrKeyFile)
	require.ErrorContains(t, err, "put back the newest copy")
}

func TestAddKeyWaitsForNoDeadProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	require.NoError(t, os.WriteFile(path+".lock", nil, 0o600))
	err = r.AddKey(t.Context())
	require.ErrorIs(t, err, crypto.ErrLocked)
	require.ErrorContains(t, err, path+".lock")
	require.NoError(t, os.Remove(path+".lock"))
	require.NoError(t, r.AddKey(t.Context()))
}

// TestKillDuringAddKeyLosesNoKeyThatSealed kills processes that add keys, at whatever they are doing.
func TestKillDuringAddKeyLosesNoKeyThatSealed(t *testing.T) {
	t.Parallel()
	if path := os.Getenv("EBB_TEST_ADD_KEYS"); path != "" {
		r, err := crypto.OpenKeyring(path)
		require.NoError(t, err)
		for {
			require.NoError(t, r.AddKey(t.Context()))
			b, err := r.Seal(t.Context(), at, []byte("text"))
			require.NoError(t, err)
			_, err = fmt.Printf("sealed=%x\n", b)
			require.NoError(t, err)
		}
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	folder := t.TempDir()
	path := filepath.Join(folder, "keys")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	total := 0
	for round := range 20 {
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestKillDuringAddKeyLosesNoKeyThatSealed$")
		cmd.Env = append(os.Environ(), "EBB_TEST_ADD_KEYS="+path)
		pipe, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		out := bufio.NewReader(pipe)
		var sealed []string
		for line, err := out.ReadString('\n'); err == nil; line, err = out.ReadString('\n') {
			require.Contains(t, line, "sealed=")
			sealed = append(sealed, strings.TrimSpace(strings.TrimPrefix(line, "sealed=")))
			if len(sealed) == 1+round%5 {
				require.NoError(t, cmd.Process.Kill()) // and read on: it may have got further
			}
		}
		require.Error(t, cmd.Wait())
		require.NotEmpty(t, sealed)
		total += len(sealed)
		for _, line := range sealed {
			b, err := hex.DecodeString(line)
			require.NoError(t, err)
			opened, err := crypto.OpenKeyring(path)
			require.NoError(t, err)
			_, err = opened.Open(t.Context(), at, b)
			require.NoError(t, err)
			require.NoError(t, opened.Close())
		}
		for _, name := range names(t, folder) {
			if name != "keys" {
				require.True(t, name == "keys.lock" || strings.HasPrefix(name, ".keys."), name)
				info, err := os.Stat(filepath.Join(folder, name))
				require.NoError(t, err)
				require.Zero(t, info.Mode()&0o077)
				require.NoError(t, os.Remove(filepath.Join(folder, name)))
			}
		}
		require.NoError(t, r.AddKey(t.Context()))
	}
	require.GreaterOrEqual(t, total, 20)
}

func TestAddKeyChangesNoFileButItsOwn(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, other := filepath.Join(folder, "keys"), filepath.Join(folder, "other")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	older, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, r.AddKey(t.Context()))
	newer, err := os.ReadFile(path)
	require.NoError(t, err)
	b, err := r.Seal(t.Context(), at, []byte("text"))
	require.NoError(t, err)
	o, err := crypto.CreateKeyring(other)
	closeLater(t, o, err)
	foreign, err := os.ReadFile(other)
	require.NoError(t, err)

	for want, content := range map[string][]byte{"has lost key": older, "another keyring": foreign, "a part is missing": newer[:len(newer)/2]} {
		require.NoError(t, os.WriteFile(path, content, 0o600))
		err := r.AddKey(t.Context())
		require.ErrorIs(t, err, crypto.ErrKeyFile)
		require.ErrorContains(t, err, want)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, content, got)
	}
	require.NoError(t, os.Remove(path))
	require.ErrorIs(t, r.AddKey(t.Context()), fs.ErrNotExist)

	// What is in memory works on, and the file can be put back.
	_, err = r.Open(t.Context(), at, b)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, newer, 0o600))
	require.NoError(t, r.AddKey(t.Context()))
	require.Equal(t, []string{"keys", "other"}, names(t, folder))
}

func TestUnreadableFileIsNoReasonToForgetKnownKeys(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	b, err := r.Seal(t.Context(), at, []byte("text"))
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	other := closeLater(t, crypto.NewKeyring(), nil)
	foreign, err := other.Seal(t.Context(), at, []byte("text"))
	require.NoError(t, err)

	_, err = r.Open(t.Context(), at, foreign)
	require.ErrorIs(t, err, crypto.ErrNoKey)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = r.Open(t.Context(), at, b)
	require.NoError(t, err)
}

func TestAddKeyFollowsALink(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, link := filepath.Join(folder, "keys"), filepath.Join(folder, "link")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	if err := os.Symlink(path, link); err != nil {
		t.Skip("no symbolic links here")
	}
	linked, err := crypto.OpenKeyring(link)
	closeLater(t, linked, err)
	require.NoError(t, linked.AddKey(t.Context()))
	b, err := linked.Seal(t.Context(), at, []byte("text"))
	require.NoError(t, err)
	_, err = r.Open(t.Context(), at, b)
	require.NoError(t, err)
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&fs.ModeSymlink)
}

func TestPassphraseGuardsTheKeys(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "keys")
	right := secret.NewString("correct horse battery staple")
	r, err := crypto.CreatePassphraseKeyring(path, right)
	mine := closeLater(t, r, err)
	old, err := mine.Seal(t.Context(), at, []byte("text"))
	require.NoError(t, err)
	token, err := mine.Blind(t.Context(), at, []byte("value"))
	require.NoError(t, err)

	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), "\nargon2id m=65536 t=3 p=4 salt=")
	require.NotContains(t, string(text), "correct horse")

	for name, wrong := range map[string]secret.Value{
		"other": secret.NewString("correct horse battery stable"), "empty": secret.New(nil), "zero": {}, "space": secret.NewString("correct horse battery staple "),
	} {
		_, err := crypto.OpenPassphraseKeyring(path, wrong)
		require.ErrorIs(t, err, crypto.ErrPassphrase, name)
		require.NotContains(t, err.Error(), "horse")
	}
	_, err = crypto.OpenKeyring(path)
	require.ErrorIs(t, err, crypto.ErrPassphrase)
	require.ErrorContains(t, err, "OpenPassphraseKeyring")

	r, err = crypto.OpenPassphraseKeyring(path, right)
	again := closeLater(t, r, err)
	right.Destroy() // no longer needed, not even to add keys
	require.NoError(t, again.AddKey(t.Context()))
	newer, err := again.Seal(t.Context(), at, []byte("newer"))
	require.NoError(t, err)
	for _, r := range []*crypto.Keyring{mine, again} {
		got, err := r.Open(t.Context(), at, old)
		require.NoError(t, err)
		require.Equal(t, "text", string(got))
		got, err = r.Open(t.Context(), at, newer)
		require.NoError(t, err)
		require.Equal(t, "newer", string(got))
		same, err := r.Blind(t.Context(), at, []byte("value"))
		require.NoError(t, err)
		require.Equal(t, token, same)
	}
	_, err = crypto.OpenPassphraseKeyring(path, right)
	require.ErrorIs(t, err, secret.ErrDestroyed)
	require.Equal(t, []string{"keys"}, names(t, folder))
}

func TestPassphraseIsNotTakenForAFileWithoutOne(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "keys")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	_, err = crypto.OpenPassphraseKeyring(path, secret.NewString("correct horse"))
	require.ErrorIs(t, err, crypto.ErrPassphrase)
	_, err = crypto.CreatePassphraseKeyring(path+"2", secret.Value{})
	require.ErrorIs(t, err, crypto.ErrPassphrase)
	require.Equal(t, []string{"keys"}, names(t, folder))
}

func TestPassphraseFileReplacedWhileOpenIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	r, err := crypto.CreatePassphraseKeyring(path, secret.NewString("correct horse"))
	closeLater(t, r, err)
	require.NoError(t, os.Remove(path))
	other, err := crypto.CreatePassphraseKeyring(path, secret.NewString("correct horse"))
	closeLater(t, other, err)
	require.ErrorIs(t, r.AddKey(t.Context()), crypto.ErrPassphrase)
	require.NoError(t, os.Remove(path))
	inClear, err := crypto.CreateKeyring(path)
	closeLater(t, inClear, err)
	require.ErrorIs(t, r.AddKey(t.Context()), crypto.ErrPassphrase)
}
