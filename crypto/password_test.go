package crypto_test

import (
	"context"
	"crypto/fips140"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
)

// passwordsFor returns a Passwords that works as one with the same configuration does, but 1000 times faster.
func passwordsFor(t testing.TB, cfg crypto.PasswordConfig) *crypto.Passwords {
	t.Helper()
	p, err := crypto.NewPasswords(cfg)
	require.NoError(t, err)
	if cfg.Argon2id == nil {
		crypto.Cheapen(p, 220)
	}
	return p
}

// outdated returns a hash of passphrase that passwordsFor replaces.
func outdated(t *testing.T) string {
	t.Helper()
	stored, err := crypto.Cheapen(passwordsFor(t, crypto.PasswordConfig{}), 200).Hash(t.Context(), secret.NewString(passphrase))
	require.NoError(t, err)
	require.Contains(t, stored, "$i=200,l=64$")
	return stored
}

// phc200 is "correct horse battery staple" by PBKDF2 with 200 000 iterations, made with OpenSSL.
const (
	passphrase = "correct horse battery staple"
	phc200     = "$pbkdf2-sha512$i=200000,l=64$0E/Es4up63uUzlivQgmoFA$" +
		"I+J4Sw/Fy6V/S8PLAkM6ZVlx3Mjp1D4iMuu9RNTd2ARpJG7U6X9RPuljIzvsAmwntPrCW6zLF8tPdbqs/kpZ6A"
)

func TestDefaultPasswordHashIsAsRecommended(t *testing.T) {
	t.Parallel()
	p, err := crypto.NewPasswords(crypto.PasswordConfig{})
	require.NoError(t, err)
	stored, err := p.Hash(t.Context(), secret.NewString(passphrase))
	require.NoError(t, err)
	require.Regexp(t, `^\$pbkdf2-sha512\$i=220000,l=64\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{86}$`, stored)
	ok, rehash, err := p.Verify(t.Context(), secret.NewString(passphrase), stored)
	require.NoError(t, err)
	require.True(t, ok)
	require.False(t, rehash)
}

func TestSamePasswordHasAnotherHashEachTime(t *testing.T) {
	t.Parallel()
	p := passwordsFor(t, crypto.PasswordConfig{})
	seen := map[string]bool{}
	for range 100 {
		stored, err := p.Hash(t.Context(), secret.NewString(passphrase))
		require.NoError(t, err)
		salt := strings.Split(stored, "$")[3]
		require.Len(t, salt, 22) // 16 bytes
		require.False(t, seen[salt], "a salt came twice")
		seen[salt] = true
		ok, rehash, err := p.Verify(t.Context(), secret.NewString(passphrase), stored)
		require.NoError(t, err)
		require.True(t, ok)
		require.False(t, rehash)
		ok, rehash, err = p.Verify(t.Context(), secret.NewString(passphrase+" "), stored)
		require.NoError(t, err)
		require.False(t, ok)
		require.False(t, rehash)
	}
}

func TestHashOfTheFloorIsBroughtToTheTarget(t *testing.T) {
	t.Parallel()
	p, err := crypto.NewPasswords(crypto.PasswordConfig{})
	require.NoError(t, err)
	a := &account{stored: phc200}
	ok, err := p.Check(t.Context(), secret.NewString(passphrase), a.stored, a.replace)
	require.NoError(t, err)
	require.True(t, ok)
	require.Contains(t, a.stored, "$i=220000,l=64$")
}

