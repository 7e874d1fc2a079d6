package transit_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/crypto/transit"
	"github.com/ebbkit/ebb/crypto/vaulttest"
)

var scope = []byte("keys of acme, version 1")

// open returns a keeper for a new key of an engine.
func open(t *testing.T, e *engine, address string, change func(*transit.Config)) *transit.Keeper {
	t.Helper()
	config := transit.Config{Address: address, Token: transit.StaticToken(secret.NewString(e.token)), Key: "ebb"}
	if change != nil {
		change(&config)
	}
	k, err := transit.New(config)
	require.NoError(t, err)
	return k
}

func TestKeeperKeepsTheContract(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		t.Run(map[bool]string{false: "server of today", true: "old server"}[old], func(t *testing.T) {
			t.Parallel()
			vaulttest.Keeper(t, func(t *testing.T) crypto.Keeper {
				e, address := newEngine(t)
				e.old = old
				e.make("ebb")
				return open(t, e, address, nil)
			})
		})
	}
}

func TestRequestsAreThoseOfTheDocumentation(t *testing.T) {
	t.Parallel()
	e, address := newEngine(t)
	e.make("ebb")
	e.namespace = "team/acme"
	k := open(t, e, address+"/", func(c *transit.Config) { c.Namespace = "team/acme" })
	wrapped, err := k.Wrap(t.Context(), 1, []byte("the key of acme!"), scope)
	require.NoError(t, err)
	require.Regexp(t, `^vault:v1:[A-Za-z0-9+/]+={0,2}$`, string(wrapped))
	seen := e.seen()
	require.Len(t, seen, 2)
	require.Equal(t, "GET /v1/transit/keys/ebb", seen[0].Method+" "+seen[0].Path)
	require.Nil(t, seen[0].Body)
	require.Equal(t, "POST /v1/transit/encrypt/ebb", seen[1].Method+" "+seen[1].Path)
	require.Equal(t, "application/json", seen[1].Header.Get("Content-Type"))
	for _, r := range seen {
		require.Equal(t, "hvs.needle-of-the-token", r.Header.Get("X-Vault-Token"))
		require.Equal(t, "team/acme", r.Header.Get("X-Vault-Namespace"))
		require.Equal(t, "true", r.Header.Get("X-Vault-Request"))
	}
	plaintext, err := base64.StdEncoding.DecodeString(seen[1].Body["plaintext"].(string))
	require.NoError(t, err)
	require.Equal(t, "the key of acme!", string(plaintext[32:]))
	delete(seen[1].Body, "plaintext")
	require.Equal(t, map[string]any{"associated_data": base64.StdEncoding.EncodeToString(scope), "key_version": 1.0}, seen[1].Body)

	got, err := k.Unwrap(t.Context(), 1, wrapped, scope)
	require.NoError(t, err)
	require.Equal(t, "the key of acme!", string(got))
	_, err = k.NewEpoch(t.Context())
	require.NoError(t, err)
	_, err = k.DestroyEpoch(t.Context(), 1)
	require.NoError(t, err)
	var lines []string
	for _, r := range e.seen() {
		lines = append(lines, fmt.Sprint(r.Method, " ", r.Path, " ", r.Body))
	}
	require.Equal(t, []string{
		fmt.Sprintf("POST /v1/transit/decrypt/ebb map[associated_data:%s ciphertext:%s]", base64.StdEncoding.EncodeToString(scope), wrapped),
		"POST /v1/transit/keys/ebb/rotate map[]",
		"GET /v1/transit/keys/ebb map[]",
		"POST /v1/transit/keys/ebb/config map[min_decryption_version:2 min_encryption_version:2]",
		"POST /v1/transit/keys/ebb/trim map[min_available_version:2]",
	}, lines)
}

// A version that is not the oldest cannot be trimmed, and the latest neither.
func TestOldestEpochIsDestroyedFirst(t *testing.T) {
	t.Parallel()
	e, address := newEngine(t)
	e.make("ebb")
	k := open(t, e, address, nil)
	_, err := k.DestroyEpoch(t.Context(), 1)
	require.ErrorIs(t, err, crypto.ErrEpochOrder)
	for range 2 {
		_, err = k.NewEpoch(t.Context())
		require.NoError(t, err)
	}
	_, err = k.DestroyEpoch(t.Context(), 2)
	require.ErrorIs(t, err, crypto.ErrEpochOrder)
	require.ErrorContains(t, err, "1 is there")
	for _, r := range e.seen() {
		require.NotRegexp(t, "config|trim", r.Path)
	}
	_, err = k.DestroyEpoch(t.Context(), 1)
	require.NoError(t, err)
	_, err = k.DestroyEpoch(t.Context(), 2)
	require.NoError(t, err)
}

