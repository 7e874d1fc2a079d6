package expr

import (
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
			Call: func(c *Call) (any, error) { return digest(c, newHash) },
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
				digest := md5.Sum(b) //nolint:gosec // see above
				return hex.EncodeToString(digest[:]), nil
			},
		},
		sha("sha1", sha1.New),
		sha("sha256", sha256.New),
		sha("sha512", sha512.New),
	}
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
