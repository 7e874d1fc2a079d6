package expr

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // part of the language: old services ask for it
	"crypto/sha1" //nolint:gosec // part of the language: old services ask for it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"

	"github.com/ebbkit/ebb/connector"
)

func hashFunctions() []Function {
	sha := func(name string, newHash func() hash.Hash) Function {
		return Function{
			Name: name, Family: "text", Result: connector.TypeText,
			Parameters: []Parameter{
				{Name: "text or buffer", Type: connector.TypeAny}, {Name: "encoding", Type: connector.TypeText, Optional: true},
				{Name: "key", Type: connector.TypeAny, Optional: true}, {Name: "key encoding", Type: connector.TypeText, Optional: true},
			},
			Call: func(c *Call) (any, error) {
				if name == "sha1" && fips140.Enforced() {
					return nil, notInFIPS(name)
				}
				return digest(c, newHash)
			},
		}
	}
	return []Function{
		{
			Name: "md5", Family: "text", Result: connector.TypeText,
			Parameters: []Parameter{{Name: "text or buffer", Type: connector.TypeAny}},
			Call: func(c *Call) (any, error) {
				b, err := c.bytesOf(c.Args[0])
				if err != nil {
					return nil, err
				}
				if fips140.Enforced() {
					return nil, notInFIPS("md5")
				}
				digest := md5.Sum(b) //nolint:gosec // see above
				return hex.EncodeToString(digest[:]), nil
			},
		},
		sha("sha1", sha1.New),
		sha("sha256", sha256.New),
		sha("sha512", sha512.New),
	}
}

// minFIPSKey is the shortest key of an HMAC in FIPS 140-only mode (NIST SP 800-131A Rev. 2, section 10).
const minFIPSKey = 112 / 8

// notInFIPS says that the process may not do what it is asked for, see crypto/fips140.Enforced.
func notInFIPS(what string) error {
	return invalid("%s is not available with GODEBUG=fips140=only", what)
}

func digest(c *Call, newHash func() hash.Hash) (any, error) {
	b, err := c.bytesOf(c.Args[0])
	if err != nil {
		return nil, err
	}
	h := newHash()
	if c.given(2) {
		key, err := hashKey(c)
		if err != nil {
			return nil, err
		}
		if fips140.Enforced() && len(key) < minFIPSKey {
			return nil, notInFIPS("a key of less than 112 bits")
		}
		h = hmac.New(newHash, key)
	}
	h.Write(b)
	encoding := c.text(1)
	switch encoding {
	case "":
		encoding = "hex"
	case "hex", "base64", "latin1":
	default:
		return nil, invalid("argument 2 (encoding): expected hex, base64 or latin1")
	}
	return encodeBytes(h.Sum(nil), encoding)
}

func hashKey(c *Call) ([]byte, error) {
	switch encoding := c.text(3); encoding {
	case "", "text", "hex", "base64":
		b, err := c.bytesOf(c.Args[2])
		if err != nil {
			return nil, err
		}
		if _, raw := c.Args[2].([]byte); raw {
			return b, nil
		}
		return decodeBytes(b, encoding)
	case "binary":
		if b, ok := c.Args[2].([]byte); ok {
			return b, nil
		}
		return nil, invalid("argument 3 (key): expected a buffer, got %s", kindOf(c.Args[2]))
	}
	return nil, invalid("argument 4 (key encoding): expected text, hex, base64 or binary")
}
