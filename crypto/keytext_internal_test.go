package crypto

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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

// quickWrapper spares tests the work of Argon2id.
func quickWrapper() *wrapper {
	kdf := argon{memory: minArgonMemory, passes: 2, lanes: 1, salt: keyID{9, 8, 7}}
	return &wrapper{
		kdf:       kdf,
		key:       &rootKey{id: kdf.salt, key: secret.New(bytes.Repeat([]byte{5}, keySize))},
		macKey:    secret.New(bytes.Repeat([]byte{6}, keySize)),
		envelopes: newEnvelopes(),
	}
}

func keyFileText(t testing.TB, wrap *wrapper) []byte {
	t.Helper()
	p, err := newKeyText(newKeys(newRootKey(), []*rootKey{newRootKey(), newRootKey()}), wrap)
	require.NoError(t, err)
	text, err := p.format(wrap.mac)
	require.NoError(t, err)
	return text
}

// resummed puts the right checksum under lines that a test has changed.
func resummed(text string) []byte {
	text = text[:strings.LastIndex(text, "sha256 ")]
	sum := sha256.Sum256([]byte(text))
	return []byte(text + "sha256 " + hex.EncodeToString(sum[:]) + "\n")
}

func TestKeyFileKeepsEveryKeyInOrder(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]*wrapper{"clear": nil, "passphrase": quickWrapper()} {
		want := newKeys(newRootKey(), []*rootKey{newRootKey(), newRootKey(), newRootKey()})
		p, err := newKeyText(want, wrap)
		require.NoError(t, err, name)
		text, err := p.format(wrap.mac)
		require.NoError(t, err, name)

		again, err := parseKeyText(text)
		require.NoError(t, err, name)
		got, err := again.open(wrap)
		require.NoError(t, err, name)
		require.Equal(t, want.index.id, got.index.id)
		require.True(t, want.index.key.Equal(got.index.key))
		require.Len(t, got.byAge, 3)
		for i, key := range want.byAge {
			require.Equal(t, key.id, got.byAge[i].id)
			require.Equal(t, key.created, got.byAge[i].created)
			require.True(t, key.key.Equal(got.byAge[i].key))
		}
		require.Same(t, got.byAge[2], got.newest())
	}
}

func TestKeyFileThatCouldNotBeReadAgainIsNotWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	f := &keyFile{path: path}
	r, err := createKeyring(f)
	require.NoError(t, err)
	k := r.keys.Load()
	many := make([]*rootKey, 9_000)
	for i := range many {
		many[i] = newRootKey()
	}
	require.NoError(t, f.replace(newKeys(k.index, append(slices.Clone(k.byAge), many...)), false))
	_, err = OpenKeyring(path)
	require.NoError(t, err)
	many = append(many, many[:2_000]...)
	require.ErrorIs(t, f.replace(newKeys(k.index, many), false), ErrTooLarge)
	_, err = OpenKeyring(path)
	require.NoError(t, err)
}

func TestDamagedKeyFileIsRefused(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]*wrapper{"clear": nil, "passphrase": quickWrapper()} {
		text := keyFileText(t, wrap)
		_, err := parseKeyText(text)
		require.NoError(t, err)
		for n := range text {
			_, err := parseKeyText(text[:n])
			require.ErrorIs(t, err, ErrKeyFile, "%s: first %d bytes", name, n)
			flipped := bytes.Clone(text)
			flipped[n] ^= 1
			_, err = parseKeyText(flipped)
			require.True(t, isAny(err, ErrKeyFile, ErrNewer), "%s: byte %d flipped: %v", name, n, err)
		}
		_, err = parseKeyText(append(bytes.Clone(text), '\n'))
		require.ErrorIs(t, err, ErrKeyFile)
		_, err = parseKeyText(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))
		require.ErrorIs(t, err, ErrKeyFile)
		_, err = parseKeyText(make([]byte, len(text)))
		require.ErrorIs(t, err, ErrKeyFile)
	}
}

