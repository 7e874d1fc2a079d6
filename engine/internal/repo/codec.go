package repo

import (
	"encoding/binary"
	"errors"
)

var errMalformed = errors.New("malformed body")

// pack writes parts one after the other, each with its length in front, behind a byte that says which layout it is.
// unpack reads exactly as many back. Bodies hold values that the engine has encoded already; wrapping them in JSON once
// more would cost more than sealing them.
func pack(parts ...[]byte) []byte {
	size := 1
	for _, part := range parts {
		size += binary.MaxVarintLen64 + len(part)
	}
	body := append(make([]byte, 0, size), layout)
	for _, part := range parts {
		body = binary.AppendUvarint(body, uint64(len(part)))
		body = append(body, part...)
	}
	return body
}

const layout = 1

func unpack(body []byte, parts ...*[]byte) error {
	if len(body) == 0 || body[0] != layout {
		return errMalformed
	}
	body = body[1:]
	for _, part := range parts {
		size, n := binary.Uvarint(body)
		if n <= 0 || size > uint64(len(body)-n) {
			return errMalformed
		}
		*part, body = body[n:n+int(size):n+int(size)], body[n+int(size):]
	}
	if len(body) > 0 {
		return errMalformed
	}
	return nil
}
