package crypto_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
)

func pepper(fill byte) secret.Value {
	return secret.New([]byte(strings.Repeat(string(rune(fill)), 32)))
}

func TestHashWithoutItsPepperIsWorthless(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	one, two := pepper('1'), pepper('2')
	plain := passwordsFor(t, crypto.PasswordConfig{})
	first := passwordsFor(t, crypto.PasswordConfig{Peppers: crypto.Peppers{Latest: 1, Keys: map[uint32]secret.Value{1: one}}})
	both := passwordsFor(t, crypto.PasswordConfig{Peppers: crypto.Peppers{Latest: 2, Keys: map[uint32]secret.Value{1: one, 2: two}}})
	ending := passwordsFor(t, crypto.PasswordConfig{Peppers: crypto.Peppers{Keys: map[uint32]secret.Value{1: one, 2: two}}})
	guessed := passwordsFor(t, crypto.PasswordConfig{Peppers: crypto.Peppers{Latest: 1, Keys: map[uint32]secret.Value{1: pepper('x')}}})

	stored, err := first.Hash(ctx, secret.NewString(passphrase))
	require.NoError(t, err)
	require.Regexp(t, `^\$pbkdf2-sha512\$i=220,l=64,pepper=1\$`, stored)
	bare, err := plain.Hash(ctx, secret.NewString(passphrase))
	require.NoError(t, err)

	_, _, err = plain.Verify(ctx, secret.NewString(passphrase), stored)
	require.ErrorIs(t, err, crypto.ErrNoPepper)
	ok, _, err := plain.Verify(ctx, secret.NewString(passphrase), strings.Replace(stored, ",pepper=1", "", 1))
	require.NoError(t, err)
	require.False(t, ok, "the pepper can be left out")
	ok, _, err = guessed.Verify(ctx, secret.NewString(passphrase), stored)
	require.NoError(t, err)
	require.False(t, ok, "any pepper will do")

	for name, c := range map[string]struct {
		p      *crypto.Passwords
		stored string
		rehash bool
	}{
		"its own pepper":     {first, stored, false},
		"an older pepper":    {both, stored, true},
		"peppers are ending": {ending, stored, true},
		"no pepper before":   {both, bare, true},
		"no pepper and none": {plain, bare, false},
	} {
		ok, rehash, err := c.p.Verify(ctx, secret.NewString(passphrase), c.stored)
		require.NoError(t, err, name)
		require.True(t, ok, name)
		require.Equal(t, c.rehash, rehash, name)
	}

	a := &account{stored: stored}
	ok, err = both.Check(ctx, secret.NewString(passphrase), stored, a.replace)
	require.NoError(t, err)
	require.True(t, ok)
	require.Contains(t, a.stored, ",pepper=2$")
	one.Destroy()
	ok, _, err = both.Verify(ctx, secret.NewString(passphrase), a.stored)
	require.NoError(t, err)
	require.True(t, ok)
	_, _, err = both.Verify(ctx, secret.NewString(passphrase), stored)
	require.ErrorIs(t, err, crypto.ErrNoPepper)
	require.ErrorIs(t, err, secret.ErrDestroyed)
}

func TestPeppersComeFromTheVault(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	vault := closeLater(t, crypto.NewKeyring(), nil)
	sealed := map[uint32][]byte{}
	for version := range uint32(3) {
		var err error
		sealed[version+1], err = crypto.SealPepper(ctx, vault, version+1)
		require.NoError(t, err)
	}
	peppers, err := crypto.OpenPeppers(ctx, vault, sealed)
	require.NoError(t, err)
	require.EqualValues(t, 3, peppers.Latest)
	require.Len(t, peppers.Keys, 3)
	require.False(t, peppers.Keys[1].Equal(peppers.Keys[2]))
	p := passwordsFor(t, crypto.PasswordConfig{Peppers: peppers})
	stored, err := p.Hash(ctx, secret.NewString(passphrase))
	require.NoError(t, err)

	// A new key of the vault changes no pepper.
	require.NoError(t, vault.AddKey(ctx))
	for version := range sealed {
		var changed bool
		sealed[version], changed, err = vault.Rewrap(ctx, crypto.PepperScope(version), sealed[version])
		require.NoError(t, err)
		require.True(t, changed)
	}
	peppers, err = crypto.OpenPeppers(ctx, vault, sealed)
	require.NoError(t, err)
	ok, rehash, err := passwordsFor(t, crypto.PasswordConfig{Peppers: peppers}).Verify(ctx, secret.NewString(passphrase), stored)
	require.NoError(t, err)
	require.True(t, ok)
	require.False(t, rehash)

	sealed[1], sealed[2] = sealed[2], sealed[1]
	_, err = crypto.OpenPeppers(ctx, vault, sealed)
	require.ErrorIs(t, err, crypto.ErrScope)
	require.ErrorContains(t, err, "open pepper 1: ")
	require.ErrorContains(t, err, "open pepper 2: ")
	_, err = crypto.SealPepper(ctx, vault, 0)
	require.ErrorIs(t, err, crypto.ErrPasswordConfig)
	require.NoError(t, vault.Close())
	_, err = crypto.SealPepper(ctx, vault, 1)
	require.ErrorIs(t, err, crypto.ErrClosed)
}
