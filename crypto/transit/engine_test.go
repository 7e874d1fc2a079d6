package transit_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// engine is a transit secrets engine in small: the requests that a keeper makes, with the checks, the answers and the
// errors of builtin/logical/transit and sdk/helper/keysutil of the servers, and real AES-256-GCM. TestRealServer runs the
// same tests against a real one.
type engine struct {
	token     string
	namespace string
	old       bool // answers changes without a body, and does not know associated data, as servers once did

	mu       sync.Mutex
	keys     map[string]*key
	sealed   bool
	requests []request
	before   func(w http.ResponseWriter, r *http.Request) bool // answers itself when it reports true
}

// request is what the engine was sent.
type request struct {
	Method, Path string
	Header       http.Header
	Body         map[string]any
}

type key struct {
	kind                                   string
	versions                               map[int]version
	latest, decryption, encryption, avails int
	derived, exportable, backup, imported  bool
}

type version struct {
	aead    cipher.AEAD
	created time.Time
}

func (k *key) rotate() {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	block, err := aes.NewCipher(secret)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	k.latest++
	k.versions[k.latest] = version{aead, time.Now()}
}

func (k *key) describe(name string) map[string]any {
	created := map[string]int64{}
	for number, v := range k.versions {
		if number >= k.decryption {
			created[strconv.Itoa(number)] = v.created.Unix()
		}
	}
	return map[string]any{
		"name": name, "type": k.kind, "latest_version": k.latest, "keys": created,
		"min_available_version": k.avails, "min_decryption_version": k.decryption, "min_encryption_version": k.encryption,
		"derived": k.derived, "exportable": k.exportable, "allow_plaintext_backup": k.backup, "imported_key": k.imported,
		"deletion_allowed": false, "auto_rotate_period": 0,
		"supports_encryption": true, "supports_decryption": true, "supports_derivation": true, "supports_signing": false,
	}
}

func newEngine(t *testing.T) (*engine, string) {
	t.Helper()
	e := &engine{token: "hvs.needle-of-the-token", keys: map[string]*key{}}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return e, server.URL
}

// make creates a key, as an operator does.
func (e *engine) make(name string) *key {
	e.mu.Lock()
	defer e.mu.Unlock()
	k := &key{kind: "aes256-gcm96", versions: map[int]version{}, decryption: 1}
	k.rotate()
	e.keys[name] = k
	return k
}

func (e *engine) seen() []request {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.requests
	e.requests = nil
	return all
}

func (e *engine) set(change func(*engine)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(e)
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	e.mu.Lock()
	before := e.before
	e.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var body map[string]any
	if len(text) > 0 && json.Unmarshal(text, &body) != nil {
		fail(w, http.StatusBadRequest, "failed to parse JSON input")
		return
	}
	e.requests = append(e.requests, request{r.Method, r.URL.EscapedPath(), r.Header.Clone(), body})
	switch {
	case e.sealed:
		fail(w, http.StatusServiceUnavailable, "Vault is sealed")
	case r.Header.Get("X-Vault-Token") != e.token || r.Header.Get("X-Vault-Namespace") != e.namespace:
		fail(w, http.StatusForbidden, "permission denied")
	default:
		e.route(w, r, body)
	}
}

func (e *engine) route(w http.ResponseWriter, r *http.Request, body map[string]any) {
	path, found := strings.CutPrefix(r.URL.Path, "/v1/transit/")
	parts := strings.Split(path, "/")
	if !found || len(parts) < 2 {
		fail(w, http.StatusNotFound, "no handler for route \""+path+"\". route entry not found.")
		return
	}
	name, write := parts[1], r.Method == http.MethodPost || r.Method == http.MethodPut
	k := e.keys[name]
	switch what := strings.Join(append(parts[:1:1], parts[2:]...), "/"); {
	case what == "keys" && r.Method == http.MethodGet:
		if k == nil {
			fail(w, http.StatusNotFound)
			return
		}
		answer(w, k.describe(name))
	case k == nil && write:
		fail(w, http.StatusBadRequest, "encryption key not found")
	case what == "keys/rotate" && write:
		k.rotate()
		e.changed(w, k, name)
	case what == "keys/config" && write:
		if problem := k.configure(body); problem != "" {
			fail(w, http.StatusBadRequest, problem)
			return
		}
		e.changed(w, k, name)
	case what == "keys/trim" && write:
		if problem := k.trim(body); problem != "" {
			fail(w, http.StatusBadRequest, problem)
			return
		}
		e.changed(w, k, name)
	case what == "encrypt" && write:
		e.encrypt(w, k, body)
	case what == "decrypt" && write:
		e.decrypt(w, k, body)
	default:
		fail(w, http.StatusMethodNotAllowed, "unsupported operation")
	}
}

func (e *engine) changed(w http.ResponseWriter, k *key, name string) {
	if e.old {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, k.describe(name))
}

