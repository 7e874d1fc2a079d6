package rss

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/ebbkit/ebb/connector"
)

// remembered is how many articles are remembered at least, also when they stand in the feed no more: feeds drop articles and
// bring them back. All articles that stand in the feed are remembered, however many.
const remembered = 1000

// A cursor is what a watch remembers between polls: digests of the articles that it has seen, and what the server said to ask
// it with. It holds nothing of the articles themselves.
type cursor struct {
	Version int `json:"v"`
	// Seen has the digests, those that were seen last at the end.
	Seen []string `json:"seen"`
	// Feed is the digest of the address that ETag and Modified are of. Empty: there are none.
	Feed     string `json:"feed,omitempty"`
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`

	seen map[string]bool
}

const cursorVersion = 1

// parseCursor reads a cursor. Nil is the one before the first poll.
func parseCursor(text []byte) (*cursor, error) {
	c := &cursor{Version: cursorVersion}
	if text != nil {
		if err := json.Unmarshal(text, c); err != nil || c.Version != cursorVersion {
			return nil, connector.Errorf(connector.DataError, "the cursor is none that this trigger wrote")
		}
	}
	c.seen = make(map[string]bool, len(c.Seen))
	for _, id := range c.Seen {
		c.seen[id] = true
	}
	return c, nil
}

func (c *cursor) has(id string) bool { return c.seen[id] }

func (c *cursor) add(id string) {
	if !c.seen[id] {
		c.seen[id] = true
		c.Seen = append(c.Seen, id)
	}
}

// keep forgets articles that stand in the feed no more, oldest first, once there are many.
func (c *cursor) keep(current []string) {
	standing := make(map[string]bool, len(current))
	for _, id := range current {
		standing[id] = true
	}
	gone := slices.DeleteFunc(slices.Clone(c.Seen), func(id string) bool { return standing[id] })
	here := slices.DeleteFunc(slices.Clone(c.Seen), func(id string) bool { return !standing[id] })
	room := max(0, remembered-len(here))
	c.Seen = append(gone[max(0, len(gone)-room):], here...)
}

func (c *cursor) encode() []byte {
	text, err := json.Marshal(c)
	if err != nil {
		return nil // texts and a number cannot fail
	}
	return text
}

// digest makes 12 characters of an identity, so that cursors stay short and hold nothing of what articles say.
func digest(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}
