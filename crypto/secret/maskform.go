package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"
)

// A needle is one form of a secret, folded.
type needle struct {
	form []byte
	// before and after say that the character in front of the form, or behind it, holds a few bits of the secret: base64
	// does not end where bytes do.
	before, after bool
	// open says that the secret goes on behind the form, so that everything behind it is masked.
	open bool
}

const (
	// minLineBytes is how long a line of a secret must be to be looked for by itself.
	minLineBytes = 16
	// maxSecretBytes is how much of a secret is looked for. A longer one goes on to the end of the text in which its beginning
	// is found.
	maxSecretBytes = 64 << 10
)

// trimmed is a secret without the white space at its ends: files end in a newline, and nobody sends it.
func trimmed(plain []byte) []byte { return bytes.TrimSpace(plain) }

// appendForms appends the forms of a secret and of its lines.
func appendForms(dst []needle, plain []byte) []needle {
	plain = trimmed(plain)
	begun := len(dst)
	if len(plain) > maxSecretBytes {
		plain = plain[:maxSecretBytes]
		dst = appendPieceForms(dst, plain)
		for i := begun; i < len(dst); i++ {
			dst[i].open, dst[i].after = true, false
		}
	} else {
		dst = appendPieceForms(dst, plain)
	}
	if bytes.IndexByte(plain, '\n') < 0 {
		return dst
	}
	for line := range bytes.Lines(plain) {
		line = trimmed(line)
		// What frames a key in PEM (RFC 7468) is the same for all of them.
		if len(line) >= minLineBytes && !bytes.HasPrefix(line, []byte("-----")) {
			dst = appendPieceForms(dst, line)
		}
	}
	return dst
}

func appendPieceForms(dst []needle, piece []byte) []needle {
	own := func(form []byte) {
		if len(form) >= MinMaskedBytes {
			dst = append(dst, needle{form: fold(form)})
		}
	}
	own(bytes.Clone(piece))
	// A text is searched as it is and with its escapes undone. So is the secret: it may hold what looks like one.
	form := string(piece)
	for range maxLevels {
		undone, escapes := unescape(form)
		if escapes == nil {
			break
		}
		form = undone
		own([]byte(form))
	}
	if lossy := replaced(piece); lossy != nil {
		own(lossy)
	}
	lower := hex.AppendEncode(make([]byte, 0, 2*len(piece)), piece)
	if upper := bytes.ToUpper(lower); !bytes.Equal(upper, lower) {
		own(upper)
	}
	own(lower)
	for _, list := range lists {
		own(list.append(piece))
	}
	for _, inner := range escapedForms(piece) {
		for offset := range 3 {
			dst = append(dst, base64Form(inner, offset))
		}
	}
	return dst
}

// lists are the ways in which bytes are written out one by one: by fmt with the verbs %v, %#v and % x, and as an array of
// JSON.
var lists = []listForm{{separator: " ", base: 10}, {separator: ",", base: 10}, {prefix: "0x", separator: ", ", base: 16}, {separator: " ", base: 16, digits: 2}}

type listForm struct {
	prefix, separator string
	base, digits      int
}

func (l *listForm) append(piece []byte) []byte {
	form := make([]byte, 0, len(piece)*(len(l.prefix)+len(l.separator)+3))
	for i, b := range piece {
		if i > 0 {
			form = append(form, l.separator...)
		}
		form = append(form, l.prefix...)
		if l.digits == 2 && b < 0x10 {
			form = append(form, '0')
		}
		form = strconv.AppendUint(form, uint64(b), l.base)
	}
	return form
}

// replaced is what encoders of text make of bytes that are no UTF-8. Nil when they are, or when too little is left of them.
func replaced(piece []byte) []byte {
	if utf8.Valid(piece) {
		return nil
	}
	left, lossy := 0, make([]byte, 0, 3*len(piece))
	for _, r := range string(piece) {
		if r != utf8.RuneError {
			left++
		}
		lossy = utf8.AppendRune(lossy, r)
	}
	if left < MinMaskedBytes {
		return nil
	}
	return lossy
}

// escapedForms are the texts as which a secret is put into base64: as it is, as RFC 6749 wants it in Basic auth, and inside
// JSON.
func escapedForms(piece []byte) [][]byte {
	forms := [][]byte{piece}
	query := []byte(url.QueryEscape(string(piece)))
	quoted, _ := json.Marshal(string(piece)) // a text always has a JSON form
	for _, form := range [][]byte{query, quoted[1 : len(quoted)-1]} {
		if !slices.ContainsFunc(forms, func(known []byte) bool { return bytes.Equal(known, form) }) {
			forms = append(forms, form)
		}
	}
	return forms
}

// base64Form is what stands of a secret in base64 when as many bytes modulo 3 as offset says are in front of it: the
// characters that depend on nothing else. Folding makes one of both alphabets.
func base64Form(inner []byte, offset int) needle {
	padded := append(make([]byte, offset, offset+len(inner)), inner...)
	text := make([]byte, base64.RawStdEncoding.EncodedLen(len(padded)))
	base64.RawStdEncoding.Encode(text, padded)
	clear(padded)
	first, last := (8*offset+5)/6, 8*len(padded)/6
	return needle{form: fold(text[first:last]), before: 8*offset%6 != 0, after: 8*len(padded)%6 != 0}
}

// fold makes one in a form of the characters that a Mask does not tell apart. What it returns is the form itself.
func fold(form []byte) []byte {
	for i, c := range form {
		form[i] = folds[c]
	}
	return form
}

// folds gives for each byte the one that it counts as. Forms of URLs write a space as "+" (WHATWG URL, section 5.2), and the
// alphabet of base64 for URLs has "-" and "_" in place of "+" and "/" (RFC 4648, section 5).
var folds = func() (table [256]byte) {
	for i := range table {
		table[i] = byte(i)
	}
	table['+'], table['-'], table['_'] = ' ', ' ', '/'
	return table
}()
