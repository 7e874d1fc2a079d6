package pattern_test

import (
	"fmt"

	"github.com/ebbkit/ebb/connector/pattern"
)

func ExamplePattern_Find() {
	p, err := pattern.Compile(`(?<key>\w+)=(\w+)`, "g", pattern.MaxTime)
	if err != nil {
		fmt.Println(err)
		return
	}
	for match, err := range p.Find("colour=blue, size=7") {
		if err != nil {
			fmt.Println(err)
			return
		}
		key, _ := match.Group(1)
		value, _ := match.Group(2)
		fmt.Println(key, "is", value)
	}
	// Output:
	// colour is blue
	// size is 7
}

func ExamplePattern_Replace() {
	p, err := pattern.Compile(`(\w+) (\w+)`, "", pattern.MaxTime)
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := p.Replace("Ada Lovelace", "$2, $1", 1<<20)
	fmt.Println(text, err)
	// Output: Lovelace, Ada <nil>
}