func TestTooLittleWorkIsAnErrorOfTheConfiguration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  crypto.PasswordConfig
		says string
	}{
		"one iteration too few":  {crypto.PasswordConfig{Iterations: 199_999}, "Iterations is 199999, it may be 200000 to 10000000"},
		"negative iterations":    {crypto.PasswordConfig{Iterations: -1}, "Iterations is -1"},
		"one iteration too many": {crypto.PasswordConfig{Iterations: 10_000_001}, "Iterations is 10000001"},
		"little memory":          {crypto.PasswordConfig{Argon2id: &crypto.Argon2id{MemoryBytes: 19<<20 - 1024}}, "MemoryBytes is 19921920"},
		"odd memory":             {crypto.PasswordConfig{Argon2id: &crypto.Argon2id{MemoryBytes: 19<<20 + 1}}, "MemoryBytes is 19922945"},
		"much memory":            {crypto.PasswordConfig{Argon2id: &crypto.Argon2id{MemoryBytes: 1<<30 + 1024}}, "MemoryBytes is 1073742848"},
		"one pass":               {crypto.PasswordConfig{Argon2id: &crypto.Argon2id{Passes: 1}}, "Passes is 1"},
		"many passes":            {crypto.PasswordConfig{Argon2id: &crypto.Argon2id{Passes: 17}}, "Passes is 17"},
		"negative lanes":         {crypto.PasswordConfig{Argon2id: &crypto.Argon2id{Lanes: -1}}, "Lanes is -1"},
		"many lanes":             {crypto.PasswordConfig{Argon2id: &crypto.Argon2id{Lanes: 17}}, "Lanes is 17"},
		"negative concurrency":   {crypto.PasswordConfig{MaxConcurrent: -1}, "MaxConcurrent is -1"},
		"short pepper": {crypto.PasswordConfig{Peppers: crypto.Peppers{
			Latest: 1, Keys: map[uint32]secret.Value{1: secret.New(make([]byte, 31))},
		}}, "pepper 1 has 31 bytes"},
		"pepper of version 0": {crypto.PasswordConfig{Peppers: crypto.Peppers{Keys: map[uint32]secret.Value{0: pepper(1)}}}, "version 0"},
		"pepper that is not there": {crypto.PasswordConfig{Peppers: crypto.Peppers{
			Latest: 2, Keys: map[uint32]secret.Value{1: pepper(1)},
		}}, "no pepper 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := crypto.NewPasswords(c.cfg)
			require.ErrorIs(t, err, crypto.ErrPasswordConfig)
			require.ErrorContains(t, err, c.says)
		})
	}
	destroyed := pepper(1)
	destroyed.Destroy()
	_, err := crypto.NewPasswords(crypto.PasswordConfig{
		Iterations: 1, MaxConcurrent: -2, Peppers: crypto.Peppers{Keys: map[uint32]secret.Value{7: destroyed}},
	})
	require.ErrorIs(t, err, secret.ErrDestroyed)
	require.ErrorContains(t, err, "Iterations is 1,")
	require.ErrorContains(t, err, "MaxConcurrent is -2")
}

func TestOutdatedHashIsReplacedWhenThePasswordIsRight(t *testing.T) {
	t.Parallel()
	p, old := passwordsFor(t, crypto.PasswordConfig{}), outdated(t)
	ctx := t.Context()
	never := func(context.Context, string, string) error {
		require.Fail(t, "a hash was replaced")
		return nil
	}

	ok, err := p.Check(ctx, secret.NewString("wrong"), old, never)
	require.NoError(t, err)
	require.False(t, ok)

	var stored string
	ok, err = p.Check(ctx, secret.NewString(passphrase), old, func(_ context.Context, given, replacement string) error {
		require.Equal(t, old, given)
		stored = replacement
		return nil
	})
	require.NoError(t, err)
	require.True(t, ok)
	require.Contains(t, stored, "$i=220,l=64$")

	ok, err = p.Check(ctx, secret.NewString(passphrase), stored, never)
	require.NoError(t, err)
	require.True(t, ok, "the new hash is of the same password, and current")
	ok, err = p.Check(ctx, secret.NewString("wrong"), stored, never)
	require.NoError(t, err)
	require.False(t, ok)
}

func TestLoginThatCannotReplaceTheHashIsStillRight(t *testing.T) {
	t.Parallel()
	p, old := passwordsFor(t, crypto.PasswordConfig{}), outdated(t)
	broken := errors.New("the disk is full")
	ok, err := p.Check(t.Context(), secret.NewString(passphrase), old, func(context.Context, string, string) error { return broken })
	require.ErrorIs(t, err, broken)
	require.True(t, ok)
}

// account keeps one hash, and replaces it as Check wants.
type account struct {
	mu     sync.Mutex
	stored string
	lost   int
}

func (a *account) read() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stored
}

func (a *account) replace(_ context.Context, given, replacement string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stored != given {
		a.lost++
		return nil
	}
	a.stored = replacement
	return nil
}

