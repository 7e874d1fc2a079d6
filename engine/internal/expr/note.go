package expr

import "maps"

// A Note is what a reference page says of a function beside its signature.
type Note struct {
	Doc      string   // what it gives, and what at the edges
	Source   string   // where the behaviour comes from
	Examples []string // expressions; what they name is a bundle of module 1, see package langdoc
}

// Sources that many functions share. They are titles of pages in Make's help.
const (
	sourceGeneral = "Make: General functions"
	sourceMath    = "Make: Math functions"
	sourceText    = "Make: Text and binary functions"
	sourceDate    = "Make: Date and time functions"
	sourceArray   = "Make: Array functions"
)

// notes are those of all built-in functions by name.
func notes() map[string]Note {
	all := map[string]Note{}
	for _, family := range []map[string]Note{generalNotes(), mathNotes(), textNotes(), encodingNotes(), dateNotes(), arrayNotes()} {
		maps.Copy(all, family)
	}
	return all
}