func TestKeyFileThatSaysWhatItMustNotIsRefused(t *testing.T) {
	t.Parallel()
	text, locked := string(keyFileText(t, nil)), string(keyFileText(t, quickWrapper()))
	lines := strings.SplitAfter(text, "\n") // two comments, version, index, two keys, checksum
	without := func(from, to int) string {
		return strings.Join(lines[:from], "") + strings.Join(lines[to:], "")
	}
	kdf := quickWrapper().kdf
	argonWith := func(change func(a *argon)) string {
		a := kdf
		change(&a)
		return strings.Replace(locked, kdf.String(), a.String(), 1)
	}
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"newer version":      {strings.Replace(text, "ebb keys 1", "ebb keys 3", 1), ErrNewer},
		"version zero":       {strings.Replace(text, "ebb keys 1", "ebb keys 0", 1), ErrKeyFile},
		"version 01":         {strings.Replace(text, "ebb keys 1", "ebb keys 01", 1), ErrKeyFile},
		"no version":         {without(2, 3), ErrKeyFile},
		"no index":           {without(3, 4), ErrKeyFile},
		"no keys":            {without(4, 6), ErrKeyFile},
		"nothing":            {without(3, 6), ErrKeyFile},
		"same key twice":     {strings.Replace(text, lines[4], lines[4]+lines[4], 1), ErrKeyFile},
		"two indexes":        {strings.Replace(text, lines[3], lines[3]+lines[3], 1), ErrKeyFile},
		"empty line":         {strings.Replace(text, lines[4], "\n"+lines[4], 1), ErrKeyFile},
		"double space":       {strings.Replace(text, "\nkey ", "\nkey  ", 1), ErrKeyFile},
		"space at the end":   {strings.Replace(text, lines[4], lines[4][:len(lines[4])-1]+" \n", 1), ErrKeyFile},
		"carriage return":    {strings.Replace(text, lines[4], lines[4][:len(lines[4])-1]+"\r\n", 1), ErrKeyFile},
		"upper case id":      {strings.Replace(text, lines[4][4:36], strings.Repeat("AB", 16), 1), ErrKeyFile},
		"short id":           {strings.Replace(text, lines[4][4:36], lines[4][4:34], 1), ErrKeyFile},
		"short key":          {strings.Replace(text, lines[4][58:], "AAAA\n", 1), ErrKeyFile},
		"local time":         {strings.Replace(text, lines[4][37:57], "2026-01-02T03:04:05+01:00", 1), ErrKeyFile},
		"no time":            {strings.Replace(text, lines[4][37:57], "yesterday", 1), ErrKeyFile},
		"unpadded key":       {strings.Replace(text, lines[4][58:], strings.TrimRight(lines[4][58:], "=\n")+"\n", 1), ErrKeyFile},
		"mac in the clear":   {strings.Replace(text, "sha256 ", "mac "+strings.Repeat("00", 32)+"\nsha256 ", 1), ErrKeyFile},
		"locked but no mac":  {locked[:strings.Index(locked, "mac ")] + "sha256 \n", ErrKeyFile},
		"mac too short":      {strings.Replace(locked, "\nmac ", "\nmac 00\nmac ", 1), ErrKeyFile},
		"little memory":      {argonWith(func(a *argon) { a.memory = minArgonMemory - 1 }), ErrKeyFile},
		"too much memory":    {argonWith(func(a *argon) { a.memory = maxArgonMemory + 1 }), ErrKeyFile},
		"no passes":          {argonWith(func(a *argon) { a.passes = 0 }), ErrKeyFile},
		"too many passes":    {argonWith(func(a *argon) { a.passes = maxArgonPasses + 1 }), ErrKeyFile},
		"no lanes":           {argonWith(func(a *argon) { a.lanes = 0 }), ErrKeyFile},
		"too many lanes":     {argonWith(func(a *argon) { a.lanes = maxArgonLanes + 1 }), ErrKeyFile},
		"lanes overflow":     {strings.Replace(locked, " p=1 ", " p=257 ", 1), ErrKeyFile},
		"numbers with signs": {strings.Replace(locked, " t=2 ", " t=+2 ", 1), ErrKeyFile},
		"short salt":         {strings.Replace(locked, "salt=CQ", "salt=", 1), ErrKeyFile},
		"another function":   {strings.Replace(locked, "argon2id ", "argon2i ", 1), ErrKeyFile},
	} {
		_, err := parseKeyText(resummed(c.text))
		require.ErrorIs(t, err, c.want, name)
	}
	_, err := parseKeyText(resummed("# another remark\n" + text))
	require.NoError(t, err)
}

