package text

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"

	"github.com/ebbkit/ebb/connector"
)

type buffer struct {
	Data []byte `json:"data" label:"Data" required:"true"`
}

// compressor converts one buffer. Data that cannot be converted are a DataError, a result that is too large a
// MaxFileSizeExceededError.
func compressor(name, label string, convert func([]byte) ([]byte, error)) connector.Action {
	return connector.NewAction(connector.Info{
		Name:        name,
		Version:     1,
		Label:       label,
		Description: "Converts data from or into a compressed form.",
		Pure:        true,
	}, func(_ context.Context, _ *connector.Call, in buffer) (buffer, error) {
		data, err := convert(in.Data)
		var typed *connector.Error
		if err != nil && !errors.As(err, &typed) {
			err = connector.Errorf(connector.DataError, "field data: is not what %s reads, or damaged", label)
		}
		return buffer{data}, err
	})
}

// compressed writes data through a compressing writer.
func compressed(data []byte, writer func(io.Writer) io.WriteCloser) ([]byte, error) {
	var out bytes.Buffer
	w := writer(&out)
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// gzipped follows RFC 1952.
func gzipped(data []byte) ([]byte, error) {
	return compressed(data, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
}

// deflated follows RFC 1950, as the functions of that name in zlib do.
func deflated(data []byte) ([]byte, error) {
	return compressed(data, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
}

func (l ArchiveLimits) gunzipped(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return l.expanded(data, r)
}

func (l ArchiveLimits) inflated(data []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return l.expanded(data, r)
}

// expanded reads what compressed data stand for.
func (l ArchiveLimits) expanded(data []byte, r io.ReadCloser) ([]byte, error) {
	a := archiveReader{limits: l, size: int64(len(data))}
	what, limit := a.allowance("the data")
	out, err := readLimited(what, r, limit)
	if closing := r.Close(); err == nil {
		err = closing
	}
	return out, err
}
