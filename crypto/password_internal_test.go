package crypto

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto/secret"
)

const anyHash = "$pbkdf2-sha512$i=220000,l=64$BYs9DSeT4ddr2Fp77El41w$" +
	"FV4mJHaFR2JpSY3n5pX44unQfMcLLtz//uQvzEobf2sQCnHF+Tet7ZRyH3Yb4r4mNESY+e/xZWRWKedVcxHjBg"

// work replaces what computes hashes by something that only adds up what was asked for.
func work(t *testing.T, cfg PasswordConfig) (*Passwords, *atomic.Int64) {
	t.Helper()
	p, err := NewPasswords(cfg)
	require.NoError(t, err)
	iterations := new(atomic.Int64)
	p.sum = func(cost passwordCost, _, _ []byte, size int) ([]byte, error) {
		iterations.Add(int64(cost.iterations))
		return make([]byte, size), nil
	}
	return p, iterations
}

func TestCanonicalPasswordHashSurvivesParsing(t *testing.T) {
	t.Parallel()
	salt, sum := strings.Repeat("A", 22), strings.Repeat("A", 43)
	for _, text := range []string{
		anyHash,
		"$pbkdf2-sha512$i=1,l=32$" + salt + "$" + sum,
		"$pbkdf2-sha512$i=10000000,l=64,pepper=4294967295$" + strings.Repeat("A", 86) + "$" + strings.Repeat("A", 86),
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=1048576,t=16,p=16,pepper=4294967295$" + strings.Repeat("A", 64) + "$" + strings.Repeat("A", 86),
		"$argon2id$v=19$m=8,t=1,p=1$" + strings.Repeat("A", 11) + "$" + strings.Repeat("A", 16),
	} {
		h, err := parsePasswordHash(text)
		require.NoError(t, err, text)
		require.Equal(t, text, h.String())
	}
}