// A call that ended between its two requests is finished by the next one; until then nothing opens under the epoch, and
// it is listed, for it can be had back.
func TestDestroyThatWasCutOffIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	e, address := newEngine(t)
	e.make("ebb")
	k := open(t, e, address, nil)
	_, err := k.NewEpoch(t.Context())
	require.NoError(t, err)
	wrapped, err := k.Wrap(t.Context(), 1, []byte("key"), scope)
	require.NoError(t, err)
	e.set(func(e *engine) {
		e.before = func(w http.ResponseWriter, r *http.Request) bool {
			cut := strings.HasSuffix(r.URL.Path, "/trim")
			if cut {
				fail(w, http.StatusInternalServerError, "1 error occurred")
			}
			return cut
		}
	})
	_, err = k.DestroyEpoch(t.Context(), 1)
	require.ErrorIs(t, err, crypto.ErrKeeper)
	_, err = k.Unwrap(t.Context(), 1, wrapped, scope)
	require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
	_, err = k.Wrap(t.Context(), 1, []byte("key"), scope)
	require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
	epochs, err := k.Epochs(t.Context())
	require.NoError(t, err)
	require.Len(t, epochs, 2)
	require.True(t, epochs[0].Destroyed.IsZero())

	e.set(func(e *engine) { e.before = nil })
	again := open(t, e, address, nil)
	_, err = again.DestroyEpoch(t.Context(), 1)
	require.NoError(t, err)
	epochs, err = again.Epochs(t.Context())
	require.NoError(t, err)
	require.Len(t, epochs, 1)
	require.Equal(t, uint32(2), epochs[0].Number)
	require.False(t, epochs[0].Created.IsZero())
}

func TestBackupsOfTheServerCount(t *testing.T) {
	t.Parallel()
	e, address := newEngine(t)
	e.make("ebb")
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	k := open(t, e, address, func(c *transit.Config) {
		c.DestroyDelay = 30 * 24 * time.Hour
		c.Now = func() time.Time { return now }
	})
	_, err := k.NewEpoch(t.Context())
	require.NoError(t, err)
	at, err := k.DestroyEpoch(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, now.Add(30*24*time.Hour), at)
	now = now.Add(time.Hour)
	at, err = k.DestroyEpoch(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, now.Add(30*24*time.Hour-time.Hour), at, "asking again puts nothing off")
	at, err = open(t, e, address, func(c *transit.Config) { c.Now = func() time.Time { return now } }).DestroyEpoch(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, now, at)
}

// Operators may forbid old versions to encrypt; that is not the keeper's to change.
func TestEpochThatMayNotEncryptStillUnwraps(t *testing.T) {
	t.Parallel()
	e, address := newEngine(t)
	key := e.make("ebb")
	k := open(t, e, address, nil)
	wrapped, err := k.Wrap(t.Context(), 1, []byte("key"), scope)
	require.NoError(t, err)
	for range 3 {
		_, err = k.NewEpoch(t.Context())
		require.NoError(t, err)
	}
	e.set(func(*engine) { key.encryption = 4 })
	_, err = k.Wrap(t.Context(), 1, []byte("key"), scope)
	require.ErrorIs(t, err, crypto.ErrKeeper)
	require.ErrorContains(t, err, "min_encryption_version")
	_, err = k.Unwrap(t.Context(), 1, wrapped, scope)
	require.NoError(t, err)
	_, err = k.DestroyEpoch(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, 4, key.encryption, "it was not lowered")
}

func TestKeyThatIsNoneForAKeeperIsRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*key){
		"another type": func(k *key) { k.kind = "rsa-4096" },
		"half a key":   func(k *key) { k.kind = "aes128-gcm96" },
		"derived":      func(k *key) { k.derived = true },
		"exportable":   func(k *key) { k.exportable = true },
		"backup":       func(k *key) { k.backup = true },
		"imported":     func(k *key) { k.imported = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, address := newEngine(t)
			key := e.make("ebb")
			e.set(func(*engine) { spoil(key) })
			requireAll(t, open(t, e, address, nil), func(call string, err error) {
				require.ErrorIs(t, err, transit.ErrKey, call)
				require.ErrorIs(t, err, crypto.ErrKeeper, call)
			})
			for _, r := range e.seen() {
				require.Equal(t, http.MethodGet, r.Method, "nothing was encrypted or changed")
			}
		})
	}
	e, address := newEngine(t)
	requireAll(t, open(t, e, address, nil), func(call string, err error) {
		require.ErrorIs(t, err, transit.ErrKey, call)
		require.ErrorContains(t, err, `no key "ebb"`)
	})
}

