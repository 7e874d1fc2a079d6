package connector

import (
	"slices"
	"time"
)

// A Converter is [Convert] for bundles that have the same names every time, such as those that one mapper makes: what
// follows from the names is found out once, and values that fit as they are cost next to nothing. Make one with
// NewConverter. It does not change; many goroutines may use it.
type Converter struct {
	fields []Field
	names  []string
	// declared are the conversions, in the order of fields; defaults are what stands behind the given names.
	declared []conversion
	defaults []field
	// plain says that no name stands twice, in names or in fields; where one does, Convert itself does the work.
	plain bool
}

// A conversion is what a field demands, taken apart.
type conversion struct {
	field *Field
	base  FieldType
	at    int // of the value among those that are given; -1 for a field that is not
	// open says that null passes, empty that the empty text does, bounded that Min or Max count.
	open, empty, bounded bool
}

// NewConverter makes a Converter for bundles with these names, in this order, and for what the fields declare.
func NewConverter(fields []Field, names []string) *Converter {
	c := &Converter{fields: fields, names: names, plain: true}
	at := make(map[string]int, len(names))
	for i, name := range names {
		if _, twice := at[name]; twice {
			c.plain = false
		}
		at[name] = i
	}
	seen := make(map[string]bool, len(fields))
	for i := range fields {
		f := &fields[i]
		if f.Name == "" {
			continue
		}
		if seen[f.Name] {
			c.plain = false
		}
		seen[f.Name] = true
		d := demands(f)
		if position, given := at[f.Name]; given {
			d.at = position
		} else if f.Default != nil {
			c.defaults = append(c.defaults, field{f.Name, f.Default})
			continue
		} else if d.open {
			continue
		}
		c.declared = append(c.declared, d)
	}
	return c
}

func demands(f *Field) conversion {
	d := conversion{field: f, base: f.Type.base(), at: -1, bounded: f.Min != nil || f.Max != nil}
	d.open = f.Default == nil && !f.Required
	d.empty = d.base == TypeText && f.Type != TypeSelect && !f.Required || d.base == TypeAny
	return d
}

// Convert returns what [Convert] makes of the bundle with the converter's names and these values, one for each name. It
// does not keep the slice.
func (c *Converter) Convert(values []any, zone *time.Location) (Bundle, error) {
	if !c.plain {
		return Convert(c.fields, BundleOf(c.names, values), zone)
	}
	b := makeBundle(len(c.names) + len(c.defaults))
	if b.o == nil {
		b.o = &object{}
	}
	for i, value := range values {
		b.o.fields = append(b.o.fields, field{c.names[i], value})
	}
	var failed error
	for i := range c.declared {
		d := &c.declared[i]
		if d.at < 0 || !d.passes(b.o.fields[d.at].value) {
			failed = c.rest(b.o.fields, i, zone)
			break
		}
	}
	if len(b.o.fields)+len(c.defaults) == 0 {
		return Bundle{}, failed
	}
	b.o.fields = append(b.o.fields, c.defaults...)
	b.o.reindex()
	return b, failed
}

// rest converts, from one of the declared fields on, what does not pass as it is.
func (c *Converter) rest(fields []field, from int, zone *time.Location) error {
	co := coercion{zone: zone}
	for i := from; i < len(c.declared); i++ {
		d := &c.declared[i]
		var value any
		if d.at >= 0 {
			if value = fields[d.at].value; d.passes(value) {
				continue
			}
		}
		co.push(d.field.Name, 0)
		value = co.field(d.field, value)
		co.pop()
		if d.at >= 0 {
			fields[d.at].value = value
		}
	}
	return co.err()
}

// passes says that a conversion would leave the value as it is. It may say no too often.
func (d *conversion) passes(value any) bool {
	switch value := value.(type) {
	case nil:
		return d.open
	case string:
		if value == "" && !d.empty || d.bounded {
			return false
		}
		if len(d.field.Options) > 0 {
			return d.base == TypeText && slices.Contains(d.field.Options, value)
		}
		return d.base == TypeText || d.base == TypeAny
	case []any:
		if d.bounded || len(d.field.Options) > 0 {
			return false
		}
		return d.base == TypeAny || d.base == TypeArray && len(d.field.Fields) == 0
	case Bundle:
		if d.bounded || len(d.field.Options) > 0 {
			return false
		}
		return d.base == TypeAny || d.base == TypeCollection && len(d.field.Fields) == 0
	}
	return !d.bounded && len(d.field.Options) == 0 && (d.base == TypeAny || fits(d.base, value))
}
