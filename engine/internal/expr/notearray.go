package expr

func arrayNotes() map[string]Note {
	const one = " What is no array counts as one of a single item, and null as one of none."
	return map[string]Note{
		"add":     {"Gives the array with the values at its end. An array among the values becomes one item; merge takes arrays apart." + one, sourceArray, []string{`add(1.tags; "last")`, `add(emptyarray; 1; 2)`}},
		"remove":  {"Gives the array without the items that are equal to one of the values, which must be text, numbers, booleans, dates or null." + one, sourceArray, []string{`remove(1.tags; "new")`, `remove(split("1,2"; ","); 1)`}},
		"merge":   {"Gives one array of the items of all." + one, sourceArray, []string{`merge(1.tags; split("a,b"; ","))`, `merge(emptyarray; 1.nothing)`}},
		"join":    {"Gives the items as one text with the separator between them, a comma when there is none; an empty one puts nothing between them. Arrays and collections among the items are written as JSON, null as nothing." + one, sourceArray, []string{`join(1.tags; ", ")`, `join(1.tags)`, `join(1.tags; )`}},
		"first":   {"Gives the first item, or null." + one, sourceArray, []string{`first(1.tags)`, `first(emptyarray)`}},
		"last":    {"Gives the last item, or null." + one, sourceArray, []string{`last(1.tags)`, `last(emptyarray)`}},
		"reverse": {"Gives the items in reverse order." + one, sourceArray, []string{`reverse(split("a,b,c"; ","))`, `reverse(emptyarray)`}},
		"shuffle": {"Gives the items in a random order, which is drawn as the keyword random is." + one, sourceArray, []string{`length(shuffle(1.tags))`, `shuffle(emptyarray)`}},
		"slice": {"Gives the items from start up to, but not including, end, which count from 0, or from the end if negative; to the last one without an end." + one, sourceArray + "; ECMA-262, Array.prototype.slice",
			[]string{`slice(split("a,b,c,d"; ","); 1; 3)`, `slice(1.tags; -2)`, `slice(1.tags; 5)`}},
		"flatten": {"Gives the array with the items of arrays inside it in their place, so many levels deep, by default one." + one, sourceArray + "; ECMA-262, Array.prototype.flat",
			[]string{`flatten(add(emptyarray; 1.tags; 1.tags))`, `flatten(1.nothing)`}},
		"keys":        {"Gives the names of a collection's fields in their order, or the positions of an array's items from 0. Null has none, and all else is a BundleValidationError.", sourceArray, []string{`keys(1.customer)`, `keys(1.tags[])`, `keys(1.nothing)`}},
		"distinct":    {"Gives the array without items that are equal to an earlier one, or, with a key, whose values at that dotted path are." + one, sourceArray, []string{`distinct(1.tags)`, `map(distinct(1.items; "kind"); "sku")`}},
		"deduplicate": {"Gives the array without items that are equal to an earlier one." + one, sourceArray, []string{`deduplicate(1.tags)`, `deduplicate(emptyarray)`}},
		"map": {"Gives the value at the dotted path key of every collection in the array that has one. With a key for filtering only those whose value there is one of the values, an array or a comma-separated text. Keys are " +
			"the raw names of fields, and case matters.", sourceArray, []string{`map(1.items; "sku")`, `map(1.items; "sku"; "kind"; "book")`, `map(1.items; "sku"; "kind"; "pen,card")`, `map(1.items; "nothing")`}},
		"sort": {"Gives the items in order: asc, which is the default, desc, or asc ci and desc ci, which pay no regard to case; by the value at a dotted path key if there is one. A key may stand in the place of the order. " +
			"Booleans come first, then numbers, dates and text, and null last whatever the order. Equal items keep theirs." + one, sourceArray,
			[]string{`sort(split("b,a,C"; ","))`, `sort(split("b,a,C"; ","); "desc ci")`, `map(sort(1.items; "desc"; "amount"); "sku")`, `map(sort(1.items; "kind"); "sku")`}},
		"toArray": {"Gives an array of collections {key, value}: one for each field of a collection in order, or each item of an array with its position from 0. Null gives none, and all else is a BundleValidationError.", sourceArray,
			[]string{`toArray(1.customer)`, `toArray(1.nothing)`}},
		"toCollection": {"Gives a collection with a field for each collection in the array: its name is what stands at the path key, its value what stands at the path value. Where names repeat the last one wins.", sourceArray,
			[]string{`toCollection(1.items; "sku"; "amount")`, `toCollection(toArray(1.customer); "key"; "value")`}},
	}
}
