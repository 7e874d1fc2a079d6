package crypto

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/ebbkit/ebb/crypto/secret"
)

// The format of a key file, one item a line, single spaces between fields, "\n" after every line:
//
//	# any number of comments
//	ebb keys 1
//	argon2id m=KIB t=PASSES p=LANES salt=BASE64      only behind a passphrase
//	index ID CREATED KEY
//	key ID CREATED KEY                               one or more; the last one seals
//	mac HEX                                          only behind a passphrase
//	sha256 HEX
//
// ID is 16 bytes in hexadecimal, CREATED a UTC instant by RFC 3339, KEY the 32 bytes of a key in base64 (RFC 4648,
// section 4), or, behind a passphrase, an envelope with them. mac and sha256 cover all bytes before their line.
const (
	keyTextVersion = 1
	keyTextMagic   = "ebb keys "
	maxKeyFile     = 1 << 20 // bytes

	keyTextComment = "# Whoever has this file can open all that was sealed with it. Without it nothing opens again.\n" +
		"# Keep a copy apart from the data, and do not edit it. The last key seals, the others still open.\n"
	lockedTextComment = "# Whoever has this file and its passphrase can open all that was sealed with it. Without either nothing opens\n" +
		"# again. Keep a copy apart from the data, and do not edit it. The last key seals, the others still open.\n"
)

// A keyText is a parsed key file. The keys in it are as the file has them, wrapped or not.
type keyText struct {
	kdf   *argon // nil: the keys are in the clear
	index keyLine
	keys  []keyLine

	signed []byte // what mac covers
	mac    []byte
}

type keyLine struct {
	id      keyID
	created time.Time
	key     []byte
}

func badKeyText(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrKeyFile, fmt.Sprintf(format, args...))
}

// parseKeyText reads a key file. Nothing of text is in the errors. The result shares memory with text.
func parseKeyText(text []byte) (*keyText, error) {
	if len(text) == 0 {
		return nil, badKeyText("it is empty")
	}
	body := text
	for bytes.HasPrefix(body, []byte("#")) {
		_, body, _ = bytes.Cut(body, []byte("\n"))
	}
	first, _, _ := bytes.Cut(body, []byte("\n"))
	version, found := bytes.CutPrefix(first, []byte(keyTextMagic))
	if !found {
		return nil, badKeyText("it does not begin with %q", keyTextMagic)
	}
	// Before the checksum, because a newer format may check itself in another way.
	switch v, err := strconv.ParseUint(string(version), 10, 16); {
	case err != nil || strconv.FormatUint(v, 10) != string(version) || v == 0:
		return nil, badKeyText("its version is no number")
	case v > keyTextVersion:
		return nil, fmt.Errorf("%w: key file version %d, known is %d", ErrNewer, v, keyTextVersion)
	}

	covered, sum, ok := lastLine(text, "sha256 ")
	if !ok {
		return nil, badKeyText("it does not end with its checksum: a part is missing")
	}
	if want := sha256.Sum256(covered); hex.EncodeToString(want[:]) != string(sum) {
		return nil, badKeyText("its checksum is wrong: it was edited, or a part is missing")
	}
	p := &keyText{}
	lines := covered
	if signed, mac, ok := lastLine(covered, "mac "); ok {
		p.signed, lines = signed, signed
		p.mac = make([]byte, sha256.Size)
		if !decodeHex(p.mac, mac) {
			return nil, badKeyText("its mac is not 32 bytes in hexadecimal")
		}
	}
	lines = lines[len(text)-len(body)+len(first)+1:]
	if err := p.parseLines(lines); err != nil {
		p.wipe()
		return nil, err
	}
	return p, nil
}

// parseLines reads what stands between the version and the mac.
func (p *keyText) parseLines(lines []byte) error {
	size := keySize
	if rest, ok := bytes.CutPrefix(lines, []byte("argon2id ")); ok {
		line, rest, _ := bytes.Cut(rest, []byte("\n"))
		kdf, err := parseArgon(string(line))
		if err != nil {
			return err
		}
		p.kdf, lines, size = kdf, rest, Overhead+keySize
	}
	if (p.kdf != nil) != (p.mac != nil) {
		return badKeyText("a mac and a passphrase go together")
	}
	seen := map[keyID]bool{}
	for n := 0; len(lines) > 0; n++ {
		var line []byte
		line, lines, _ = bytes.Cut(lines, []byte("\n"))
		name := "key"
		if n == 0 {
			name = "index"
		}
		l, err := parseKeyLine(line, name, size)
		if err != nil {
			return err
		}
		if seen[l.id] {
			return badKeyText("it has two keys %x", l.id)
		}
		seen[l.id] = true
		if n == 0 {
			p.index = l
		} else {
			p.keys = append(p.keys, l)
		}
	}
	if len(p.keys) == 0 {
		return badKeyText("it has no key")
	}
	return nil
}

