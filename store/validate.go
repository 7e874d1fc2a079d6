package store

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// maxKindBytes is the longest Kind.
const maxKindBytes = 40

var (
	// firstInstant and endInstant bound what fits into 64 bits of nanoseconds around 1970, cut to whole days.
	firstInstant = time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC)
	endInstant   = time.Date(2262, 4, 11, 0, 0, 0, 0, time.UTC)
)

// A fault is one breach of the contract: the field, what is wrong with it, and ErrInvalid or ErrTooLarge. It never holds
// the field's value, which may be personal.
type fault struct {
	field, what string
	kind        error
}

func (f *fault) Error() string { return fmt.Sprintf("%v: %s: %s", f.kind, f.field, f.what) }

func (f *fault) Unwrap() error { return f.kind }

// in puts the field into the structure that holds it.
func (f *fault) in(outer string) *fault {
	if f != nil {
		f.field = outer + "." + f.field
	}
	return f
}

// err turns a possible fault into an error, so that no nil pointer ends up in an interface.
func (f *fault) err() error {
	if f == nil {
		return nil
	}
	return f
}

func invalid(field, what string) *fault { return &fault{field, what, ErrInvalid} }

func tooLarge(field string, most int64) *fault {
	return &fault{field, fmt.Sprintf("longer than %d bytes", most), ErrTooLarge}
}

// Validate returns an error that wraps ErrInvalid or ErrTooLarge and names the field when the changes break the contract
// of Store.Apply, a key that stands twice included. Stores call it before they do anything else.
func Validate(changes []Change) error {
	for i := range changes {
		if f := changes[i].check(); f != nil {
			return f.in(fmt.Sprintf("changes[%d]", i))
		}
	}
	// Up to a dozen changes, comparing each with each beats a map.
	if len(changes) <= 12 {
		for i := range changes {
			for j := range i {
				if changes[i].record().Key == changes[j].record().Key {
					return twice(i)
				}
			}
		}
		return nil
	}
	seen := make(map[Key]struct{}, len(changes))
	for i := range changes {
		key := changes[i].record().Key
		if _, ok := seen[key]; ok {
			return twice(i)
		}
		seen[key] = struct{}{}
	}
	return nil
}

func twice(i int) error { return invalid(fmt.Sprintf("changes[%d]", i), "a key that stands twice") }

// Validate returns an error that wraps ErrInvalid or ErrTooLarge and names the field when the change breaks the contract.
func (c Change) Validate() error { return c.check().err() }

// record returns the one record of a valid change.
func (c *Change) record() *Record {
	switch {
	case c.Put != nil:
		return c.Put
	case c.Touch != nil:
		return c.Touch
	case c.Delete != nil:
		return c.Delete
	default:
		return c.Check
	}
}

func (c *Change) check() *fault {
	set := 0
	for _, r := range [...]*Record{c.Put, c.Touch, c.Delete, c.Check} {
		if r != nil {
			set++
		}
	}
	if set != 1 {
		return invalid("change", "needs exactly one of put, touch, delete and check")
	}
	switch {
	case c.Put != nil:
		f := c.Put.checkAll(0)
		if f == nil && int64(len(c.Put.Body)) > MaxBodyBytes {
			f = tooLarge("body", MaxBodyBytes)
		}
		return f.in("put")
	case c.Touch != nil:
		return c.Touch.checkAll(1).in("touch")
	case c.Delete != nil:
		return c.Delete.checkAddress(1).in("delete")
	default:
		return c.Check.checkAddress(0).in("check")
	}
}

// checkAddress looks at what says which record in which version is meant.
func (r *Record) checkAddress(lowestVersion int64) *fault {
	if f := r.Key.check(); f != nil {
		return f
	}
	if r.Version < lowestVersion {
		return invalid("version", fmt.Sprintf("less than %d", lowestVersion))
	}
	return checkText("tenant", r.Tenant)
}

// checkAll looks at everything but the body.
func (r *Record) checkAll(lowestVersion int64) *fault {
	if f := r.checkAddress(lowestVersion); f != nil {
		return f
	}
	if f := checkText("parent", r.Parent); f != nil {
		return f
	}
	if f := checkText("category", r.Category); f != nil {
		return f
	}
	if f := checkText("state", r.State); f != nil {
		return f
	}
	if f := checkSubjects(r.Subjects); f != nil {
		return f
	}
	if r.Created.IsZero() {
		return invalid("created", "is required")
	}
	if f := checkInstant("created", r.Created); f != nil {
		return f
	}
	if f := checkInstant("due", r.Due); f != nil {
		return f
	}
	return checkInstant("passive", r.Passive)
}

