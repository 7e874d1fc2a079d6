package examples_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// needles are what must not be found, in all the forms in which a copy of it could have been written down. A part is as good
// as the whole: 16 bytes of a key in a row are found wherever they begin. The zero needles are ready.
type needles struct {
	forms   []form
	anchors map[uint64][]anchor
	quick   [1 << 16 / 64]uint64 // of the last two bytes of anchors
}

// A form is one way to write a needle. It is found when window bytes of it in a row are there.
type form struct {
	needle, name string
	bytes        []byte
	window       int
}

// An anchor is 8 bytes of a form: every window holds one that begins at a multiple of 8.
type anchor struct {
	form int
	at   int
}

// key adds a key: 16 bytes of it in a row, raw or as hexadecimal digits or in base64, are a find.
func (n *needles) key(name string, key []byte) { n.binary(name, key, 16) }

// text adds a text, which is a find only as a whole, since people may write parts of it elsewhere.
func (n *needles) text(name, text string) {
	n.binary(name, []byte(text), len(text))
	wide := utf16.Encode([]rune(text))
	var little, big []byte
	for _, unit := range wide {
		little = binary.LittleEndian.AppendUint16(little, unit)
		big = binary.BigEndian.AppendUint16(big, unit)
	}
	n.add(form{name, "UTF-16, little endian", little, len(little)})
	n.add(form{name, "UTF-16, big endian", big, len(big)})
}

func (n *needles) binary(name string, b []byte, window int) {
	n.add(form{name, "raw", bytes.Clone(b), window})
	n.add(form{name, "hexadecimal", []byte(hex.EncodeToString(b)), 2 * window})
	n.add(form{name, "upper-case hexadecimal", []byte(strings.ToUpper(hex.EncodeToString(b))), 2 * window})
	for offset := range 3 {
		// What stands before the needle shifts its digits; those at the ends depend on the neighbours and are left out.
		padded := append(make([]byte, offset), b...)
		from, to := (offset*8+5)/6, len(padded)*8/6
		whole := to - from
		if window < len(b) {
			whole = min(whole, (window*8-10)/6) // digits that a window fills, whatever it begins with
		}
		std := base64.RawStdEncoding.EncodeToString(padded)[from:to]
		url := base64.RawURLEncoding.EncodeToString(padded)[from:to]
		n.add(form{name, fmt.Sprintf("base64+%d", offset), []byte(std), whole})
		if url != std {
			n.add(form{name, fmt.Sprintf("base64url+%d", offset), []byte(url), whole})
		}
	}
}

func (n *needles) add(f form) {
	if n.anchors == nil {
		n.anchors = map[uint64][]anchor{}
	}
	n.forms = append(n.forms, f)
	for at := 0; at+8 <= len(f.bytes); at += 8 {
		word := binary.LittleEndian.Uint64(f.bytes[at:])
		n.anchors[word] = append(n.anchors[word], anchor{len(n.forms) - 1, at})
		n.quick[word>>48/64] |= 1 << (word >> 48 % 64)
	}
}

// A find is where a needle was.
type find struct {
	needle, form string
	at, size     int
}

func (f find) String() string {
	return fmt.Sprintf("%d bytes of %s (%s) at %#x", f.size, f.needle, f.form, f.at)
}

// in looks for all needles.
func (n *needles) in(hay []byte) (finds []find) {
	var word uint64
	var past [1 << 4]int // the ends of the last finds, so that each is told once
	for i, b := range hay {
		word = word>>8 | uint64(b)<<56
		if n.quick[word>>48/64]&(1<<(word>>48%64)) == 0 || i < 7 {
			continue
		}
		for _, a := range n.anchors[word] {
			f := &n.forms[a.form]
			from, to := i-7, i+1
			for back := a.at; from > 0 && back > 0 && hay[from-1] == f.bytes[back-1]; back-- {
				from--
			}
			for on := a.at + 8; to < len(hay) && on < len(f.bytes) && hay[to] == f.bytes[on]; on++ {
				to++
			}
			if to-from >= f.window && !slices.Contains(past[:], to) {
				finds = append(finds, find{f.needle, f.name, from, to - from})
				past[len(finds)%len(past)] = to
			}
		}
	}
	return finds
}

// The scans that find nothing prove something only if they would find it.
func TestNeedlesAreFoundInEveryFormAndPart(t *testing.T) {
	t.Parallel()
	key := []byte("\x01\xfe0123456789abcdefghijklmnopqr\xff\xfb")
	var n needles
	n.key("the key", key)
	n.text("the text", "Ada Lovelace, née Byron")
	for name, encode := range map[string]func([]byte) []byte{
		"raw":       func(b []byte) []byte { return b },
		"hex":       func(b []byte) []byte { return hex.AppendEncode(nil, b) },
		"HEX":       func(b []byte) []byte { return bytes.ToUpper(hex.AppendEncode(nil, b)) },
		"base64":    func(b []byte) []byte { return base64.StdEncoding.AppendEncode(nil, b) },
		"base64url": func(b []byte) []byte { return base64.RawURLEncoding.AppendEncode(nil, b) },
	} {
		for from := range len(key) - 16 + 1 {
			for before := range 4 {
				hay := append(bytes.Repeat([]byte("x"), before), encode(append(bytes.Repeat([]byte("y"), before), key[from:from+16]...))...)
				require.NotEmpty(t, n.in(hay), "%s from %d behind %d", name, from, before)
			}
		}
		require.Empty(t, n.in(encode(key[:14])), name)
		require.NotEmpty(t, n.in(encode([]byte("hello Ada Lovelace, née Byron!"))), name)
		require.Empty(t, n.in(encode([]byte("hello Ada Lovelace, née Bxron!"))), name)
	}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		var wide []byte
		for _, unit := range utf16.Encode([]rune("hello Ada Lovelace, née Byron!")) {
			wide = order.AppendUint16(wide, unit)
		}
		require.NotEmpty(t, n.in(wide))
	}
	require.Len(t, n.in(append(append(bytes.Clone(key), "..."...), key...)), 2)
}
