// Command langdoc writes the reference page of the mapping language. What the page says of results it has worked out
// itself, so that the page cannot say what is not so.
//
//	go generate ./engine/internal/expr
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: langdoc FILE")
		os.Exit(2)
	}
	text, err := reference(".")
	if err == nil {
		err = os.WriteFile(os.Args[1], []byte(text), 0o600) //nolint:gosec // the file that the caller names
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "langdoc:", err)
		os.Exit(1)
	}
}
