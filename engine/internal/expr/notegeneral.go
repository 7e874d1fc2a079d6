package expr

func generalNotes() map[string]Note {
	return map[string]Note{
		"if": {
			"Gives value1 if the condition is true, else value2, or null when there is none. null, false, 0, NaN and empty text are false, all " +
				"else is true, empty arrays too. Only the value that is given is evaluated, so that a failing one that is not needed does no harm.",
			sourceGeneral,
			[]string{`if(1.price > 5; "dear"; "cheap")`, `if(1.nothing; "there")`, `if(true; "fine"; "x" * 2)`},
		},
		"ifempty": {
			"Gives value1 unless it is empty; then value2. Empty are null, empty text and an array without items, but neither 0 nor false nor blanks. " +
				"value2 is evaluated only when it is given.",
			sourceGeneral,
			[]string{`ifempty(1.name; "nobody")`, `ifempty(1.nothing; "nobody")`, `ifempty(0; 5)`, `ifempty(emptyarray; "none")`},
		},
		"switch": {
			"Compares the expression with one value after the other and gives the result behind the first that is equal in type and value, as the operator = says. " +
				"A last argument without a partner is given when none is; without one that is null. Only what is needed is evaluated.",
			sourceGeneral,
			[]string{`switch(1.name; "Ada"; 1; "Ada Lovelace"; 2)`, `switch(5; "5"; "text"; 5; "number")`, `switch("x"; "a"; 1; "else")`, `switch("x"; "a"; 1)`},
		},
		"get": {
			"Gives what a path leads to inside a collection or array: names and positions with dots between them, or null when something on the way is missing. Positions " +
				"count from 1, negative ones from the end, and 0 is null. A field whose own name has dots is found as well, and backquotes keep a name together. " +
				"A path that ends in [] as the first argument gives the whole array.",
			sourceGeneral,
			[]string{`get(1.tags; 2)`, `get(1.tags; -1)`, `get(1.items; "2.sku")`, `get(1.customer; "city")`, `get(1.tags; 0)`},
		},
		"pick": {
			"Gives a collection of the named fields only, in the order of the original; names that it does not have are left out. A key may be an array of names. Anything but a collection " +
				"is a BundleValidationError.",
			sourceGeneral,
			[]string{`pick(1.customer; "city")`, `pick(1.customer; split("zip,city"; ","))`, `pick(1.customer; "nothing")`},
		},
		"omit": {
			"Gives a collection without the named fields. A key may be an array of names. Anything but a collection is a BundleValidationError.",
			sourceGeneral,
			[]string{`omit(1.customer; "zip")`, `omit(1.customer; "nothing")`},
		},
		"equal": {
			"Says whether two values are equal in type and value, as the operator = does: 1 is not \"1\", dates are equal when they are the same millisecond, arrays and " +
				"collections when all that is in them is, whatever the order of a collection's fields.",
			sourceGeneral,
			[]string{`equal(1; 1.0)`, `equal(1; "1")`, `equal(1.tags; split("new,paid,new"; ","))`},
		},
	}
}

func mathNotes() map[string]Note {
	const values = " Takes an array, or any number of values and arrays; text that spells a number counts, and what is no number is left out."
	return map[string]Note{
		"sum":     {"Gives the sum, 0 when there are no numbers." + values, sourceMath, []string{`sum(1; 2; 3)`, `sum(map(1.items; "amount"))`, `sum("4"; "x"; 1)`, `sum(emptyarray)`}},
		"average": {"Gives the arithmetic mean, null when there are no numbers." + values, sourceMath, []string{`average(1; 2)`, `average(map(1.items; "amount"))`, `average(emptyarray)`}},
		"min":     {"Gives the smallest number, null when there are none." + values, sourceMath, []string{`min(3; 1; 2)`, `min(map(1.items; "amount"))`, `min("x")`}},
		"max":     {"Gives the largest number, null when there are none." + values, sourceMath, []string{`max(3; 1; 2)`, `max("10"; 9)`, `max(emptyarray)`}},
		"median":  {"Gives the number in the middle when all are in order, or the mean of the two there; null when there are none." + values, sourceMath, []string{`median(3; 1; 2)`, `median(1; 2; 3; 10)`, `median(emptyarray)`}},
		"stdevS": {"Gives the standard deviation of a sample, which divides by one less than the count; null for fewer than two numbers." + values, sourceMath,
			[]string{`stdevS(2; 4; 4; 4; 5; 5; 7; 9)`, `stdevS(1)`}},
		"stdevP": {"Gives the standard deviation of a population, which divides by the count; null when there are no numbers." + values, sourceMath,
			[]string{`stdevP(2; 4; 4; 4; 5; 5; 7; 9)`, `stdevP(1)`}},
		"abs":   {"Gives the number without its sign. Text that spells a number is one; other text and null are a BundleValidationError.", sourceMath, []string{`abs(-5)`, `abs("-2.5")`}},
		"ceil":  {"Gives the smallest whole number that is not less.", sourceMath, []string{`ceil(1.2)`, `ceil(-1.2)`}},
		"floor": {"Gives the largest whole number that is not greater.", sourceMath, []string{`floor(1.9)`, `floor(-1.2)`}},
		"round": {"Gives the nearest whole number. Halves go up, towards positive infinity. It takes no digits: write round(x * 100) / 100, or use formatNumber.",
			sourceMath + "; ECMA-262, Math.round", []string{`round(1.5)`, `round(-2.5)`, `round(1.price * 10) / 10`}},
		"trunc": {"Cuts a number off behind so many decimals, by default none. It looks at the digits as they are written, so that trunc(4.35; 2) is 4.35. Negative decimals " +
			"cut before the point.", sourceMath, []string{`trunc(3.789; 2)`, `trunc(-3.789)`, `trunc(123.45; -1)`}},
		"parseNumber": {"Reads a number from text in which the decimal separator is a point, or the comma that is given. The other of the two, blanks and apostrophes group digits " +
			"and are dropped. What is no number then, empty text for one, is a BundleValidationError.", sourceMath,
			[]string{`parseNumber("1,234.50")`, `parseNumber("1.756,456"; ",")`, `parseNumber("1 234"; ",")`, `parseNumber("ten")`}},
		"formatNumber": {"Writes a number with so many decimals, 0 to 100, by default none. Halves are rounded away from zero, where the number that is really stored counts. A comma separates " +
			"decimals and a point thousands unless others are given; \"\" is none, and an argument that is left empty the default.", sourceMath + "; ECMA-262, Number.prototype.toFixed",
			[]string{`formatNumber(1234567.891; 2)`, `formatNumber(1234.5; 2; "."; ",")`, `formatNumber(1234.5; 2; ","; "")`, `formatNumber(2.5)`}},
	}
}
