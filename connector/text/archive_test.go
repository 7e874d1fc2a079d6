package text_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/connector/text"
)

// zipped makes a ZIP archive of names and contents in turn.
func zipped(t testing.TB, namesAndContents ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := 0; i < len(namesAndContents); i += 2 {
		entry, err := w.Create(namesAndContents[i])
		require.NoError(t, err)
		_, err = entry.Write([]byte(namesAndContents[i+1]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func unpack(t *testing.T, data []byte) connectortest.Result {
	t.Helper()
	return connectortest.Run(t, module(t, "UnpackAction"), connectortest.Call{Input: connector.NewBundle("data", data)})
}

func TestUnpackGivesABundlePerFile(t *testing.T) {
	t.Parallel()
	result := unpack(t, zipped(t, "b.txt", "B", "folder/", "", "folder/ä😀.txt", "A\xff", "./x//empty", ""))
	require.NoError(t, result.Err)
	require.Len(t, result.Bundles, 3)
	for i, want := range [][3]string{{"b.txt", "b.txt", "B"}, {"ä😀.txt", "folder/ä😀.txt", "A\xff"}, {"empty", "x/empty", ""}} {
		b := result.Bundles[i]
		require.Equal(t, want[0], b.Get("fileName"))
		require.Equal(t, want[1], b.Get("path"))
		require.Equal(t, want[2], string(b.Get("data").([]byte)))
		require.Equal(t, int64(len(want[2])), b.Get("fileSize"))
	}
	result = unpack(t, zipped(t))
	require.NoError(t, result.Err)
	require.Empty(t, result.Bundles)
	same := connectortest.Run(t, module(t, "ExtractArchive"), connectortest.Call{Input: connector.NewBundle("data", zipped(t, "a", "x"))})
	require.NoError(t, same.Err)
	require.Len(t, same.Bundles, 1)
}

func TestUnpackReadsNamesOfOldPrograms(t *testing.T) {
	t.Parallel()
	named := func(header zip.FileHeader) []byte {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		_, err := w.CreateHeader(&header)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return out.Bytes()
	}
	for want, header := range map[string]zip.FileHeader{
		"Größe.txt":  {Name: "Gr\x94\xe1e.txt", NonUTF8: true},
		"größe.txt":  {Name: "größe.txt", NonUTF8: true}, // UTF-8 that does not say so
		"ž.txt":      {Name: "ž.txt"},
		"a/b/c.txt":  {Name: `a\b\c.txt`},
		"..name.txt": {Name: "..name.txt"},
		"C.txt":      {Name: "C.txt"},
	} {
		result := unpack(t, named(header))
		require.NoError(t, result.Err)
		require.Equal(t, want, result.Bundles[0].Get("path"))
	}
	link := zip.FileHeader{Name: "link"}
	link.SetMode(fs.ModeSymlink | 0o777)
	result := unpack(t, named(link))
	require.NoError(t, result.Err)
	require.Empty(t, result.Bundles)
}

func TestUnpackRefusesPathsThatLeadOut(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"../needle", "a/../../needle", "/needle", `\needle`, `..\needle`, "C:/needle", `c:\needle`, "a/..", "needle\x00", "needle\n", "..",
	} {
		result := unpack(t, zipped(t, "fine", "x", name, "x"))
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), "%q", name)
		require.ErrorContains(t, result.Err, "entry 2")
		require.NotContains(t, result.Err.Error(), "needle")
		require.Empty(t, result.Bundles, "nothing is given of such an archive")
	}
}

func TestUnpackRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	archive := zipped(t, "needle", strings.Repeat("needle", 100))
	damaged := bytes.Clone(archive)
	damaged[40] ^= 0xff
	encrypted := bytes.Clone(archive)
	central := bytes.Index(encrypted, []byte("PK\x01\x02"))
	encrypted[central+8] |= 1
	unknown := bytes.Clone(archive)
	unknown[central+10] = 99
	for name, test := range map[string]struct {
		data    []byte
		message string
	}{
		"no archive": {[]byte("needle"), "no ZIP"}, "half an archive": {archive[:len(archive)-10], "no ZIP"}, "damaged": {damaged, "entry 1"},
		"encrypted": {encrypted, "encrypted"}, "an unknown method": {unknown, "not known"},
	} {
		result := unpack(t, test.data)
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), name)
		require.ErrorContains(t, result.Err, test.message)
		require.NotContains(t, result.Err.Error(), "needle")
	}
	for _, input := range []connector.Bundle{{}, connector.NewBundle("data", connector.NewBundle("a", 1))} {
		result := connectortest.Run(t, module(t, "UnpackAction"), connectortest.Call{Input: input})
		require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
	}
}