func TestPasswordHashThatIsNotCanonicalIsRefusedWithoutComputing(t *testing.T) {
	t.Parallel()
	p, iterations := work(t, PasswordConfig{})
	salt, sum := strings.Repeat("A", 22), strings.Repeat("A", 43)
	pbkdf2 := func(parameters string) string { return "$pbkdf2-sha512$" + parameters + "$" + salt + "$" + sum }
	argon := func(parameters string) string { return "$argon2id$v=19$" + parameters + "$" + salt + "$" + sum }
	for _, text := range []string{
		// Spelling.
		" ", "$", "$$$$", "plain text", anyHash + "\n", " " + anyHash, anyHash + "$", strings.TrimPrefix(anyHash, "$"), "x" + anyHash,
		strings.ToUpper(anyHash), strings.Replace(anyHash, "sha512", "sha256", 1), strings.Replace(anyHash, "sha512$", "sha512$v=1$", 1),
		strings.Join(strings.Split(anyHash, "$")[:4], "$"), strings.Join(strings.Split(anyHash, "$")[:3], "$"), strings.Repeat(anyHash, 3),
		// Parameters.
		pbkdf2(""), pbkdf2("i=1000"), pbkdf2("l=32"), pbkdf2("l=32,i=1000"), pbkdf2("i=1000,i=1000"), pbkdf2("i=1000,l=32,l=32"),
		pbkdf2("i=1000,l=32,"), pbkdf2(",i=1000,l=32"), pbkdf2("i=01000,l=32"), pbkdf2("i=1000,l=032"), pbkdf2("i=+1000,l=32"),
		pbkdf2("i=-1000,l=32"), pbkdf2("i=1e3,l=32"), pbkdf2("i=0x10,l=32"), pbkdf2("i=1_000,l=32"), pbkdf2("i= 1000,l=32"),
		pbkdf2("i=1000 ,l=32"), pbkdf2("i=,l=32"), pbkdf2("i,l=32"), pbkdf2("I=1000,l=32"), pbkdf2("i=1000,l=32,pepper=0"),
		pbkdf2("i=1000,l=32,pepper=01"), pbkdf2("i=1000,pepper=1,l=32"), pbkdf2("i=1000,l=32,pepper=1,pepper=1"), pbkdf2("i=1000,l=32,x=1"),
		pbkdf2("i=1000,l=32,pepper=4294967296"),
		// Work.
		pbkdf2("i=0,l=32"), pbkdf2("i=10000001,l=32"), pbkdf2("i=4294967296,l=32"), pbkdf2("i=99999999999999999999,l=32"),
		argon("m=1048577,t=2,p=1"), argon("m=19456,t=17,p=1"), argon("m=19456,t=0,p=1"), argon("m=19456,t=2,p=0"), argon("m=19456,t=2,p=17"),
		argon("m=7,t=2,p=1"), argon("m=15,t=2,p=2"), argon("m=0,t=2,p=1"), argon("m=19456,t=2,p=257"),
		// Lengths.
		pbkdf2("i=1000,l=64"), pbkdf2("i=1000,l=0"), pbkdf2("i=1000,l=4294967295"),
		"$pbkdf2-sha512$i=1000,l=31$" + salt + "$" + sum[:42], "$pbkdf2-sha512$i=1000,l=65$" + salt + "$" + strings.Repeat("A", 87),
		"$pbkdf2-sha512$i=1000,l=32$" + salt[:20] + "$" + sum, "$pbkdf2-sha512$i=1000,l=32$" + strings.Repeat("A", 87) + "$" + sum,
		"$pbkdf2-sha512$i=1000,l=0$" + salt + "$", "$pbkdf2-sha512$i=1000,l=32$$" + sum,
		"$argon2id$v=19$m=19456,t=2,p=1$" + strings.Repeat("A", 10) + "$" + sum, "$argon2id$v=19$m=19456,t=2,p=1$" + strings.Repeat("A", 66) + "$" + sum,
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + strings.Repeat("A", 15), "$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + strings.Repeat("A", 87),
		// Base64.
		"$pbkdf2-sha512$i=1000,l=32$" + salt + "==$" + sum, "$pbkdf2-sha512$i=1000,l=32$" + salt + "$" + sum + "=",
		"$pbkdf2-sha512$i=1000,l=32$" + salt[:21] + "B$" + sum, "$pbkdf2-sha512$i=1000,l=32$" + salt + "$" + sum[:42] + "B",
		"$pbkdf2-sha512$i=1000,l=32$" + salt + "\n$" + sum, "$pbkdf2-sha512$i=1000,l=32$" + salt + "$\r" + sum,
		"$pbkdf2-sha512$i=1000,l=32$" + salt[:21] + "-$" + sum, "$pbkdf2-sha512$i=1000,l=32$" + salt[:21] + ".$" + sum,
		// Versions and parameters of Argon2 that are not read.
		"$argon2id$m=19456,t=2,p=1$" + salt + "$" + sum, "$argon2id$v=16$m=19456,t=2,p=1$" + salt + "$" + sum,
		"$argon2i$v=19$m=19456,t=2,p=1$" + salt + "$" + sum, argon("m=19456,t=2,p=1,keyid=AAAA"), argon("m=19456,t=2,p=1,data=AAAA"),
		argon("t=2,m=19456,p=1"), argon("m=19456,t=2"), argon("m=019456,t=2,p=1"),
	} {
		_, _, err := p.Verify(t.Context(), secret.NewString("password"), text)
		require.ErrorIs(t, err, ErrPasswordHash, "%q", text)
		_, err = p.Check(t.Context(), secret.NewString("password"), text, nil)
		require.ErrorIs(t, err, ErrPasswordHash, "%q", text)
	}
	_, _, err := p.Verify(t.Context(), secret.NewString("password"), pbkdf2("i=1000,l=32,pepper=1"))
	require.ErrorIs(t, err, ErrNoPepper)
	require.Zero(t, iterations.Load())
}