func number(body map[string]any, name string, usual int) int {
	if n, ok := body[name].(float64); ok {
		return int(n)
	}
	return usual
}

func (k *key) configure(body map[string]any) string {
	decryption, encryption := number(body, "min_decryption_version", k.decryption), number(body, "min_encryption_version", k.encryption)
	switch {
	case decryption < 0 || encryption < 0:
		return "min version cannot be negative"
	case decryption > k.latest:
		return fmt.Sprintf("cannot set min decryption version of %d, latest key version is %d", decryption, k.latest)
	case encryption > k.latest:
		return fmt.Sprintf("cannot set min encryption version of %d, latest key version is %d", encryption, k.latest)
	case encryption > 0 && encryption < decryption:
		return "cannot set min encryption/decryption values; min encryption version must be greater than or equal to min decryption version"
	case k.avails > encryption || k.avails > max(decryption, 1):
		return "min version should not be less than min available version"
	}
	k.decryption, k.encryption = max(decryption, 1), encryption
	return ""
}

func (k *key) trim(body map[string]any) string {
	available := number(body, "min_available_version", 0)
	switch {
	case available < k.avails:
		return "minimum available version cannot be decremented"
	case k.encryption == 0:
		return "minimum available version cannot be set when minimum encryption version is not set"
	case available > k.encryption:
		return "minimum available version cannot be greater than minmum encryption version"
	case available > k.decryption:
		return "minimum available version cannot be greater than minimum decryption version"
	case available <= 0:
		return "minimum available version should be positive"
	}
	for n := range k.versions {
		if n < available {
			delete(k.versions, n)
		}
	}
	k.avails = available
	return ""
}

func (e *engine) associated(body map[string]any) []byte {
	text, _ := body["associated_data"].(string)
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || e.old {
		return nil
	}
	return data
}

func (e *engine) encrypt(w http.ResponseWriter, k *key, body map[string]any) {
	text, ok := body["plaintext"].(string)
	plaintext, err := base64.StdEncoding.DecodeString(text)
	n := number(body, "key_version", 0)
	if n == 0 {
		n = k.latest
	}
	switch {
	case !ok:
		fail(w, http.StatusBadRequest, "missing plaintext to encrypt")
	case err != nil:
		fail(w, http.StatusBadRequest, "failed to base64-decode plaintext")
	case n < 0:
		fail(w, http.StatusBadRequest, "requested version for encryption is negative")
	case n > k.latest:
		fail(w, http.StatusBadRequest, "requested version for encryption is higher than the latest key version")
	case n < k.encryption:
		fail(w, http.StatusBadRequest, "requested version for encryption is less than the minimum encryption key version")
	default:
		box := k.versions[n].aead.Seal(nil, nil, plaintext, e.associated(body))
		answer(w, map[string]any{"ciphertext": fmt.Sprintf("vault:v%d:%s", n, base64.StdEncoding.EncodeToString(box)), "key_version": n})
	}
}

func (e *engine) decrypt(w http.ResponseWriter, k *key, body map[string]any) {
	text, _ := body["ciphertext"].(string)
	rest, found := strings.CutPrefix(text, "vault:v")
	digits, encoded, colon := strings.Cut(rest, ":")
	n, err := strconv.Atoi(digits)
	switch {
	case text == "":
		fail(w, http.StatusBadRequest, "missing ciphertext to decrypt")
		return
	case !found:
		fail(w, http.StatusBadRequest, "invalid ciphertext: no prefix")
		return
	case !colon:
		fail(w, http.StatusBadRequest, "invalid ciphertext: wrong number of fields")
		return
	case err != nil:
		fail(w, http.StatusBadRequest, "invalid ciphertext: version number could not be decoded")
		return
	case n == 0:
		n = 1
	case n > k.latest:
		fail(w, http.StatusBadRequest, "invalid ciphertext: version is too new")
		return
	}
	if n < k.decryption {
		fail(w, http.StatusBadRequest, "ciphertext or signature version is disallowed by policy (too old)")
		return
	}
	box, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		fail(w, http.StatusBadRequest, "invalid ciphertext: could not decode base64")
		return
	}
	plaintext, err := k.versions[n].aead.Open(nil, nil, box, e.associated(body))
	if err != nil {
		fail(w, http.StatusBadRequest, "cipher: message authentication failed")
		return
	}
	answer(w, map[string]any{"plaintext": base64.StdEncoding.EncodeToString(plaintext)})
}

func fail(w http.ResponseWriter, status int, problems ...string) {
	reply(w, status, map[string]any{"errors": append([]string{}, problems...)})
}

func answer(w http.ResponseWriter, data any) {
	reply(w, http.StatusOK, map[string]any{
		"request_id": "8375227a-4a9f-a108-0b89-84c448419e80", "lease_id": "", "renewable": false, "lease_duration": 0,
		"data": data, "wrap_info": nil, "warnings": nil, "auth": nil,
	})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