// requireAll calls all methods with what is right, and looks at their errors.
func requireAll(t *testing.T, k *transit.Keeper, look func(call string, err error)) {
	t.Helper()
	got, err := k.Wrap(t.Context(), 1, []byte("needle-of-the-key"), scope)
	require.Empty(t, got)
	look("Wrap", err)
	got, err = k.Unwrap(t.Context(), 1, fmt.Appendf(nil, "vault:v1:%s", base64.StdEncoding.EncodeToString(make([]byte, 80))), scope)
	require.Empty(t, got)
	look("Unwrap", err)
	_, err = k.NewEpoch(t.Context())
	look("NewEpoch", err)
	_, err = k.DestroyEpoch(t.Context(), 1)
	look("DestroyEpoch", err)
	epochs, err := k.Epochs(t.Context())
	require.Empty(t, epochs)
	look("Epochs", err)
}

func TestFailureIsOneOfTheKeeper(t *testing.T) {
	t.Parallel()
	echo := func(status int, header map[string]string) func(w http.ResponseWriter, r *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			for name, value := range header {
				w.Header().Set(name, value)
			}
			// A server, or what stands before it, that returns what it was sent.
			text, _ := io.ReadAll(r.Body)
			fail(w, status, fmt.Sprintf("%v %s needle-of-the-key", r.Header, text))
		}
	}
	type outcome struct {
		serve  func(w http.ResponseWriter, r *http.Request)
		status int
		after  time.Duration
	}
	for name, c := range map[string]outcome{
		"permission denied":    {echo(403, nil), 403, 0},
		"no such mount":        {echo(404, nil), 404, 0},
		"method not allowed":   {echo(405, nil), 405, 0},
		"not caught up":        {echo(412, nil), 412, 0},
		"too many requests":    {echo(429, map[string]string{"Retry-After": "7"}), 429, 7 * time.Second},
		"sealed":               {echo(503, nil), 503, 0},
		"sealed, with a date":  {echo(503, map[string]string{"Retry-After": "Fri, 02 Jan 2026 03:05:05 GMT"}), 503, time.Minute},
		"nonsense to wait for": {echo(503, map[string]string{"Retry-After": "-1"}), 503, 0},
		"a date in the past":   {echo(503, map[string]string{"Retry-After": "Fri, 02 Jan 2026 03:03:05 GMT"}), 503, 0},
		"error":                {echo(500, nil), 500, 0},
		"bad gateway":          {echo(502, nil), 502, 0},
		"redirect":             {echo(307, map[string]string{"Location": "http://127.0.0.1:1/"}), 307, 0},
		"success of no kind":   {echo(202, nil), 202, 0},
		"bad request of a proxy": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(400)
			_, _ = io.WriteString(w, "<h1>needle-of-the-key</h1>")
		}, 0, 0},
		"no JSON": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "needle-of-the-key") }, 0, 0},
		"nothing": {func(http.ResponseWriter, *http.Request) {}, 0, 0},
		"another shape": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string]any{"latest_version": "needle-of-the-key", "ciphertext": 1, "plaintext": 1})
		}, 0, 0},
		"no data":         {func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, map[string]any{}) }, 0, 0},
		"empty data":      {func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]any{}) }, 0, 0},
		"data of nothing": {func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) }, 0, 0},
		"no content":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, 0, 0},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"data":{"ciphertext":"needle-of-the-key`)
		}, 0, 0},
		"hung up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, 0},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			for range 1 << 10 {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1<<10)); err != nil {
					return
				}
			}
		}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, address := newEngine(t)
			key := e.make("ebb")
			key.rotate()
			now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
			look := func(call string, err error) {
				require.ErrorIs(t, err, crypto.ErrKeeper, call)
				require.NotErrorIs(t, err, crypto.ErrScope)
				require.NotErrorIs(t, err, crypto.ErrEpochDestroyed)
				require.NotContains(t, fmt.Sprintf("%v %+v", err, err), "needle", call)
				var status *transit.StatusError
				require.Equal(t, c.status != 0, errors.As(err, &status), "%s: %v", call, err)
				if status != nil {
					require.Equal(t, c.status, status.Status, call)
					require.Equal(t, c.after, status.After, call)
				}
			}
			// From the beginning, and after the key was looked at.
			fresh, warm := open(t, e, address, func(c *transit.Config) { c.Now = now }), open(t, e, address, func(c *transit.Config) { c.Now = now })
			_, err := warm.Wrap(t.Context(), 1, []byte("key"), scope)
			require.NoError(t, err)
			e.set(func(e *engine) {
				e.before = func(w http.ResponseWriter, r *http.Request) bool { c.serve(w, r); return true }
			})
			requireAll(t, fresh, look)
			requireAll(t, warm, look)
		})
	}
}