func TestUnknownUserCostsWhatAWrongPasswordCosts(t *testing.T) {
	t.Parallel()
	p, iterations := work(t, PasswordConfig{})
	old := func(n string) string { return strings.Replace(anyHash, "i=220000", "i="+n, 1) }
	for name, stored := range map[string]string{"unknown": "", "current": anyHash, "old": old("200000"), "very old": old("1")} {
		ok, _, err := p.Verify(t.Context(), secret.NewString("wrong"), stored)
		require.NoError(t, err)
		require.False(t, ok)
		require.EqualValues(t, targetIterations, iterations.Swap(0), name)
	}
	_, _, err := p.Verify(t.Context(), secret.NewString("wrong"), old("600000"))
	require.NoError(t, err)
	require.EqualValues(t, 600_000, iterations.Swap(0))
}

func TestNoMoreHashesAtATimeThanConfigured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, err := NewPasswords(PasswordConfig{MaxConcurrent: 2})
		require.NoError(t, err)
		var now, most atomic.Int32
		p.sum = func(_ passwordCost, _, _ []byte, size int) ([]byte, error) {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			return make([]byte, size), nil
		}
		begin := time.Now()
		ended := make(chan time.Duration, 5)
		for range 5 {
			go func() {
				_, err := p.Hash(t.Context(), secret.NewString("password"))
				if err != nil {
					t.Error(err)
				}
				ended <- time.Since(begin)
			}()
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err = p.Hash(ctx, secret.NewString("password"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 100*time.Millisecond, time.Since(begin), "who does not want to wait any longer does not")
		var times []time.Duration
		for range 5 {
			times = append(times, <-ended)
		}
		require.Equal(t, []time.Duration{time.Second, time.Second, 2 * time.Second, 2 * time.Second, 3 * time.Second}, times)
		require.EqualValues(t, 2, most.Load())
	})
}

func TestEndedContextComputesNothing(t *testing.T) {
	t.Parallel()
	p, iterations := work(t, PasswordConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Hash(ctx, secret.NewString("password"))
	require.ErrorIs(t, err, context.Canceled)
	_, _, err = p.Verify(ctx, secret.NewString("password"), anyHash)
	require.ErrorIs(t, err, context.Canceled)
	ok, err := p.Check(ctx, secret.NewString("password"), "", nil)
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, ok)
	require.Zero(t, iterations.Load())
}

func TestFailedComputationVerifiesNothing(t *testing.T) {
	t.Parallel()
	p, _ := work(t, PasswordConfig{})
	broken := errors.New("broken")
	p.sum = func(_ passwordCost, _, _ []byte, size int) ([]byte, error) { return make([]byte, size), broken }
	zeros := "$pbkdf2-sha512$i=220000,l=64$" + strings.Repeat("A", 22) + "$" + strings.Repeat("A", 86)
	for _, stored := range []string{zeros, ""} {
		ok, rehash, err := p.Verify(t.Context(), secret.NewString("password"), stored)
		require.ErrorIs(t, err, broken)
		require.False(t, ok)
		require.False(t, rehash)
	}
	stored, err := p.Hash(t.Context(), secret.NewString("password"))
	require.ErrorIs(t, err, broken)
	require.Empty(t, stored)
}

func FuzzPasswordHash(f *testing.F) {
	f.Add(anyHash)
	f.Add("$pbkdf2-sha512$i=1,l=32,pepper=7$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$gZiV/M1gPc22ElAH/Jh1Hw$CWOrkoo7oJBQ/iyh7uJ0LO2aLEfrHwTWllSAxT0zRno")
	f.Add("$argon2id$v=19$m=19456,t=2,p=1,pepper=1$gZiV/M1gPc22ElAH/Jh1Hw$CWOrkoo7oJBQ/iyh7uJ0LO2aLEfrHwTWllSAxT0zRno")
	f.Add("$pbkdf2-sha512$i=01,l=32$AAAAAAAAAAAAAAAAAAAAAA==$AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parsePasswordHash(text)
		if err != nil {
			require.ErrorIs(t, err, ErrPasswordHash)
			require.Nil(t, h)
			return
		}
		require.Equal(t, text, h.String())
		require.LessOrEqual(t, h.cost.iterations, uint32(maxIterations))
		require.LessOrEqual(t, h.cost.memory, uint32(maxPasswordMemory))
		if h.cost.argon() {
			require.NotZero(t, h.cost.passes)
			require.NotZero(t, h.cost.lanes)
		}
	})
}
