package expr

func textNotes() map[string]Note {
	const utf16 = " Positions count UTF-16 units, as JavaScript does: an emoji has two or more."
	return map[string]Note{
		"lower":      {"Gives the text in lower case, by Unicode's rules. Null is empty text, and a collection a BundleValidationError.", sourceText, []string{`lower(1.name)`, `lower("ŽLUŤ")`}},
		"upper":      {"Gives the text in upper case, by Unicode's rules, where one letter may become two.", sourceText, []string{`upper(1.name)`, `upper("straße")`}},
		"capitalize": {"Gives the text with its first character in upper case. The rest stays as it is.", sourceText, []string{`capitalize("make it")`, `capitalize("mAKE")`}},
		"startcase":  {"Gives the text with the first letter of every word in upper case and all others in lower case. Words are what stands between blanks.", sourceText, []string{`startcase("hello WORLD")`, `startcase("o'neil")`}},
		"trim":       {"Gives the text without the white space at its ends: blanks, tabs, line ends, no-break spaces and the like.", sourceText + "; ECMA-262, String.prototype.trim", []string{`trim("  Hello ")`, `trim(space)`}},
		"length": {"Gives how long something is: a text's UTF-16 units (an emoji has two or more), a buffer's bytes, an array's items, a collection's fields. Null has the length 0, a number that of " +
			"its text. A path that ends in [] gives the whole array.", sourceText + ", Array functions", []string{`length("hello")`, `length("😀")`, `length(1.tags[])`, `length(1.nothing)`}},
		"ascii": {"Gives the text without the characters that are not ASCII. With true as its second argument Latin letters lose their diacritics first.", sourceText,
			[]string{`ascii("ěščřž Make")`, `ascii("Žluťoučký kůň"; true)`}},
		"substring": {"Gives the part of the text from start up to, but not including, end; to the text's end without one. Both count from 0. Bounds outside of the text are put into " +
			"it, and bounds the wrong way round swapped." + utf16, sourceText + "; ECMA-262, String.prototype.substring", []string{`substring("Hello"; 1; 3)`, `substring("Hello"; 2)`, `substring("Hello"; 3; 1)`, `substring("Hello"; 3; 99)`}},
		"indexOf": {"Gives the position, counted from 0, where the value first occurs at or behind start, or -1. Empty text occurs everywhere." + utf16, sourceText, []string{`indexOf("Hello"; "l")`, `indexOf("Hello"; "l"; 3)`, `indexOf("Hello"; "x")`}},
		"split": {"Gives the parts of the text between separators as an array. An empty separator gives the text's characters, and empty text an empty array.", sourceText,
			[]string{`split("a,b,,c"; ",")`, `split("abc"; "")`, `split(""; ",")`}},
		"replace": {"Replaces every occurrence of a text; an empty search replaces nothing. A search of the form /pattern/flags is a regular expression as ECMAScript has them, look-around and back references " +
			"included, with the flags g, i, m, s and u. Without g it replaces the first match only, it must not have named groups, and one that takes longer than the limit is a RuntimeError. In the replacement " +
			"$& stands for the match, $1 to $99 for a group, $$ for a dollar.", sourceText + "; ECMA-262, String.prototype.replaceAll and GetSubstitution",
			[]string{`replace("banana"; "a"; "o")`, `replace("2026-01-31"; "/(\d+)-(\d+)/"; "$2/$1")`, `replace("a1b22"; "/\d+/g"; "<$&>")`, `replace("a b"; space; "")`}},
		"replaceEmojiCharacters": {"Replaces every emoji by the replacement, or removes it. A flag, a family or a hand with a skin tone is one emoji.", sourceText + "; Unicode UTS #51",
			[]string{`replaceEmojiCharacters("Hi 👋🏽!"; "*")`, `replaceEmojiCharacters("👨‍👩‍👧 family")`}},
		"toString": {"Gives a value's text as between other text in a template: array items joined by a comma and a blank, a collection as JSON. A buffer is read as UTF-8, or written in the " +
			"encoding hex, base64 or latin1; one that is not UTF-8 is a DataError.", sourceText, []string{`toString(1.tags)`, `toString(1.customer)`, `toString(toBinary("TWFrZQ=="; "base64"))`, `toString(1.nothing)`}},
		"contains": {"Says whether a text has another in it, case mattering, or an array an item that is equal to the value. A path that ends in [] gives the whole array.", sourceText + ", Array functions",
			[]string{`contains(1.name; "Love")`, `contains(1.name; "love")`, `contains(1.tags[]; "paid")`, `contains(1.tags; "pa")`}},
	}
}

func encodingNotes() map[string]Note {
	const hashed = " of a text, as UTF-8, or a buffer, and with a key its HMAC (RFC 2104). The result is written as hex, or as base64 or latin1; the key is text, or hex or base64, or " +
		"binary, which needs a buffer."
	return map[string]Note{
		"toBinary": {"Gives a value's text as a buffer: as UTF-8, or decoded from hex, base64 or latin1. Text that is none of the encoding is a DataError.", sourceText,
			[]string{`length(toBinary("žluť"))`, `toString(toBinary("4d616b65"; "hex"))`}},
		"base64":         {"Writes text, as UTF-8, or a buffer as base64.", sourceText + "; RFC 4648, section 4", []string{`base64("Make")`, `base64("")`}},
		"encodeURL":      {"Encodes a text for use inside a URL: all but letters, digits and - _ . ! ~ * ' ( ) becomes percent signs and hexadecimal digits of its UTF-8.", sourceText + "; ECMA-262, encodeURIComponent", []string{`encodeURL("a b&c")`, `encodeURL("ž")`}},
		"decodeURL":      {"Decodes the percent signs of a URL's text. A plus stays a plus. A percent sign without two hexadecimal digits, and bytes that are not UTF-8, are a DataError.", sourceText + "; ECMA-262, decodeURIComponent", []string{`decodeURL("a%20b%26c")`, `decodeURL("100%")`}},
		"escapeHTML":     {"Replaces &, < and > by their HTML entities.", sourceText, []string{`escapeHTML("<b>Tom & Jerry</b>")`, `escapeHTML("&amp;")`}},
		"escapeMarkdown": {"Replaces the characters that have a meaning in Markdown by numeric HTML entities.", sourceText, []string{`escapeMarkdown("# Header")`, `escapeMarkdown("*bold*")`}},
		"stripHTML": {"Removes HTML tags, comments, and the contents of style and script; br becomes a line break. Entities stay as they are, and a < that begins no tag is text.", sourceText,
			[]string{`stripHTML("<b>Hello</b> <i>you</i>")`, `stripHTML("1 < 2")`}},
		"md5":    {"Gives the MD5 hash of a text, as UTF-8, or a buffer, in hex. It is for old services only: MD5 is broken.", sourceText + "; RFC 1321", []string{`md5("Make")`, `md5("")`}},
		"sha1":   {"Gives the SHA-1 hash" + hashed + " Prefer sha256: SHA-1 is broken.", sourceText + "; FIPS 180-4", []string{`sha1("Make")`, `sha1("Make"; "base64")`}},
		"sha256": {"Gives the SHA-256 hash" + hashed, sourceText + "; FIPS 180-4", []string{`sha256("Make")`, `sha256("Make"; "base64"; "secret")`, `sha256("Make"; "hex"; "736563726574"; "hex")`}},
		"sha512": {"Gives the SHA-512 hash" + hashed, sourceText + "; FIPS 180-4", []string{`sha512("Make"; "base64")`, `length(sha512(""))`}},
	}
}