func TestArchivesHaveLimits(t *testing.T) {
	t.Parallel()
	kilobyte := strings.Repeat("x", 1<<10)
	limited := func(limits text.ArchiveLimits, name string) connector.Module {
		for _, m := range text.Archive(limits).Modules() {
			if m.Info().Name == name {
				return m
			}
		}
		return nil
	}
	many := make([]string, 0, 20)
	files := make([]connector.Bundle, 0, 10)
	for i := range 10 {
		many = append(many, strconv.Itoa(i), kilobyte)
		files = append(files, connector.NewBundle("fileName", strconv.Itoa(i), "data", kilobyte))
	}
	for name, test := range map[string]struct {
		limits text.ArchiveLimits
		want   connector.ErrorType
		given  int
	}{
		"files":     {text.ArchiveLimits{MaxFiles: 9}, connector.MaxResultsExceededError, 0},
		"one file":  {text.ArchiveLimits{MaxFileBytes: 1<<10 - 1}, connector.MaxFileSizeExceededError, 0},
		"all files": {text.ArchiveLimits{MaxBytes: 10<<10 - 1}, connector.MaxFileSizeExceededError, 9},
		"none":      {text.ArchiveLimits{MaxFiles: 10, MaxFileBytes: 1 << 10, MaxBytes: 10 << 10}, "", 10},
	} {
		result := connectortest.Run(t, limited(test.limits, "UnpackAction"), connectortest.Call{Input: connector.NewBundle("data", zipped(t, many...))})
		require.Equal(t, test.want, connector.TypeOf(result.Err), name)
		require.Len(t, result.Bundles, test.given, name)
		made := connectortest.Run(t, limited(test.limits, "CreateArchive"), connectortest.Call{Bundles: files})
		require.Equal(t, test.want, connector.TypeOf(made.Err), name)
	}

	bomb := zipped(t, "bomb", strings.Repeat("\x00", 8<<20))
	result := connectortest.Run(t, limited(text.ArchiveLimits{}, "UnpackAction"), connectortest.Call{Input: connector.NewBundle("data", bomb)})
	require.Equal(t, connector.MaxFileSizeExceededError, connector.TypeOf(result.Err))
	result = connectortest.Run(t, limited(text.ArchiveLimits{MaxRatio: 2000}, "UnpackAction"), connectortest.Call{Input: connector.NewBundle("data", bomb)})
	require.NoError(t, result.Err)
	for pack, unpack := range map[string]string{"Gzip": "Gunzip", "Deflate": "Inflate"} {
		packed := connectortest.Run(t, limited(text.ArchiveLimits{}, pack), connectortest.Call{Input: connector.NewBundle("data", strings.Repeat("\x00", 8<<20))})
		require.NoError(t, packed.Err)
		result := connectortest.Run(t, limited(text.ArchiveLimits{}, unpack), connectortest.Call{Input: packed.Bundles[0]})
		require.Equal(t, connector.MaxFileSizeExceededError, connector.TypeOf(result.Err), unpack)
	}
}

func TestUnpackEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	result := connectortest.RunContext(ctx, t, module(t, "UnpackAction"), connectortest.Call{Input: connector.NewBundle("data", zipped(t, "a", "x"))})
	require.ErrorIs(t, result.Err, context.Canceled)
}

