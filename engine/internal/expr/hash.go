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
	sha := func(name string, newHash func() hash.Hash, example string) Function {
		return Function{
			Name: name, Family: "text", Result: connector.TypeText,
			Parameters: []Parameter{
				{Name: "text or buffer", Type: connector.TypeAny}, {Name: "encoding", Type: connector.TypeText, Optional: true},
				{Name: "key", Type: connector.TypeAny, Optional: true}, {Name: "key encoding", Type: connector.TypeText, Optional: true},
			},
			Doc: "Returns the " + name + " hash of a text, as UTF-8, or a buffer; with a key its HMAC. The result is written as hex, " +
				"or as base64 or latin1; the key is given as text, hex, base64, or binary, which needs a buffer.",
			Examples: []Example{{name + "(Make)", example}},
			Call:     func(c *Call) (any, error) { return digest(c, newHash) },
		}
	}
	return []Function{
		{
			Name: "md5", Family: "text", Result: connector.TypeText,
			Parameters: []Parameter{{Name: "text or buffer", Type: connector.TypeAny}},
			Doc:        "Returns the MD5 hash of a text, as UTF-8, or a buffer, in hex.",
			Examples:   []Example{{"md5(Make)", "529a05ca6c1263aab080ec4f20754411"}},
			Call: func(c *Call) (any, error) {
				b, err := c.bytesOf(c.Args[0])
				if err != nil {
					return nil, err
				}
				digest := md5.Sum(b) //nolint:gosec // see above
				return hex.EncodeToString(digest[:]), nil
			},
		},
		sha("sha1", sha1.New, "a94431ee22f05f141107f9355ed3127d0f0c4d5a"),
		sha("sha256", sha256.New, "ccdd25d4230fb997a7ee1166f8afabd157248eb812ea55ec7c3d1b7c8af7fa11"),
		sha("sha512", sha512.New, "e8000cd0fb8fae18caa8daa677269b0034380d3ec549e0113a0722d8b8dc05b0f7037f33f32fa09f906b2f1d7c43f2689a55d79aadf6bf09dd93f79407424d34"),
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
