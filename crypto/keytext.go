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
//	ebb keys 2                                       1 when there are no epochs
//	argon2id m=KIB t=PASSES p=LANES salt=BASE64      only behind a passphrase
//	index ID CREATED KEY
//	key ID CREATED KEY                               one or more; the last one seals
//	epoch NUMBER ID CREATED KEY                      any number, in rising order together with
//	destroyed NUMBER CREATED DESTROYED               those whose key is gone
//	mac HEX                                          only behind a passphrase
//	sha256 HEX
//
// ID is 16 bytes in hexadecimal, CREATED a UTC instant by RFC 3339, KEY the 32 bytes of a key in base64 (RFC 4648,
// section 4), or, behind a passphrase, an envelope with them. NUMBER counts from 1; numbers that are missing below the last
// one are those of epochs that were destroyed and forgotten. mac and sha256 cover all bytes before their line.
const (
	keyTextVersion = 2
	keyTextMagic   = "ebb keys "
	maxKeyFile     = 1 << 20 // bytes

	keyTextComment = "# Whoever has this file can open all that was sealed with it. Without it nothing opens again.\n" +
		"# Keep a copy apart from the data, and do not edit it. The last key seals, the others still open.\n"
	lockedTextComment = "# Whoever has this file and its passphrase can open all that was sealed with it. Without either nothing opens\n" +
		"# again. Keep a copy apart from the data, and do not edit it. The last key seals, the others still open.\n"
	epochsTextComment = "# A copy from before an epoch was destroyed brings its key back: make a new one now, and destroy the older ones in time.\n"
)

// A keyText is a parsed key file. The keys in it are as the file has them, wrapped or not.
type keyText struct {
	kdf    *argon // nil: the keys are in the clear
	index  keyLine
	keys   []keyLine
	epochs []epochLine // in rising order

	signed []byte // what mac covers
	mac    []byte
}

type keyLine struct {
	id      keyID
	created time.Time
	key     []byte
}

// An epochLine is an epoch, with its key unless it is destroyed.
type epochLine struct {
	keyLine
	number    uint32
	destroyed time.Time
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
	v, err := parseNumber(version, 16)
	switch {
	case err != nil:
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
	err = p.parseLines(lines)
	if err == nil && (len(p.epochs) > 0) != (v == 2) {
		err = badKeyText("epochs go with version 2 of the file")
	}
	if err != nil {
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
		if err := p.parseLine(bytes.Split(line, []byte(" ")), n == 0, size, seen); err != nil {
			return err
		}
	}
	if len(p.keys) == 0 {
		return badKeyText("it has no key")
	}
	return nil
}

// parseLine reads the fields of one line.
func (p *keyText) parseLine(fields [][]byte, first bool, size int, seen map[keyID]bool) error {
	var l epochLine
	var err error
	switch kind := string(fields[0]); {
	case first && kind == "index", !first && kind == "key" && len(p.epochs) == 0:
		if l.keyLine, err = parseKeyLine(fields[1:], size); err != nil {
			return err
		}
		if first {
			p.index = l.keyLine
		} else {
			p.keys = append(p.keys, l.keyLine)
		}
	case len(p.keys) > 0 && (kind == "epoch" || kind == "destroyed"):
		if l, err = parseEpochLine(fields, size); err != nil {
			return err
		}
		if len(p.epochs) > 0 && l.number <= p.epochs[len(p.epochs)-1].number {
			return badKeyText("its epochs are not in order")
		}
		p.epochs = append(p.epochs, l)
	default:
		return badKeyText("a line is not of a kind that belongs where it is")
	}
	if l.key != nil {
		if seen[l.id] {
			return badKeyText("it has two keys %x", l.id)
		}
		seen[l.id] = true
	}
	return nil
}

func parseEpochLine(fields [][]byte, size int) (l epochLine, err error) {
	if len(fields) < 2 {
		return l, badKeyText("an epoch has no number")
	}
	number, err := parseNumber(fields[1], 32)
	if err != nil {
		return l, badKeyText("the number of an epoch is none")
	}
	if string(fields[0]) == "epoch" {
		l.keyLine, err = parseKeyLine(fields[2:], size)
		l.number = uint32(number) //nolint:gosec // it has 32 bits
		return l, err
	}
	if len(fields) != 4 {
		return l, badKeyText("a line is not of the form %q", "destroyed NUMBER CREATED DESTROYED")
	}
	created, createdErr := parseInstant(fields[2])
	destroyed, destroyedErr := parseInstant(fields[3])
	if createdErr != nil || destroyedErr != nil || destroyed.IsZero() {
		return l, badKeyText("a time of epoch %d is not a UTC instant", number)
	}
	l.number, l.created, l.destroyed = uint32(number), created, destroyed //nolint:gosec // it has 32 bits
	return l, nil
}

// parseNumber reads a number from 1 on, in its one form.
func parseNumber(text []byte, bits int) (uint64, error) {
	n, err := strconv.ParseUint(string(text), 10, bits)
	if err == nil && (n == 0 || strconv.FormatUint(n, 10) != string(text)) {
		err = strconv.ErrSyntax
	}
	return n, err
}

// parseInstant reads an instant in its one form.
func parseInstant(text []byte) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, string(text))
	if err == nil && at.UTC().Format(time.RFC3339) != string(text) {
		err = strconv.ErrSyntax
	}
	return at.UTC(), err
}