func parseKeyLine(line []byte, name string, size int) (keyLine, error) {
	var l keyLine
	fields := bytes.Split(line, []byte(" "))
	if len(fields) != 4 || string(fields[0]) != name {
		return l, badKeyText("a line is not of the form %q", name+" ID CREATED KEY")
	}
	if !decodeHex(l.id[:], fields[1]) {
		return l, badKeyText("an id is not 16 bytes in hexadecimal")
	}
	created, err := time.Parse(time.RFC3339, string(fields[2]))
	if err != nil || created.UTC().Format(time.RFC3339) != string(fields[2]) {
		return l, badKeyText("the time of key %x is not a UTC instant", l.id)
	}
	l.created = created.UTC()
	encoding := base64.StdEncoding.Strict()
	l.key = make([]byte, encoding.DecodedLen(len(fields[3])))
	n, err := encoding.Decode(l.key, fields[3])
	// Decode skips line ends, so that only the length shows that it read all of the field.
	if err != nil || n != size || len(fields[3]) != encoding.EncodedLen(n) {
		return l, badKeyText("key %x is not %d bytes in base64", l.id, size)
	}
	l.key = l.key[:n]
	return l, nil
}

// lastLine splits text before its last line, which must begin with prefix and end in "\n", and returns what stands
// between the two.
func lastLine(text []byte, prefix string) (before, content []byte, ok bool) {
	line, ok := bytes.CutSuffix(text, []byte("\n"))
	if !ok {
		return nil, nil, false
	}
	start := bytes.LastIndexByte(line, '\n') + 1
	content, ok = bytes.CutPrefix(line[start:], []byte(prefix))
	return text[:start], content, ok
}

// decodeHex fills dst from lower-case hexadecimal digits.
func decodeHex(dst, text []byte) bool {
	if len(text) != hex.EncodedLen(len(dst)) || !bytes.Equal(text, bytes.ToLower(text)) {
		return false
	}
	_, err := hex.Decode(dst, text)
	return err == nil
}

// format returns the text of a key file. mac is called for files behind a passphrase.
func (p *keyText) format(mac func(signed []byte) ([]byte, error)) ([]byte, error) {
	// With room for all of it: what append leaves behind could not be cleared.
	text := make([]byte, 0, 640+(len(p.keys)+1)*320)
	if p.kdf == nil {
		text = append(text, keyTextComment...)
	} else {
		text = append(text, lockedTextComment...)
	}
	text = append(text, keyTextMagic...)
	text = strconv.AppendInt(text, keyTextVersion, 10)
	text = append(text, '\n')
	if p.kdf != nil {
		text = append(text, "argon2id "+p.kdf.String()+"\n"...)
	}
	text = p.index.format(text, "index")
	for _, l := range p.keys {
		text = l.format(text, "key")
	}
	if p.kdf != nil {
		sum, err := mac(text)
		if err != nil {
			return nil, err
		}
		text = append(text, "mac "+hex.EncodeToString(sum)+"\n"...)
	}
	sum := sha256.Sum256(text)
	return append(text, "sha256 "+hex.EncodeToString(sum[:])+"\n"...), nil
}

func (l *keyLine) format(text []byte, name string) []byte {
	text = append(text, name...)
	text = append(text, ' ')
	text = hex.AppendEncode(text, l.id[:])
	text = append(text, ' ')
	text = l.created.AppendFormat(text, time.RFC3339)
	text = append(text, ' ')
	text = base64.StdEncoding.AppendEncode(text, l.key)
	return append(text, '\n')
}

// open takes the keys out, with the help of what wraps them when they are behind a passphrase. With a wrapper it takes
// no file but one that this wrapper has made, so none that was put in the clear or behind another passphrase since.
func (p *keyText) open(wrap *wrapper) (*keys, error) {
	if wrap != nil {
		if err := wrap.verify(p.signed, p.mac); err != nil {
			return nil, err
		}
	}
	take := func(l keyLine, name string) (*rootKey, error) {
		b := l.key
		if wrap != nil {
			var err error
			if b, err = wrap.open(name, l); err != nil {
				return nil, err
			}
			defer clear(b)
		}
		return &rootKey{id: l.id, created: l.created, key: secret.New(b)}, nil
	}
	index, err := take(p.index, "index")
	if err != nil {
		return nil, err
	}
	byAge := make([]*rootKey, len(p.keys))
	for i, l := range p.keys {
		if byAge[i], err = take(l, "key"); err != nil {
			return nil, err
		}
	}
	return newKeys(index, byAge), nil
}

// newKeyText puts keys in, wrapped when wrap is not nil.
func newKeyText(k *keys, wrap *wrapper) (*keyText, error) {
	put := func(key *rootKey, name string) (keyLine, error) {
		l := keyLine{id: key.id, created: key.created}
		var err error
		used := key.key.Use(func(b []byte) {
			if wrap == nil {
				l.key = bytes.Clone(b)
			} else {
				l.key, err = wrap.seal(name, l, b)
			}
		})
		if used != nil {
			err = ErrClosed
		}
		return l, err
	}
	p := &keyText{keys: make([]keyLine, len(k.byAge))}
	if wrap != nil {
		p.kdf = &wrap.kdf
	}
	var err error
	if p.index, err = put(k.index, "index"); err != nil {
		return nil, err
	}
	for i, key := range k.byAge {
		if p.keys[i], err = put(key, "key"); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *keyText) wipe() {
	clear(p.index.key)
	for _, l := range p.keys {
		clear(l.key)
	}
}