func checkSubjects(subjects []string) *fault {
	var seen map[string]struct{}
	if len(subjects) > 12 {
		seen = make(map[string]struct{}, len(subjects))
	}
	for i, s := range subjects {
		if s == "" {
			return invalid(fmt.Sprintf("subjects[%d]", i), "is empty")
		}
		if f := checkText("subjects", s); f != nil {
			f.field = fmt.Sprintf("subjects[%d]", i)
			return f
		}
		if seen != nil {
			if _, ok := seen[s]; ok {
				return invalid(fmt.Sprintf("subjects[%d]", i), "stands twice")
			}
			seen[s] = struct{}{}
			continue
		}
		for _, earlier := range subjects[:i] {
			if s == earlier {
				return invalid(fmt.Sprintf("subjects[%d]", i), "stands twice")
			}
		}
	}
	return nil
}

// Validate returns an error that wraps ErrInvalid or ErrTooLarge and names the field when the query breaks the contract
// of Store.Find.
func (q Query) Validate() error { return q.check().in("query").err() }

func (q *Query) check() *fault {
	if f := q.Kind.check(); f != nil {
		return f
	}
	for _, t := range [...]struct{ field, text string }{
		{"tenant", q.Tenant}, {"parent", q.Parent}, {"category", q.Category}, {"state", q.State}, {"subject", q.Subject},
	} {
		if f := checkText(t.field, t.text); f != nil {
			return f
		}
	}
	if q.AllTenants && q.Tenant != "" {
		return invalid("tenant", "is set, and so is allTenants")
	}
	if f := checkInstant("createdBefore", q.CreatedBefore); f != nil {
		return f
	}
	if f := checkInstant("passiveBefore", q.PassiveBefore); f != nil {
		return f
	}
	if q.Visibility > Everything {
		return invalid("visibility", "is none of active, passive and everything")
	}
	if !q.PassiveBefore.IsZero() && q.Visibility == Active {
		return invalid("passiveBefore", "needs a visibility that shows passive records")
	}
	if q.After != "" && !canonical(q.After) {
		return invalid("after", "is not a UUID in canonical form")
	}
	if q.Limit < 0 {
		return invalid("limit", "is negative")
	}
	return nil
}

// ValidateClaim returns an error that wraps ErrInvalid and names the argument when a call of Store.Claim with these
// arguments breaks the contract.
func ValidateClaim(kind Kind, now, until time.Time, limit int) error {
	if f := kind.check(); f != nil {
		return f.in("claim")
	}
	for _, at := range [...]struct {
		field string
		time.Time
	}{{"now", now}, {"until", until}} {
		if at.IsZero() {
			return invalid("claim."+at.field, "is required")
		}
		if f := checkInstant(at.field, at.Time); f != nil {
			return f.in("claim")
		}
	}
	if !until.After(now) {
		return invalid("claim.until", "is not after now")
	}
	if limit < 1 {
		return invalid("claim.limit", "is less than 1")
	}
	return nil
}

// Validate returns an error that wraps ErrInvalid unless kind and ID have the form that Kind and Key.ID ask for.
func (k Key) Validate() error { return k.check().in("key").err() }

func (k *Key) check() *fault {
	if f := k.Kind.check(); f != nil {
		return f
	}
	if !canonical(k.ID) {
		return invalid("id", "is not a UUID in canonical form")
	}
	return nil
}

// Validate returns an error that wraps ErrInvalid unless the kind is 1 to 40 bytes of a-z, 0-9 and _ that start with a
// letter.
func (k Kind) Validate() error { return k.check().err() }

func (k Kind) check() *fault {
	if len(k) == 0 || len(k) > maxKindBytes {
		return invalid("kind", fmt.Sprintf("is not 1 to %d bytes long", maxKindBytes))
	}
	for i := range len(k) {
		c := k[i]
		if c >= 'a' && c <= 'z' || i > 0 && (c >= '0' && c <= '9' || c == '_') {
			continue
		}
		return invalid("kind", "has a byte other than a-z, 0-9 and _, or starts with none of a-z")
	}
	return nil
}

// canonical reports whether id is a UUID as RFC 9562, section 4, writes it, in lower case.
func canonical(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func checkText(field, text string) *fault {
	if int64(len(text)) > MaxTextBytes {
		return tooLarge(field, MaxTextBytes)
	}
	if !utf8.ValidString(text) {
		return invalid(field, "is not valid UTF-8")
	}
	return nil
}

func checkInstant(field string, at time.Time) *fault {
	if !at.IsZero() && (at.Before(firstInstant) || !at.Before(endInstant)) {
		return invalid(field, "lies outside of 1678-01-01 to 2262-04-10")
	}
	return nil
}
