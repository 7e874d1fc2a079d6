package text_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/text"
)

// A host that takes archives from strangers may want limits of its own: it registers the connector with them, which then
// stands in for the one that every engine has.
func ExampleArchive() {
	strict := text.Archive(text.ArchiveLimits{MaxFiles: 100, MaxFileBytes: 1 << 20, MaxBytes: 10 << 20})
	for _, module := range strict.Modules() {
		unpack, ok := module.(connector.Search)
		if !ok || module.Info().Name != "UnpackAction" {
			continue
		}
		call := &connector.Call{Input: connector.NewBundle("data", []byte("no archive")), Location: time.UTC}
		for _, err := range unpack.Search(context.Background(), call) {
			fmt.Println(connector.TypeOf(err), err)
		}
	}
	// Output: DataError field data: is no ZIP archive
}