func TestPackMakesArchivesThatOthersRead(t *testing.T) {
	t.Parallel()
	files := []connector.Bundle{
		connector.NewBundle("fileName", "ä/a.txt", "data", "A"), connector.NewBundle("filename", `ä\a.txt`, "data", []byte{0xff}),
		connector.NewBundle("fileName", "empty", "data", ""), connector.NewBundle("fileName", "empty", "data", "x"),
	}
	want := map[string]string{"ä/a.txt": "A", "ä/a (2).txt": "\xff", "empty": "", "empty (2)": "x"}
	now := time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)

	result := connectortest.Run(t, module(t, "CreateArchive"), connectortest.Call{
		Params: connector.NewBundle("type", "zip", "name", "out", "comment", "made here"), Bundles: files, Now: now,
	})
	require.NoError(t, result.Err)
	require.Equal(t, "out.zip", result.Bundles[0].Get("fileName"))
	data := result.Bundles[0].Get("data").([]byte)
	require.Equal(t, int64(len(data)), result.Bundles[0].Get("fileSize"))
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.Equal(t, "made here", r.Comment)
	got := map[string]string{}
	for _, f := range r.File {
		require.True(t, f.Modified.Equal(now))
		opened, err := f.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(opened)
		require.NoError(t, err)
		got[f.Name] = string(content)
	}
	require.Equal(t, want, got)

	result = connectortest.Run(t, module(t, "PackAggregator"), connectortest.Call{Params: connector.NewBundle("type", "tar"), Bundles: files, Now: now})
	require.NoError(t, result.Err)
	require.Equal(t, "archive.tar", result.Bundles[0].Get("fileName"))
	got = map[string]string{}
	for r := tar.NewReader(bytes.NewReader(result.Bundles[0].Get("data").([]byte))); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		got[header.Name] = string(content)
	}
	require.Equal(t, want, got)

	result = connectortest.Run(t, module(t, "CreateArchive"), connectortest.Call{})
	require.NoError(t, result.Err)
	empty := unpack(t, result.Bundles[0].Get("data").([]byte))
	require.NoError(t, empty.Err)
	require.Empty(t, empty.Bundles)
}

func TestPackRefusesBadNames(t *testing.T) {
	t.Parallel()
	for _, name := range []any{"", nil, "../needle", "/needle", "a/../../needle", "C:needle", "."} {
		result := connectortest.Run(t, module(t, "CreateArchive"), connectortest.Call{
			Bundles: []connector.Bundle{connector.NewBundle("fileName", name, "data", "x")},
		})
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), "%v", name)
		require.NotContains(t, result.Err.Error(), "needle")
	}
	result := connectortest.Run(t, module(t, "CreateArchive"), connectortest.Call{Params: connector.NewBundle("name", "..")})
	require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(result.Err))
}

func TestCompressionRoundTrips(t *testing.T) {
	t.Parallel()
	for pack, unpack := range map[string]string{"Gzip": "Gunzip", "Deflate": "Inflate"} {
		for _, data := range []string{"", "x", "ü😀\x00\xff", strings.Repeat("abc", 10_000)} {
			packed := connectortest.Run(t, module(t, pack), connectortest.Call{Input: connector.NewBundle("data", []byte(data))})
			require.NoError(t, packed.Err)
			result := connectortest.Run(t, module(t, unpack), connectortest.Call{Input: packed.Bundles[0]})
			require.NoError(t, result.Err)
			require.Equal(t, data, string(result.Bundles[0].Get("data").([]byte)))
			damaged := packed.Bundles[0].Get("data").([]byte)
			for _, wrong := range [][]byte{[]byte("needle"), damaged[:len(damaged)-1]} {
				result := connectortest.Run(t, module(t, unpack), connectortest.Call{Input: connector.NewBundle("data", wrong)})
				require.Equal(t, connector.DataError, connector.TypeOf(result.Err))
				require.NotContains(t, result.Err.Error(), "needle")
			}
		}
	}
}

// FuzzUnpack checks that no data can crash the module, lead out of an archive or go beyond a limit.
func FuzzUnpack(f *testing.F) {
	f.Add(zipped(f))
	f.Add(zipped(f, "a.txt", "x", "folder/", "", "../b", "y"))
	f.Add(zipped(f, "ä😀", strings.Repeat("x", 1000), `a\b`, ""))
	f.Add([]byte("PK\x05\x06"))
	var find connector.Search
	for _, m := range text.Archive(text.ArchiveLimits{MaxFiles: 5, MaxFileBytes: 1 << 10, MaxBytes: 2 << 10}).Modules() {
		if m.Info().Name == "UnpackAction" {
			find = m.(connector.Search)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		files, total := 0, 0
		for b, err := range find.Search(t.Context(), &connector.Call{Input: connector.NewBundle("data", data), Location: time.UTC}) {
			if err != nil {
				require.Contains(t, []connector.ErrorType{
					connector.DataError, connector.BundleValidationError, connector.MaxFileSizeExceededError, connector.MaxResultsExceededError,
				}, connector.TypeOf(err))
				break
			}
			files++
			total += len(b.Get("data").([]byte))
			require.True(t, fs.ValidPath(b.Get("path").(string)), "%q", b.Get("path"))
			require.LessOrEqual(t, len(b.Get("data").([]byte)), 1<<10)
		}
		require.LessOrEqual(t, files, 5)
		require.LessOrEqual(t, total, 2<<10)
	})
}
