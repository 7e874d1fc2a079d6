package connector

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// structField is one field of a struct as bundles see it.
type structField struct {
	name      string
	index     []int
	typ       reflect.Type
	tag       reflect.StructTag
	tagged    bool
	param     bool
	omitEmpty bool
	omitZero  bool
}

// structFields lists the fields of a struct type in the order of their declaration. Names and embedding follow
// encoding/json: an embedded struct without a name gives its fields to the one around it, the shallowest field of a
// name wins, then the one with a tag, and of equals none.
func structFields(t reflect.Type) ([]structField, error) {
	var all []structField
	if err := collectFields(t, nil, map[reflect.Type]bool{t: true}, &all); err != nil {
		return nil, err
	}
	winners := map[string]structField{}
	ties := map[string]bool{}
	for _, f := range all {
		w, ok := winners[f.name]
		order := -1
		if ok {
			order = cmp.Compare(len(f.index), len(w.index))
			if order == 0 && f.tagged != w.tagged {
				order = 1
				if f.tagged {
					order = -1
				}
			}
		}
		if order < 0 {
			winners[f.name] = f
		}
		if order <= 0 {
			ties[f.name] = order == 0
		}
	}
	fields := all[:0]
	for _, f := range all {
		if slices.Equal(winners[f.name].index, f.index) && !ties[f.name] {
			fields = append(fields, f)
		}
	}
	return fields, nil
}

func collectFields(t reflect.Type, index []int, inside map[reflect.Type]bool, all *[]structField) error {
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, tagged := sf.Tag.Lookup("json")
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		at := append(slices.Clone(index), i)
		embedded := sf.Type
		if embedded.Kind() == reflect.Pointer {
			embedded = embedded.Elem()
		}
		if sf.Anonymous && name == "" && embedded.Kind() == reflect.Struct && !isLeaf(embedded) {
			switch {
			case inside[embedded]:
				// A type that embeds a pointer to itself adds nothing new.
			case sf.Type.Kind() == reflect.Pointer && !sf.IsExported():
				return fmt.Errorf("%w: %s embeds a pointer to the unexported type %s", ErrUnsupported, t, embedded)
			default:
				inside[embedded] = true
				err := collectFields(embedded, at, inside, all)
				delete(inside, embedded)
				if err != nil {
					return err
				}
			}
			continue
		}
		if !sf.IsExported() {
			continue
		}
		f := structField{name: name, index: at, typ: sf.Type, tag: sf.Tag, tagged: tagged && name != "",
			param: sf.Tag.Get("param") == "true"}
		if name == "" {
			f.name = sf.Name
		}
		for option := range strings.SplitSeq(options, ",") {
			f.omitEmpty = f.omitEmpty || option == "omitempty"
			f.omitZero = f.omitZero || option == "omitzero"
		}
		*all = append(*all, f)
	}
	return nil
}

// isLeaf says of a struct type that it is one value and not a collection of fields.
func isLeaf(t reflect.Type) bool {
	switch t {
	case timeType, bundleType, secretType:
		return true
	}
	p := reflect.PointerTo(t)
	return p.Implements(textType) || p.Implements(jsonType) || p.Implements(parseTextType)
}

// in finds the field in a struct value; there is none behind an embedded nil pointer.
func (f *structField) in(v reflect.Value) (reflect.Value, bool) {
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return reflect.Value{}, false
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, true
}

// room finds the field in a struct that is being filled and makes what embedded pointers need.
func (f *structField) room(v reflect.Value) reflect.Value {
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v
}

// omits says whether the field's tag leaves such a value out.
func (f *structField) omits(v reflect.Value) bool {
	if f.omitZero {
		if z, ok := v.Interface().(interface{ IsZero() bool }); ok {
			return z.IsZero()
		}
		return v.IsZero()
	}
	if !f.omitEmpty {
		return false
	}
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return v.Type() == bundleType && v.Interface().(Bundle).Len() == 0
	}
	return v.IsZero()
}
