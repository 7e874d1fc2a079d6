package crypto

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// keysWithEpochs has epoch 3, which is destroyed, 5 and 9; 1 and 2, 4, 6 to 8 are forgotten.
func keysWithEpochs(t testing.TB) *keys {
	t.Helper()
	k := newKeys(newRootKey(), []*rootKey{newRootKey()})
	var epochs []*epochKey
	for _, number := range []uint32{3, 5, 9} {
		e, err := newEpochKey(number, newRootKey())
		require.NoError(t, err)
		epochs = append(epochs, e)
	}
	return k.withEpochs(epochs).withoutEpoch(3, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
}

func textOf(t testing.TB, k *keys, wrap *wrapper) []byte {
	t.Helper()
	p, err := newKeyText(k, wrap)
	require.NoError(t, err)
	text, err := p.format(wrap.mac)
	require.NoError(t, err)
	return text
}

func TestKeyFileKeepsEveryEpoch(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]*wrapper{"clear": nil, "passphrase": quickWrapper()} {
		want := keysWithEpochs(t)
		text := textOf(t, want, wrap)
		require.Contains(t, string(text), "\nebb keys 2\n")
		p, err := parseKeyText(text)
		require.NoError(t, err, name)
		got, err := p.open(wrap)
		require.NoError(t, err, name)
		require.Len(t, got.epochs, 3)
		for i, e := range want.epochs {
			require.Equal(t, e.epoch(), got.epochs[i].epoch())
			require.Equal(t, e.key == nil, got.epochs[i].key == nil)
			if e.key != nil {
				require.Equal(t, e.key.id, got.epochs[i].key.id)
				require.True(t, e.key.key.Equal(got.epochs[i].key.key))
				require.True(t, e.wrapping.key.Equal(got.epochs[i].wrapping.key))
				require.False(t, e.wrapping.key.Equal(e.key.key))
			}
		}
		require.Equal(t, uint32(9), got.lastEpoch())
		for number, gone := range map[uint32]bool{1: true, 3: true, 4: true, 5: false, 8: true, 9: false} {
			e, err := got.epoch(number)
			require.NoError(t, err)
			require.Equal(t, gone, e.key == nil, "epoch %d", number)
		}
		for _, number := range []uint32{0, 10, math.MaxUint32} {
			_, err := got.epoch(number)
			require.ErrorIs(t, err, ErrNoEpoch)
		}
		// A text takes the room that was made for it, so that nothing of it is left elsewhere.
		p, err = newKeyText(want, wrap)
		require.NoError(t, err)
		text, err = p.format(wrap.mac)
		require.NoError(t, err)
		require.LessOrEqual(t, len(text), 800+(len(p.keys)+len(p.epochs)+1)*320)
	}
}

func TestDamagedEpochsAreRefused(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]*wrapper{"clear": nil, "passphrase": quickWrapper()} {
		text := textOf(t, keysWithEpochs(t), wrap)
		for n := range text {
			_, err := parseKeyText(text[:n])
			require.ErrorIs(t, err, ErrKeyFile, "%s: first %d bytes", name, n)
			flipped := bytes.Clone(text)
			flipped[n] ^= 1
			_, err = parseKeyText(flipped)
			require.True(t, isAny(err, ErrKeyFile, ErrNewer), "%s: byte %d flipped: %v", name, n, err)
		}
	}
}

func TestEpochsThatSayWhatTheyMustNotAreRefused(t *testing.T) {
	t.Parallel()
	text := string(textOf(t, keysWithEpochs(t), nil))
	lines := strings.SplitAfter(text, "\n") // three comments, version, index, key, destroyed 3, epoch 5, epoch 9, checksum
	key, three, five, nine := lines[5], lines[6], lines[7], lines[8]
	require.True(t, strings.HasPrefix(three, "destroyed 3 ") && strings.HasPrefix(five, "epoch 5 ") && strings.HasPrefix(nine, "epoch 9 "))
	change := func(old, with string) string { return strings.Replace(text, old, with, 1) }
	for name, changed := range map[string]string{
		"version 1 with epochs":       change("ebb keys 2", "ebb keys 1"),
		"version 2 without":           change(three+five+nine, ""),
		"another order":               change(five+nine, nine+five),
		"the same twice":              change(five, five+five),
		"the same number twice":       change("epoch 9 ", "epoch 5 "),
		"the same key twice":          change(nine, strings.Replace(five, "epoch 5 ", "epoch 9 ", 1)),
		"the sealing key as an epoch": change(nine, strings.Replace(key, "key ", "epoch 9 ", 1)),
		"number zero":                 change("destroyed 3 ", "destroyed 0 "),
		"number 03":                   change("destroyed 3 ", "destroyed 03 "),
		"number +3":                   change("destroyed 3 ", "destroyed +3 "),
		"negative":                    change("destroyed 3 ", "destroyed -3 "),
		"number too large":            change("epoch 9 ", "epoch 4294967296 "),
		"no number":                   change("epoch 9 ", "epoch "),
		"nothing but its kind":        change(nine, "epoch\n"),
		"another kind":                change("epoch 9 ", "epic 9 "),
		"upper case":                  change("epoch 9 ", "Epoch 9 "),
		"a field more":                change(three, strings.TrimSuffix(three, "\n")+" x\n"),
		"a field less":                change(three, three[:strings.LastIndex(three, " ")]+"\n"),
		"a space at the end":          change(nine, strings.TrimSuffix(nine, "\n")+" \n"),
		"a destroyed key":             change("epoch 5 ", "destroyed 5 "),
		"a key that is not there":     change("destroyed 3 ", "epoch 3 "),
		"destroyed never":             change("2026-01-02T03:04:05Z", "0001-01-01T00:00:00Z"),
		"destroyed some day":          change("2026-01-02T03:04:05Z", "some day"),
		"destroyed here":              change("2026-01-02T03:04:05Z", "2026-01-02T03:04:05+01:00"),
		"destroyed in parts":          change("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.5Z"),
		"before the keys":             change(key+three, three+key),
		"a key after them":            change(nine, nine+strings.Replace(key, key[4:36], strings.Repeat("ab", 16), 1)),
		"an index after them":         change(nine, nine+strings.Replace(lines[4], lines[4][6:38], strings.Repeat("ab", 16), 1)),
		"short key":                   change(nine, nine[:len(nine)-6]+"\n"),
	} {
		require.NotEqual(t, text, changed, name)
		_, err := parseKeyText(resummed(changed))
		require.ErrorIs(t, err, ErrKeyFile, name)
	}
	for name, changed := range map[string]string{
		"highest number": change("epoch 9 ", "epoch 4294967295 "), "only destroyed ones": change(five+nine, ""),
	} {
		_, err := parseKeyText(resummed(changed))
		require.NoError(t, err, name)
	}
}

