//go:build goexperiment.runtimesecret && linux && (amd64 || arm64)

package secret_test

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto/secret"
)

const (
	plainBytes = 48
	veil       = 0x5a
)

// veiled makes bytes that nobody has seen and gives them to keep; what it returns is another form of them, so that looking
// for them brings none into the memory.
func veiled(t *testing.T, keep func(plain []byte)) []byte {
	t.Helper()
	plain := make([]byte, plainBytes)
	_, err := rand.Read(plain)
	require.NoError(t, err)
	kept := make([]byte, plainBytes)
	for i, b := range plain {
		kept[i] = b ^ veil
	}
	keep(plain)
	clear(plain)
	return kept
}

// scan counts the places of the process's memory that hold the bytes.
func scan(t *testing.T, kept []byte) int {
	t.Helper()
	maps, err := os.Open("/proc/self/maps")
	require.NoError(t, err)
	defer maps.Close()
	memory, err := os.Open("/proc/self/mem")
	require.NoError(t, err)
	defer memory.Close()
	buffer := make([]byte, 1<<20)
	own := uintptr(unsafe.Pointer(&buffer[0]))
	count := 0
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		var from, to uintptr
		var rights string
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &rights); n < 3 || !strings.HasPrefix(rights, "rw") {
			continue
		}
		for at := from; at < to; at += uintptr(len(buffer) - plainBytes) {
			n, err := memory.ReadAt(buffer[:min(uintptr(len(buffer)), to-at)], int64(at))
			if err != nil && n == 0 {
				break // a mapping of the kernel's own
			}
			for i := 0; i+plainBytes <= n; i++ {
				if place := at + uintptr(i); place+plainBytes > own && place < own+uintptr(len(buffer)) {
					continue // the copy that looking has made
				}
				j := 0
				for j < plainBytes && buffer[i+j]^veil == kept[j] {
					j++
				}
				if j == plainBytes {
					count++
				}
			}
		}
	}
	require.NoError(t, lines.Err())
	return count
}

//go:noinline
func work(v secret.Value) (length int) {
	_ = v.Use(func(b []byte) {
		copied := append([]byte(nil), b...)
		length = len(hex.EncodeToString(copied)) + len(string(append(copied, b...)))
	})
	return length
}

func TestNothingIsLeftOfASecretThatWasUsed(t *testing.T) { // not parallel: it looks at the whole process
	var v secret.Value
	kept := veiled(t, func(plain []byte) { v = secret.New(plain) })
	require.NotZero(t, work(v))
	require.NotZero(t, scan(t, kept), "it is there while it is held, or this test sees nothing")
	v.Destroy()
	for range 3 {
		runtime.GC()
	}
	require.Zero(t, scan(t, kept), "nor what was made of it")

	// Also when it was forgotten instead of destroyed.
	kept = veiled(t, func(plain []byte) { require.NotZero(t, work(secret.New(plain))) })
	for range 3 {
		runtime.GC()
	}
	require.Zero(t, scan(t, kept))
}

func TestPanicGetsOutOfUse(t *testing.T) {
	t.Parallel()
	v := secret.NewString("hunter2")
	require.PanicsWithValue(t, "oh", func() { _ = v.Use(func([]byte) { panic("oh") }) })
	require.NoError(t, v.Use(func([]byte) {}))
}
