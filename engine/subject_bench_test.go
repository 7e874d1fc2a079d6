package engine_test

import (
	"fmt"
	"testing"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
)

// BenchmarkRunNaming runs a scenario that declares nobody, one that names the same person each time, and one that names
// somebody new each time.
func BenchmarkRunNaming(b *testing.B) {
	for _, c := range []struct {
		name     string
		subjects []string
		email    func(i int) string
	}{
		{"nobody", nil, func(int) string { return "ada@example.com" }},
		{"one", []string{"1.email"}, func(int) string { return "ada@example.com" }},
		{"new", []string{"1.email"}, func(i int) string { return fmt.Sprintf("person-%d@example.com", i) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := start(b, engine.Config{})
			s, err := e.Deploy(b.Context(), parse(b, greeting), engine.DeployOptions{Subjects: c.subjects})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := e.Run(b.Context(), s.ID, connector.NewBundle("name", "Ada", "email", c.email(i))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