func TestEpochErrorsShowNoKeys(t *testing.T) {
	t.Parallel()
	text := string(textOf(t, keysWithEpochs(t), nil))
	for i := range strings.LastIndex(text, "sha256 ") {
		_, err := parseKeyText(resummed(text[:i] + "?" + text[i+1:]))
		if err == nil {
			continue // inside a comment
		}
		for line := range strings.Lines(text) {
			if fields := strings.Fields(line); strings.HasPrefix(line, "epoch ") {
				for j := range len(fields[4]) - 8 {
					require.NotContains(t, err.Error(), fields[4][j:j+8])
				}
			}
		}
	}
}

func TestLockedEpochsTakeNoChange(t *testing.T) {
	t.Parallel()
	wrap := quickWrapper()
	k := keysWithEpochs(t)
	text := string(textOf(t, k, wrap))
	for name, changed := range map[string]string{
		"another number": strings.Replace(text, "\nepoch 9 ", "\nepoch 8 ", 1),
		"another id":     strings.Replace(text, hex.EncodeToString(k.epochs[2].key.id[:]), strings.Repeat("00", 16), 1),
		"another time":   strings.Replace(text, "2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z", 1),
		"one forgotten":  text[:strings.Index(text, "destroyed 3 ")] + text[strings.Index(text, "epoch 5 "):],
		"with another":   strings.Replace(text, "\ndestroyed 3", "\ndestroyed 2 2026-01-02T03:04:05Z 2026-01-02T03:04:05Z\ndestroyed 3", 1),
		"one taken out":  text[:strings.Index(text, "epoch 5 ")] + text[strings.Index(text, "epoch 9 "):],
	} {
		require.NotEqual(t, text, changed, name)
		p, err := parseKeyText(resummed(changed))
		require.NoError(t, err, name)
		_, err = p.open(wrap)
		require.ErrorIs(t, err, ErrPassphrase, name)
	}
	// Even with the mac key, a wrapped key opens in its own place only.
	for name, change := range map[string]func(p *keyText){
		"of another epoch": func(p *keyText) { p.epochs[1].key = p.epochs[2].key },
		"another number":   func(p *keyText) { p.epochs[2].number = 8 },
		"of the vault":     func(p *keyText) { p.epochs[1].keyLine = p.keys[0] },
	} {
		p, err := newKeyText(k, wrap)
		require.NoError(t, err)
		change(p)
		if name == "of the vault" {
			p.keys = append(p.keys[:0:0], p.index)
			p.keys[0].id[0]++
		}
		text, err := p.format(wrap.mac)
		require.NoError(t, err)
		p, err = parseKeyText(text)
		require.NoError(t, err, name)
		_, err = p.open(wrap)
		require.ErrorIs(t, err, ErrKeyFile, name)
	}
}

func TestThereIsAnEndToNumbers(t *testing.T) {
	t.Parallel()
	k := keysWithEpochs(t)
	last := *k.epochs[2]
	last.number = math.MaxUint32
	k = k.withEpochs([]*epochKey{&last})
	_, err := k.withNewEpoch()
	require.ErrorIs(t, err, ErrTooLarge)
}

// What was derived from the key of an epoch must go with it, however warm it is.
func TestNothingOfADestroyedEpochStaysInMemory(t *testing.T) {
	t.Parallel()
	r := NewKeyring()
	e, err := r.NewEpoch(t.Context())
	require.NoError(t, err)
	wrapped, err := r.Wrap(t.Context(), e.Number, []byte("key"), []byte("scope"))
	require.NoError(t, err)
	_, err = r.Unwrap(t.Context(), e.Number, wrapped, []byte("scope"))
	require.NoError(t, err)
	held := r.keys.Load().epochs[0]
	require.NotEmpty(t, held.envelopes.opening.entries)
	_, err = r.DestroyEpoch(t.Context(), e.Number)
	require.NoError(t, err)
	require.Empty(t, held.envelopes.opening.entries)
	require.Empty(t, held.envelopes.sealing.entries)
	require.Error(t, held.key.key.Use(func([]byte) {}))
	require.Error(t, held.wrapping.key.Use(func([]byte) {}))
	require.Nil(t, r.keys.Load().epochs[0].key)
}
