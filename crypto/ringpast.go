package crypto

import (
	"encoding/binary"
	"slices"
	"time"
)

// A past is what is known of the keys that an owner had before they were destroyed: their ids, which envelopes show anyway and
// from which no key follows, so that what is under them is known for what it is. It stands in rings of format 2 as
//
//	destroyed(8) || count(2) || key id(16)…
//
// where destroyed is when the last of them was.
type past struct {
	at  time.Time
	ids []keyID // oldest first
}

// maxPast is how many ids are remembered; beyond that the oldest are forgotten.
const maxPast = 1000

// had says whether a ring is known to have had a key that was destroyed.
func (p *past) had(id *keyID) bool { return p != nil && slices.Contains(p.ids, *id) }

// buries is what is to be remembered when the keys of a ring are destroyed, nil when it never had any.
func (r *ring) buries(now time.Time) *past {
	p := &past{at: now}
	if r.past != nil {
		p.ids = slices.Clone(r.past.ids)
	}
	for i := range r.versions {
		p.ids = append(p.ids, r.versions[i].key.id)
	}
	if len(p.ids) == 0 {
		return nil
	}
	p.ids = p.ids[max(0, len(p.ids)-maxPast):]
	return p
}

// size is how many bytes append writes.
func (p *past) size() int {
	if p == nil {
		return 0
	}
	return 8 + 2 + len(p.ids)*keyIDSize
}

func (p *past) append(text []byte) []byte {
	if p == nil {
		return text
	}
	text = binary.BigEndian.AppendUint64(text, uint64(p.at.Unix())) //nolint:gosec // not negative
	text = binary.BigEndian.AppendUint16(text, uint16(len(p.ids)))  //nolint:gosec // at most maxPast
	for i := range p.ids {
		text = append(text, p.ids[i][:]...)
	}
	return text
}

// readPast reads what append wrote, all of text. It returns nil when text is something else.
func readPast(text []byte) *past {
	if len(text) < 8+2 {
		return nil
	}
	p := &past{at: time.Unix(int64(binary.BigEndian.Uint64(text)), 0).UTC()} //nolint:gosec // any instant will do
	count := int(binary.BigEndian.Uint16(text[8:]))
	text = text[8+2:]
	if count == 0 || count > maxPast || len(text) != count*keyIDSize {
		return nil
	}
	p.ids = make([]keyID, count)
	for i := range p.ids {
		copy(p.ids[i][:], text[i*keyIDSize:])
	}
	return p
}