// What is not a ciphertext of the engine must not get into a store, and least of all the key itself.
func TestLyingServerIsNotBelieved(t *testing.T) {
	t.Parallel()
	key := []byte("needle-of-the-key, 32 bytes long")
	encode := func(version string, b []byte) string {
		return "vault:v" + version + ":" + base64.StdEncoding.EncodeToString(b)
	}
	long := make([]byte, 200)
	for name, ciphertext := range map[string]string{
		"nothing": "", "plaintext": string(key), "plaintext in the form": encode("1", append(make([]byte, 80), key...)),
		"another version": encode("2", long), "no version": encode("", long), "version with zeros": encode("01", long), "version zero": encode("0", long),
		"another prefix": strings.Replace(encode("1", long), "vault", "bao", 1), "too short": encode("1", make([]byte, 91)),
		"no base64": "vault:v1:****", "line ends": encode("1", long) + "\n", "not padded": strings.TrimRight(encode("1", long), "="),
	} {
		e, address := newEngine(t)
		e.make("ebb").rotate()
		k := open(t, e, address, nil)
		e.set(func(e *engine) {
			e.before = func(w http.ResponseWriter, r *http.Request) bool {
				if strings.Contains(r.URL.Path, "/encrypt/") {
					answer(w, map[string]any{"ciphertext": ciphertext})
					return true
				}
				return false
			}
		})
		got, err := k.Wrap(t.Context(), 1, key, scope)
		require.ErrorIs(t, err, crypto.ErrKeeper, name)
		require.Empty(t, got, name)
		require.NotContains(t, err.Error(), "needle")
	}

	e, address := newEngine(t)
	e.make("ebb").rotate()
	k := open(t, e, address, nil)
	mine, err := k.Wrap(t.Context(), 1, key, scope)
	require.NoError(t, err)
	for name, plaintext := range map[string][]byte{"another key": long, "nothing": {}, "a header alone": make([]byte, 32)} {
		e.set(func(e *engine) {
			e.before = func(w http.ResponseWriter, r *http.Request) bool {
				answer(w, map[string]any{"plaintext": plaintext})
				return true
			}
		})
		got, err := k.Unwrap(t.Context(), 1, mine, scope)
		require.True(t, errors.Is(err, crypto.ErrScope) || errors.Is(err, crypto.ErrMalformed), "%s: %v", name, err)
		require.Empty(t, got)
	}

	// Changes that it only says it has made.
	e.set(func(e *engine) {
		e.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				answer(w, e.keys["ebb"].describe("ebb"))
			}
			return r.Method == http.MethodPost
		}
	})
	_, err = k.NewEpoch(t.Context())
	require.ErrorIs(t, err, crypto.ErrKeeper)
	_, err = k.DestroyEpoch(t.Context(), 1)
	require.ErrorIs(t, err, crypto.ErrKeeper)
}

func TestSlowServerIsNotWaitedForLongerThanTheTimeout(t *testing.T) {
	t.Parallel()
	e, address := newEngine(t)
	e.make("ebb")
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	e.before = func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-done:
		case <-r.Context().Done():
		}
		return true
	}
	k := open(t, e, address, func(c *transit.Config) { c.Timeout = time.Millisecond })
	requireAll(t, k, func(call string, err error) {
		require.ErrorIs(t, err, crypto.ErrKeeper, call)
		require.ErrorContains(t, err, "no answer in time", call)
	})
	// The caller's own limit is the caller's.
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := open(t, e, address, nil).Epochs(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, crypto.ErrKeeper)
}