func TestKeyFileErrorsShowNoKeys(t *testing.T) {
	t.Parallel()
	text := string(keyFileText(t, nil))
	for i := range strings.LastIndex(text, "sha256 ") {
		_, err := parseKeyText(resummed(text[:i] + "?" + text[i+1:]))
		if err == nil {
			continue // inside a comment
		}
		for line := range strings.Lines(text) {
			if fields := strings.Fields(line); len(fields) == 4 && !strings.HasPrefix(line, "#") {
				for j := range len(fields[3]) - 8 {
					require.NotContains(t, err.Error(), fields[3][j:j+8])
				}
			}
		}
	}
}

func TestLockedKeyFileShowsNoKeysAndTakesNoChange(t *testing.T) {
	t.Parallel()
	wrap := quickWrapper()
	ks := newKeys(newRootKey(), []*rootKey{newRootKey(), newRootKey()})
	p, err := newKeyText(ks, wrap)
	require.NoError(t, err)
	text, err := p.format(wrap.mac)
	require.NoError(t, err)

	lines := strings.SplitAfter(string(text), "\n") // two comments, version, argon2id, index, two keys, mac, checksum
	swapped := strings.Join(append(append([]string{}, lines[:5]...), lines[6], lines[5], lines[7], lines[8]), "")
	shorter := strings.Join(append(append([]string{}, lines[:6]...), lines[7], lines[8]), "")
	renamed := strings.Replace(string(text), hex.EncodeToString(ks.byAge[0].id[:]), strings.Repeat("00", 16), 1)
	redated := strings.Replace(string(text), lines[5][37:57], "2001-01-01T00:00:00Z", 1)
	for name, changed := range map[string]string{"swapped": swapped, "shorter": shorter, "renamed": renamed, "redated": redated} {
		require.NotEqual(t, string(text), changed, name)
		p, err := parseKeyText(resummed(changed))
		require.NoError(t, err, name)
		_, err = p.open(wrap)
		require.ErrorIs(t, err, ErrPassphrase, name)
	}

	// Even with the mac key, a wrapped key opens in its own place only.
	for name, change := range map[string]func(p *keyText){
		"key as index": func(p *keyText) { p.index.key = p.keys[0].key },
		"other id":     func(p *keyText) { p.keys[0].key = p.keys[1].key },
		"no envelope":  func(p *keyText) { p.keys[0].key = make([]byte, Overhead+keySize) },
	} {
		p, err := newKeyText(ks, wrap)
		require.NoError(t, err)
		change(p)
		text, err := p.format(wrap.mac)
		require.NoError(t, err)
		p, err = parseKeyText(text)
		require.NoError(t, err)
		_, err = p.open(wrap)
		require.ErrorIs(t, err, ErrKeyFile, name)
	}
}

func FuzzKeyFile(f *testing.F) {
	wrap := quickWrapper()
	f.Add(keyFileText(f, nil))
	f.Add(keyFileText(f, wrap))
	f.Add(textOf(f, keysWithEpochs(f), nil))
	f.Add(textOf(f, keysWithEpochs(f), wrap))
	f.Add([]byte("ebb keys 3\n"))
	f.Add([]byte("#\n#\nebb keys 1\nsha256 \n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, text := range [][]byte{text, fmt.Appendf(nil, "%ssha256 %x\n", text, sha256.Sum256(text))} {
			kept := bytes.Clone(text)
			p, err := parseKeyText(text)
			require.Equal(t, kept, text)
			if err != nil {
				require.True(t, isAny(err, ErrKeyFile, ErrNewer), err)
				continue
			}
			mac := p.mac
			first, err := p.format(func([]byte) ([]byte, error) { return mac, nil })
			require.NoError(t, err)
			again, err := parseKeyText(first)
			require.NoError(t, err)
			require.Equal(t, p.kdf, again.kdf)
			require.Equal(t, p.index, again.index)
			require.Equal(t, p.keys, again.keys)
			require.Equal(t, p.epochs, again.epochs)
			require.Equal(t, p.mac, again.mac)
			if p.kdf == nil {
				_, err = p.open(nil)
				require.NoError(t, err)
			} else if _, err = p.open(wrap); err != nil {
				require.True(t, isAny(err, ErrPassphrase, ErrKeyFile), err)
			}
		}
	})
}