func TestLoginsAtTheSameTimeLeaveOneValidHash(t *testing.T) {
	t.Parallel()
	p, old := passwordsFor(t, crypto.PasswordConfig{}), outdated(t)
	a := &account{stored: old}
	// Both have read the old hash before either replaces it.
	var wg sync.WaitGroup
	var good atomic.Int32
	for range 2 {
		stored := a.read()
		wg.Go(func() {
			if ok, err := p.Check(t.Context(), secret.NewString(passphrase), stored, a.replace); ok && err == nil {
				good.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 2, good.Load())
	require.Equal(t, 1, a.lost)
	ok, rehash, err := p.Verify(t.Context(), secret.NewString(passphrase), a.stored)
	require.NoError(t, err)
	require.True(t, ok)
	require.False(t, rehash)
}

func TestUpgradeDoesNotUndoAChangeOfThePassword(t *testing.T) {
	t.Parallel()
	p, old := passwordsFor(t, crypto.PasswordConfig{}), outdated(t)
	changed, err := p.Hash(t.Context(), secret.NewString("a new one"))
	require.NoError(t, err)
	a := &account{stored: changed} // while a login with the old password was on its way
	ok, err := p.Check(t.Context(), secret.NewString(passphrase), old, a.replace)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, changed, a.stored)
}

func TestPasswordMayHoldAnyBytes(t *testing.T) {
	t.Parallel()
	p := passwordsFor(t, crypto.PasswordConfig{})
	long := strings.Repeat("p", crypto.MaxPasswordBytes)
	for _, c := range []struct{ password, other string }{
		{"\x00nul\x00inside", "\x00nul"},
		{"Pływająca żółć 🔐", "Pływająca żółć 🔑"},
		{"\xff\xfe no UTF-8", "\xff\xfd no UTF-8"},
		{long, long[1:]},
	} {
		stored, err := p.Hash(t.Context(), secret.NewString(c.password))
		require.NoError(t, err)
		ok, _, err := p.Verify(t.Context(), secret.NewString(c.password), stored)
		require.NoError(t, err)
		require.True(t, ok)
		ok, _, err = p.Verify(t.Context(), secret.NewString(c.other), stored)
		require.NoError(t, err)
		require.False(t, ok, "%d bytes", len(c.other))
	}
}

func TestPasswordThatCannotBeUsedIsRefused(t *testing.T) {
	t.Parallel()
	p := passwordsFor(t, crypto.PasswordConfig{})
	destroyed := secret.NewString(passphrase)
	destroyed.Destroy()
	for name, password := range map[string]secret.Value{
		"too long":  secret.NewString(strings.Repeat("p", crypto.MaxPasswordBytes+1)),
		"destroyed": destroyed,
	} {
		_, err := p.Hash(t.Context(), password)
		require.ErrorIs(t, err, crypto.ErrPassword, name)
		for _, stored := range []string{phc200, ""} {
			_, _, err = p.Verify(t.Context(), password, stored)
			require.ErrorIs(t, err, crypto.ErrPassword, name)
			ok, err := p.Check(t.Context(), password, stored, (&account{}).replace)
			require.ErrorIs(t, err, crypto.ErrPassword, name)
			require.False(t, ok)
		}
	}
	for _, empty := range []secret.Value{{}, secret.NewString("")} {
		_, err := p.Hash(t.Context(), empty)
		require.ErrorIs(t, err, crypto.ErrPassword)
		ok, _, err := p.Verify(t.Context(), empty, outdated(t))
		require.NoError(t, err)
		require.False(t, ok)
	}
}

func TestNothingIsThePasswordOfNobody(t *testing.T) {
	t.Parallel()
	p := passwordsFor(t, crypto.PasswordConfig{Peppers: crypto.Peppers{Latest: 1, Keys: map[uint32]secret.Value{1: pepper(1)}}})
	for _, password := range []string{"", passphrase} {
		ok, rehash, err := p.Verify(t.Context(), secret.NewString(password), "")
		require.NoError(t, err)
		require.False(t, ok)
		require.False(t, rehash)
		a := &account{}
		ok, err = p.Check(t.Context(), secret.NewString(password), "", a.replace)
		require.NoError(t, err)
		require.False(t, ok)
		require.Empty(t, a.stored)
	}
}

func TestArgon2idIsRefusedInFIPSOnlyModeAndWorksElse(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	// A hash of "password" from the tests of the reference implementation. Its salt is short.
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	p, err := crypto.NewPasswords(crypto.PasswordConfig{Argon2id: &crypto.Argon2id{}})
	if fips140.Enforced() {
		require.ErrorIs(t, err, crypto.ErrFIPS)
		p = passwordsFor(t, crypto.PasswordConfig{})
		_, _, err = p.Verify(ctx, secret.NewString("password"), reference)
		require.ErrorIs(t, err, crypto.ErrFIPS)
		ok, err := p.Check(ctx, secret.NewString("password"), reference, (&account{}).replace)
		require.ErrorIs(t, err, crypto.ErrFIPS)
		require.False(t, ok)
		return
	}
	require.NoError(t, err)
	stored, err := p.Hash(ctx, secret.NewString(passphrase))
	require.NoError(t, err)
	require.Regexp(t, `^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`, stored)
	nine := crypto.Peppers{Latest: 9, Keys: map[uint32]secret.Value{9: pepper(9)}}
	much, err := crypto.NewPasswords(crypto.PasswordConfig{Argon2id: &crypto.Argon2id{}, Peppers: nine})
	require.NoError(t, err)
	more, err := crypto.NewPasswords(crypto.PasswordConfig{Argon2id: &crypto.Argon2id{MemoryBytes: 20 << 20, Passes: 3, Lanes: 2}, Peppers: nine})
	require.NoError(t, err)
	peppered, err := more.Hash(ctx, secret.NewString(passphrase))
	require.NoError(t, err)
	require.Regexp(t, `^\$argon2id\$v=19\$m=20480,t=3,p=2,pepper=9\$`, peppered)

	pbkdf2 := passwordsFor(t, crypto.PasswordConfig{})
	for name, c := range map[string]struct {
		p                *crypto.Passwords
		password, stored string
		rehash           bool
	}{
		"current":            {p, passphrase, stored, false},
		"with a short salt":  {p, "password", reference, true},
		"with less work":     {more, passphrase, stored, true},
		"with more work":     {much, passphrase, peppered, false},
		"with a pepper":      {more, passphrase, peppered, false},
		"of PBKDF2":          {p, passphrase, outdated(t), true},
		"where PBKDF2 is it": {pbkdf2, "password", reference, true},
	} {
		ok, rehash, err := c.p.Verify(ctx, secret.NewString(c.password), c.stored)
		require.NoError(t, err, name)
		require.True(t, ok, name)
		require.Equal(t, c.rehash, rehash, name)
	}
	ok, _, err := p.Verify(ctx, secret.NewString("wrong"), stored)
	require.NoError(t, err)
	require.False(t, ok)
	a := &account{stored: outdated(t)}
	ok, err = p.Check(ctx, secret.NewString(passphrase), a.stored, a.replace)
	require.NoError(t, err)
	require.True(t, ok)
	require.Contains(t, a.stored, "$argon2id$")
}

func TestPasswordAndHashStayOutOfErrors(t *testing.T) {
	t.Parallel()
	const needle = "Needle123"
	p := passwordsFor(t, crypto.PasswordConfig{})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	long := secret.NewString(strings.Repeat(needle, 200))
	var all []error
	note := func(err error) {
		require.Error(t, err)
		all = append(all, err)
	}
	_, err := p.Hash(t.Context(), long)
	note(err)
	_, err = p.Hash(ended, secret.NewString(needle))
	note(err)
	for _, stored := range []string{
		needle, "$" + needle + "$", "$pbkdf2-sha512$" + needle + "$" + needle + "$" + needle, strings.Repeat(needle, 99),
		"$pbkdf2-sha512$i=" + needle + ",l=64$" + needle + "$" + needle, "$argon2id$v=19$m=65536,t=2,p=1$" + needle + "$" + needle,
		strings.Replace(phc200, "I+J4Sw", needle[:6]+"=", 1), strings.Replace(phc200, "l=64", "l=64,pepper=4", 1),
	} {
		_, _, err = p.Verify(t.Context(), secret.NewString(needle), stored)
		note(err)
	}
	for _, err := range all {
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), needle[:6])
	}
}