func TestServerThatIsDownIsOneOfTheKeeper(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	k := open(t, &engine{token: "needle"}, server.URL, nil)
	requireAll(t, k, func(call string, err error) {
		require.ErrorIs(t, err, crypto.ErrKeeper, call)
		require.ErrorContains(t, err, "no connection", call)
	})
}

func TestCertificateMustBeTrusted(t *testing.T) {
	t.Parallel()
	e, _ := newEngine(t)
	e.make("ebb")
	server := httptest.NewUnstartedServer(e)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	_, err := open(t, e, server.URL, nil).Epochs(t.Context())
	require.ErrorIs(t, err, crypto.ErrKeeper)
	require.ErrorContains(t, err, "not trusted")
	require.Empty(t, e.seen(), "the token was not sent")
	_, err = open(t, e, server.URL, func(c *transit.Config) { c.HTTP = server.Client() }).Epochs(t.Context())
	require.NoError(t, err)
}

func TestRedirectTakesNoTokenAlong(t *testing.T) {
	t.Parallel()
	other, otherAddress := newEngine(t)
	other.make("ebb")
	e, address := newEngine(t)
	e.before = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, otherAddress+r.URL.Path, http.StatusTemporaryRedirect)
		return true
	}
	// Not even by a client that would follow.
	for _, client := range []*http.Client{nil, {}} {
		requireAll(t, open(t, e, address, func(c *transit.Config) { c.HTTP = client }), func(call string, err error) {
			require.ErrorIs(t, err, crypto.ErrKeeper, call)
			require.ErrorContains(t, err, "another server", call)
		})
	}
	require.Empty(t, other.seen())
}

func TestTokenIsAskedForEachTime(t *testing.T) {
	t.Parallel()
	e, address := newEngine(t)
	e.make("ebb")
	tokens := []string{"stale", e.token}
	k := open(t, e, address, func(c *transit.Config) {
		c.Token = func(context.Context) (secret.Value, error) {
			token := tokens[0]
			tokens = tokens[1:]
			return secret.NewString(token), nil
		}
	})
	_, err := k.Epochs(t.Context())
	require.ErrorIs(t, err, crypto.ErrKeeper)
	var status *transit.StatusError
	require.ErrorAs(t, err, &status)
	require.Equal(t, http.StatusForbidden, status.Status)
	_, err = k.Epochs(t.Context())
	require.NoError(t, err)

	cause := errors.New("needle: the file is gone")
	e.seen()
	for _, source := range []func(context.Context) (secret.Value, error){
		func(context.Context) (secret.Value, error) { return secret.Value{}, cause },
		func(context.Context) (secret.Value, error) {
			v := secret.NewString("needle")
			v.Destroy()
			return v, nil
		},
		func(context.Context) (secret.Value, error) { return secret.NewString("needle\r\nX-Evil: 1"), nil },
	} {
		_, err = open(t, e, address, func(c *transit.Config) { c.Token = source }).Epochs(t.Context())
		require.ErrorIs(t, err, crypto.ErrKeeper)
		require.NotContains(t, err.Error(), "needle")
	}
	require.Empty(t, e.seen())
	_, err = open(t, e, address, func(c *transit.Config) {
		c.Token = func(context.Context) (secret.Value, error) { return secret.Value{}, cause }
	}).Epochs(t.Context())
	require.ErrorIs(t, err, cause)

	// An agent adds its own.
	_, err = open(t, e, address, func(c *transit.Config) { c.Token = nil }).Epochs(t.Context())
	require.Error(t, err)
	require.NotContains(t, e.seen()[0].Header, "X-Vault-Token")
}

// The same key used by somebody else gives something that decrypts and is no wrapped key.
func TestCiphertextOfAnotherUseIsNoWrappedKey(t *testing.T) {
	t.Parallel()
	e, address := newEngine(t)
	key := e.make("ebb")
	k := open(t, e, address, nil)
	for _, size := range []int{1, 16, 32, 64} {
		box := key.versions[1].aead.Seal(nil, nil, make([]byte, size), scope)
		_, err := k.Unwrap(t.Context(), 1, fmt.Appendf(nil, "vault:v1:%s", base64.StdEncoding.EncodeToString(box)), scope)
		require.True(t, errors.Is(err, crypto.ErrMalformed) || errors.Is(err, crypto.ErrScope), "%v", err)
	}
}

func TestConfigThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	good := transit.Config{Address: "https://vault.example.org:8200", Key: "ebb"}
	for name, change := range map[string]func(*transit.Config){
		"no address": func(c *transit.Config) { c.Address = "" }, "no scheme": func(c *transit.Config) { c.Address = "vault.example.org" },
		"another scheme": func(c *transit.Config) { c.Address = "ftp://vault" }, "no host": func(c *transit.Config) { c.Address = "https://" },
		"a password": func(c *transit.Config) { c.Address = "https://u:needle@vault" }, "a query": func(c *transit.Config) { c.Address = "https://vault?x" },
		"no URL": func(c *transit.Config) { c.Address = "https://u:needle@vault:%zz" }, "plain": func(c *transit.Config) { c.Address = "http://vault:8200" },
		"plain by name": func(c *transit.Config) { c.Address = "http://localhost.example.org" },
		"no key":        func(c *transit.Config) { c.Key = "" }, "key with a slash": func(c *transit.Config) { c.Key = "a/b" }, "key with dots": func(c *transit.Config) { c.Key = ".." },
		"mount with dots": func(c *transit.Config) { c.Mount = "a/../b" }, "empty mount": func(c *transit.Config) { c.Mount = "//" }, "odd mount": func(c *transit.Config) { c.Mount = "a?b" },
		"negative time": func(c *transit.Config) { c.Timeout = -1 }, "negative size": func(c *transit.Config) { c.MaxResponseBytes = -1 },
		"negative delay": func(c *transit.Config) { c.DestroyDelay = -1 },
	} {
		config := good
		change(&config)
		_, err := transit.New(config)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "needle")
	}
	for _, change := range []func(*transit.Config){
		func(*transit.Config) {}, func(c *transit.Config) { c.Mount = "/team/transit-eu/" }, func(c *transit.Config) { c.Key = "ebb-prod_1.2" },
		func(c *transit.Config) { c.Address = "http://127.0.0.1:8200" }, func(c *transit.Config) { c.Address = "http://[::1]:8200" },
		func(c *transit.Config) { c.Address = "http://localhost:8100" }, func(c *transit.Config) { c.Address, c.Plain = "http://vault:8200", true },
	} {
		config := good
		change(&config)
		_, err := transit.New(config)
		require.NoError(t, err, "%+v", config)
	}
}

func TestMountMayBeAnyPath(t *testing.T) {
	t.Parallel()
	e, address := newEngine(t)
	_, err := open(t, e, address, func(c *transit.Config) { c.Mount = "team/transit" }).Epochs(t.Context())
	require.ErrorIs(t, err, crypto.ErrKeeper)
	require.Equal(t, "/v1/team/transit/keys/ebb", e.seen()[0].Path)
}

func TestWrongSizesAreRefusedWithoutARequest(t *testing.T) {
	t.Parallel()
	e, address := newEngine(t)
	e.make("ebb")
	k := open(t, e, address, nil)
	for _, size := range []int{0, crypto.MaxWrapBytes + 1} {
		_, err := k.Wrap(t.Context(), 1, make([]byte, size), scope)
		require.ErrorIs(t, err, crypto.ErrTooLarge)
	}
	for _, size := range []int{0, crypto.MaxWrapScopeBytes + 1} {
		_, err := k.Wrap(t.Context(), 1, make([]byte, 32), make([]byte, size))
		require.ErrorIs(t, err, crypto.ErrScope)
		_, err = k.Unwrap(t.Context(), 1, make([]byte, 100), make([]byte, size))
		require.ErrorIs(t, err, crypto.ErrScope)
	}
	require.Empty(t, e.seen())
}

func isAny(err error, wants ...error) bool {
	for _, want := range wants {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

func BenchmarkKeeper(b *testing.B) {
	e := &engine{token: "hvs.needle-of-the-token", keys: map[string]*key{}}
	e.make("ebb")
	server := httptest.NewServer(e)
	defer server.Close()
	k, err := transit.New(transit.Config{Address: server.URL, Key: "ebb", Token: transit.StaticToken(secret.NewString(e.token))})
	require.NoError(b, err)
	wrapped, err := k.Wrap(b.Context(), 1, make([]byte, 32), scope)
	require.NoError(b, err)
	b.Run("wrap", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := k.Wrap(b.Context(), 1, make([]byte, 32), scope); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unwrap", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := k.Unwrap(b.Context(), 1, wrapped, scope); err != nil {
				b.Fatal(err)
			}
		}
	})
}
