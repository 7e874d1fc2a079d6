package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// The same two servers as go benchmarks, for profiles: eight connections, one request an operation.
func BenchmarkScenario(b *testing.B) {
	url, stop, err := scenarioServer(b.Context(), b.TempDir())
	require.NoError(b, err)
	defer stop()
	requests(b, url)
}

func BenchmarkBare(b *testing.B) {
	url, stop, err := bareServer(b.TempDir())
	require.NoError(b, err)
	defer stop()
	requests(b, url)
}

func requests(b *testing.B, url string) {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	b.SetParallelism(4) // times two processors
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := ask(b.Context(), client, url, order); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
