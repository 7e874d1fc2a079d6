package text

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"io"
	"iter"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// ArchiveLimits keep archives from using up the memory of the program. What exceeds one is a MaxFileSizeExceededError, too
// many files a MaxResultsExceededError.
type ArchiveLimits struct {
	// MaxFiles is how many entries an archive may have. Default: 10 000.
	MaxFiles int
	// MaxFileBytes is how large one file may be, uncompressed. Default: 64 MiB.
	MaxFileBytes int64
	// MaxBytes is how large all files may be together, uncompressed. Default: 1 GiB.
	MaxBytes int64
	// MaxRatio is how many times larger than the archive all files may be together; the first MiB of them does not count.
	// Default: 200.
	MaxRatio int64
}

func (l ArchiveLimits) resolved() ArchiveLimits {
	if l.MaxFiles == 0 {
		l.MaxFiles = 10_000
	}
	if l.MaxFileBytes == 0 {
		l.MaxFileBytes = 64 << 20
	}
	if l.MaxBytes == 0 {
		l.MaxBytes = 1 << 30
	}
	if l.MaxRatio == 0 {
		l.MaxRatio = 200
	}
	return l
}

// Archive returns the connector "archive": UnpackAction (also under the name ExtractArchive) gives the files of a ZIP archive,
// CreateArchive (also under the name PackAggregator) makes a ZIP or TAR archive of files, and Gzip, Gunzip, Deflate and
// Inflate convert single buffers. Its modules are pure, hold no state and may be used by many goroutines.
func Archive(limits ArchiveLimits) connector.Connector {
	limits = limits.resolved()
	return format{name: "archive", modules: []connector.Module{
		unpack("UnpackAction", limits), unpack("ExtractArchive", limits),
		pack("CreateArchive", limits), pack("PackAggregator", limits),
		compressor("Gzip", "Gzip", gzipped), compressor("Gunzip", "Gunzip", limits.gunzipped),
		compressor("Deflate", "Deflate", deflated), compressor("Inflate", "Inflate", limits.inflated),
	}}
}

type packParams struct {
	// The engine reads the feeder: it says whose bundles are one group.
	Feeder      any    `json:"feeder" label:"Source module"`
	Type        string `json:"type" label:"Type" enum:"zip,tar" default:"zip"`
	ArchiveName string `json:"name" label:"Archive name" default:"archive"`
	Comment     string `json:"comment" label:"Comment"`
}

type packFile struct {
	// Modules give files under either name.
	FileName string `json:"fileName" label:"File name"`
	Filename string `json:"filename" label:"File name"`
	Data     []byte `json:"data" label:"Data" required:"true"`
}

type packed struct {
	FileName string `json:"fileName" label:"File name"`
	Data     []byte `json:"data" label:"Data"`
	FileSize int64  `json:"fileSize" label:"File size"`
}

// pack makes an archive with a file per bundle. Names may have folders in front; a name that leads out of the archive is a
// DataError, and a name that is taken gets a number. The files are as old as the operation. No bundles give an archive
// without files. The archive itself may have connector.MaxEncodedBytes.
func pack(name string, limits ArchiveLimits) connector.Aggregator {
	return connector.NewAggregator(connector.Info{
		Name:        name,
		Version:     1,
		Label:       "Create an archive",
		Description: "Puts files into a ZIP or TAR archive.",
		Pure:        true,
	}, func(
		_ context.Context, call *connector.Call, params packParams, files iter.Seq2[packFile, error],
	) (packed, error) {
		var out bytes.Buffer
		var w archiveWriter = &zipWriter{zip.NewWriter(&out)}
		if params.Type == "tar" {
			w = &tarWriter{tar.NewWriter(&out)}
		}
		taken := map[string]bool{}
		var count int
		var total int64
		for file, err := range files {
			if err != nil {
				return packed{}, err
			}
			count++
			total += int64(len(file.Data))
			name, ok := insideName(cmp.Or(file.FileName, file.Filename))
			switch {
			case !ok:
				return packed{}, connector.Errorf(connector.DataError, "file %d: the name is none of a file inside an archive", count)
			case count > limits.MaxFiles:
				return packed{}, connector.Errorf(connector.MaxResultsExceededError, "an archive has at most %d files", limits.MaxFiles)
			case int64(len(file.Data)) > limits.MaxFileBytes:
				return packed{}, tooLarge("file "+strconv.Itoa(count), limits.MaxFileBytes)
			case total > limits.MaxBytes:
				return packed{}, tooLarge("all files together", limits.MaxBytes)
			}
			if err := w.add(free(taken, name), file.Data, call.Now); err != nil {
				return packed{}, connector.Errorf(connector.DataError, "file %d: it cannot be put into the archive: %w", count, err)
			}
			if out.Len() > connector.MaxEncodedBytes {
				return packed{}, tooLarge("the archive", connector.MaxEncodedBytes)
			}
		}
		if err := w.close(params.Comment); err != nil {
			return packed{}, connector.Errorf(connector.DataError, "the archive cannot be finished: %w", err)
		}
		archiveName, ok := insideName(params.ArchiveName)
		if !ok {
			return packed{}, connector.Errorf(connector.InvalidConfigurationError, "parameter name: it is no name of a file")
		}
		return packed{FileName: path.Base(archiveName) + "." + params.Type, Data: out.Bytes(), FileSize: int64(out.Len())}, nil
	})
}

func tooLarge(what string, limit int64) error {
	return connector.Errorf(connector.MaxFileSizeExceededError, "%s: more than %d bytes", what, limit)
}

// free returns a name that no file has, and takes it.
func free(taken map[string]bool, name string) string {
	ext := path.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	for n := 2; taken[name]; n++ {
		name = stem + " (" + strconv.Itoa(n) + ")" + ext
	}
	taken[name] = true
	return name
}

type archiveWriter interface {
	add(name string, data []byte, modified time.Time) error
	close(comment string) error
}

type zipWriter struct{ *zip.Writer }

func (w *zipWriter) add(name string, data []byte, modified time.Time) error {
	entry, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: modified})
	if err != nil {
		return err
	}
	_, err = entry.Write(data)
	return err
}

func (w *zipWriter) close(comment string) error {
	if err := w.SetComment(comment); err != nil {
		return err
	}
	return w.Close()
}

type tarWriter struct{ *tar.Writer }

func (w *tarWriter) add(name string, data []byte, modified time.Time) error {
	const readable = 0o644
	header := tar.Header{Name: name, Size: int64(len(data)), Mode: readable, ModTime: modified.Truncate(time.Second)}
	if err := w.WriteHeader(&header); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}

func (w *tarWriter) close(string) error { return w.Close() }

// readLimited reads all that there is, up to a limit.
func readLimited(what string, r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, tooLarge(what, limit)
	}
	return data, err
}