// parseKeyLine reads ID, CREATED and KEY.
func parseKeyLine(fields [][]byte, size int) (keyLine, error) {
	var l keyLine
	if len(fields) != 3 {
		return l, badKeyText("a line does not end with ID CREATED KEY")
	}
	if !decodeHex(l.id[:], fields[0]) {
		return l, badKeyText("an id is not 16 bytes in hexadecimal")
	}
	var err error
	if l.created, err = parseInstant(fields[1]); err != nil {
		return l, badKeyText("the time of key %x is not a UTC instant", l.id)
	}
	encoding := base64.StdEncoding.Strict()
	l.key = make([]byte, encoding.DecodedLen(len(fields[2])))
	n, err := encoding.Decode(l.key, fields[2])
	// Decode skips line ends, so that only the length shows that it read all of the field.
	if err != nil || n != size || len(fields[2]) != encoding.EncodedLen(n) {
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
	text := make([]byte, 0, 800+(len(p.keys)+len(p.epochs)+1)*320)
	if p.kdf == nil {
		text = append(text, keyTextComment...)
	} else {
		text = append(text, lockedTextComment...)
	}
	version := int64(keyTextVersion)
	if len(p.epochs) == 0 {
		version = 1
	} else {
		text = append(text, epochsTextComment...)
	}
	text = append(text, keyTextMagic...)
	text = strconv.AppendInt(text, version, 10)
	text = append(text, '\n')
	if p.kdf != nil {
		text = append(text, "argon2id "+p.kdf.String()+"\n"...)
	}
	text = p.index.format(text, "index")
	for _, l := range p.keys {
		text = l.format(text, "key")
	}
	for _, l := range p.epochs {
		if l.destroyed.IsZero() {
			text = l.format(text, l.name())
			continue
		}
		text = append(text, "destroyed "+strconv.FormatUint(uint64(l.number), 10)+" "...)
		text = append(l.created.AppendFormat(text, time.RFC3339), ' ')
		text = append(l.destroyed.AppendFormat(text, time.RFC3339), '\n')
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

// name is how the line of an epoch with a key begins.
func (l *epochLine) name() string { return "epoch " + strconv.FormatUint(uint64(l.number), 10) }

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
	epochs := make([]*epochKey, len(p.epochs))
	for i, l := range p.epochs {
		if !l.destroyed.IsZero() {
			epochs[i] = &epochKey{number: l.number, created: l.created, destroyed: l.destroyed}
			continue
		}
		key, err := take(l.keyLine, l.name())
		if err != nil {
			return nil, err
		}
		if epochs[i], err = newEpochKey(l.number, key); err != nil {
			return nil, err
		}
	}
	return newKeys(index, byAge).withEpochs(epochs), nil
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
	p := &keyText{keys: make([]keyLine, len(k.byAge)), epochs: make([]epochLine, len(k.epochs))}
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
	for i, e := range k.epochs {
		l := epochLine{number: e.number, destroyed: e.destroyed}
		l.created = e.created
		if e.key != nil {
			if l.keyLine, err = put(e.key, l.name()); err != nil {
				return nil, err
			}
		}
		p.epochs[i] = l
	}
	return p, nil
}

func (p *keyText) wipe() {
	clear(p.index.key)
	for _, l := range p.keys {
		clear(l.key)
	}
	for _, l := range p.epochs {
		clear(l.key)
	}
}
