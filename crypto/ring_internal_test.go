package crypto

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto/secret"
)

// sampleRing is a ring as it is stored, with versions from a number on.
func sampleRing(t testing.TB, first, minDecrypt, minAvailable uint32, count int) (*ring, []byte) {
	t.Helper()
	o := owner{ownerSubject, "acme", "ada"}
	r := &ring{owner: o, id: o.ringID(), minDecrypt: minDecrypt, minAvailable: minAvailable}
	for i := range count {
		v := newVersion(first+uint32(i), time.Unix(1_800_000_000, 0)) //nolint:gosec // a few
		v.epoch, v.wrapped = 3, []byte("wrapped")
		r.versions, r.latest = append(r.versions, v), v.number
	}
	text, err := r.encode()
	require.NoError(t, err)
	return r, text
}

// Numbers of versions that contradict each other are refused before any key is asked for.
func TestRingWhoseNumbersContradictEachOtherIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, minDecrypt, minAvailable uint32
		count                           int
		change                          func(text []byte)
		ok                              bool
	}{
		"one version":                             {1, 1, 1, 1, nil, true},
		"all may open":                            {2, 2, 2, 3, nil, true},
		"the oldest is retired":                   {2, 3, 2, 3, nil, true},
		"only the latest opens":                   {2, 4, 2, 3, nil, true},
		"nothing was ever trimmed":                {2, 2, 1, 3, nil, true},
		"nothing opens":                           {1, 2, 1, 1, nil, false},
		"everything opens, what never was too":    {1, 0, 0, 1, nil, false},
		"what opens is not to be there":           {2, 2, 3, 3, nil, false},
		"what is there is not to be there":        {2, 4, 3, 3, nil, false},
		"the latest is not there":                 {1, 1, 1, 2, func(b []byte) { b[6]++ }, false},
		"the latest is not the last":              {1, 1, 1, 2, func(b []byte) { b[6]-- }, false},
		"fewer versions than are told":            {1, 1, 1, 2, func(b []byte) { b[16]++ }, false},
		"more versions than are told":             {1, 1, 1, 2, func(b []byte) { b[16]-- }, false},
		"no versions":                             {1, 1, 1, 1, func(b []byte) { b[16] = 0 }, false},
		"a number without end of versions":        {1, 1, 1, 1, func(b []byte) { binary.BigEndian.PutUint16(b[15:], 1<<16-1) }, false},
		"two versions of the same number":         {1, 1, 1, 2, func(b []byte) { b[20+ringEntry+len("wrapped")] = 1; b[6] = 1 }, false},
		"keys of another kind of owner":           {1, 1, 1, 1, func(b []byte) { b[2] = ownerRun }, false},
		"a state that is none":                    {1, 1, 1, 1, func(b []byte) { b[1] = 7 }, false},
		"destroyed, and still with keys":          {1, 1, 1, 1, func(b []byte) { b[1] = ringDestroyed }, false},
		"a wrapped key that is longer than it is": {1, 1, 1, 1, func(b []byte) { b[ringHeader+ringEntry-1]++ }, false},
	} {
		r, text := sampleRing(t, c.first, c.minDecrypt, c.minAvailable, c.count)
		if c.change != nil {
			c.change(text)
		}
		read, err := decodeRing(r.owner, r.id, text)
		if c.ok {
			require.NoError(t, err, name)
			require.Equal(t, []uint32{r.latest, c.minDecrypt, c.minAvailable}, []uint32{read.latest, read.minDecrypt, read.minAvailable}, name)
			continue
		}
		require.ErrorIs(t, err, ErrRing, name)
		require.ErrorIs(t, err, ErrMalformed, name)
		require.Nil(t, read, name)
	}
	r, text := sampleRing(t, 1, 1, 1, 1)
	text[0] = ringPast + 1
	_, err := decodeRing(r.owner, r.id, text)
	require.ErrorIs(t, err, ErrNewer)
}

// What is known of destroyed keys is kept, and changes nothing of rings that never lost any.
func TestRingKeepsWhatItKnowsOfDestroyedKeys(t *testing.T) {
	t.Parallel()
	r, text := sampleRing(t, 1, 1, 1, 2)
	require.EqualValues(t, ringFormat, text[0])
	require.Nil(t, (&ring{}).buries(time.Unix(5, 0)), "an owner without keys")
	r.past = r.buries(time.Unix(5, 0).UTC())
	again, err := r.encode()
	require.NoError(t, err)
	require.Equal(t, text[1:len(text)-ringMAC], again[1:len(text)-ringMAC])
	read, err := decodeRing(r.owner, r.id, again)
	require.NoError(t, err)
	require.Equal(t, r.past, read.past)
	tomb := &ring{destroyed: true, at: time.Unix(9, 0).UTC(), irrevocable: time.Unix(10, 0).UTC(), past: read.buries(time.Unix(9, 0).UTC())}
	require.Len(t, tomb.past.ids, 4, "those of both lives")
	text, err = tomb.encode()
	require.NoError(t, err)
	read, err = decodeRing(r.owner, r.id, text)
	require.NoError(t, err)
	require.Equal(t, tomb.past, read.past)
	many := &ring{past: &past{ids: make([]keyID, maxPast)}, versions: r.versions}
	require.Len(t, many.buries(time.Unix(9, 0)).ids, maxPast)
	require.True(t, many.buries(time.Unix(9, 0)).had(&r.versions[1].key.id), "the oldest are forgotten")
	for name, wrong := range map[string][]byte{
		"cut short":           again[:len(again)-1],
		"one more":            append(append([]byte{}, again...), 0),
		"a tombstone cut off": text[:len(text)-1],
		"a tombstone longer":  append(append([]byte{}, text...), 0),
		"a tombstone without": {ringPast, ringDestroyed, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0},
	} {
		_, err := decodeRing(r.owner, r.id, wrong)
		require.ErrorIs(t, err, ErrRing, name)
	}
}

// FuzzRing reads anything as a ring: it is refused, or is what a ring that says the same is stored as.
func FuzzRing(f *testing.F) {
	for _, count := range []int{1, 3} {
		_, text := sampleRing(f, 1, 1, 1, count)
		f.Add(text)
		f.Add(text[:len(text)-1])
	}
	destroyed, err := (&ring{destroyed: true, at: time.Unix(1, 0), irrevocable: time.Unix(2, 0)}).encode()
	require.NoError(f, err)
	f.Add(destroyed)
	before := &past{at: time.Unix(1, 0), ids: []keyID{{1}, {2}}}
	buried, err := (&ring{destroyed: true, at: time.Unix(1, 0), irrevocable: time.Unix(2, 0), past: before}).encode()
	require.NoError(f, err)
	f.Add(buried)
	again, _ := sampleRing(f, 1, 1, 1, 2)
	again.past = before
	text, err := again.encode()
	require.NoError(f, err)
	f.Add(text)
	f.Add([]byte{})
	f.Add([]byte{ringFormat, ringActive})
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := decodeRing(owner{tenant: "acme"}, "id", text)
		if err != nil {
			require.Nil(t, r)
			return
		}
		if !r.destroyed {
			r.newest().key.key = secret.New(make([]byte, keySize))
		}
		again, err := r.encode()
		require.NoError(t, err)
		require.Len(t, again, len(text))
		if !r.destroyed {
			again, text = again[:len(again)-ringMAC], text[:len(text)-ringMAC]
		}
		require.Equal(t, text, again)
	})
}
