package connectortest

import (
	"time"

	"github.com/ebbkit/ebb/connector"
)

// sampleCall makes a call that the descriptions of a module allow.
func sampleCall(info connector.Info) Call {
	input := sampleBundle(info.Input)
	return Call{
		Params: sampleBundle(info.Params), Input: input, Bundles: []connector.Bundle{input, input}, Limit: 10,
	}
}

// sampleBundle fills in the fields that are required.
func sampleBundle(fields []connector.Field) connector.Bundle {
	var b connector.Bundle
	for i := range fields {
		if f := &fields[i]; f.Required {
			b.Set(f.Name, sampleValue(f))
		}
	}
	return b
}

func sampleValue(f *connector.Field) any {
	size := 1
	if f.Min != nil && *f.Min > 1 && *f.Min < 1000 {
		size = int(*f.Min)
	}
	switch {
	case f.Default != nil:
		return f.Default
	case len(f.Options) > 0:
		return f.Options[0]
	}
	switch f.Type {
	case connector.TypeNumber, connector.TypeInteger, connector.TypeUInteger:
		if f.Min != nil {
			return *f.Min
		}
		if f.Max != nil && *f.Max < 1 {
			return *f.Max
		}
		return 1
	case connector.TypeBoolean:
		return true
	case connector.TypeDate:
		return time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	case connector.TypeTime:
		return "12:00"
	case connector.TypeURL:
		return "https://service.example/sample"
	case connector.TypeEmail:
		return "ada@example.com"
	case connector.TypeArray:
		list := make([]any, size)
		for i := range list {
			if len(f.Fields) > 0 {
				list[i] = sampleValue(&f.Fields[0])
			}
		}
		return list
	case connector.TypeCollection:
		return sampleBundle(f.Fields)
	}
	text := "sample"
	for len(text) < size {
		text += "s"
	}
	if f.Max != nil && *f.Max < float64(len(text)) && *f.Max >= 0 {
		text = text[:int(*f.Max)]
	}
	return text
}
