package crypto

import (
	"errors"
	"fmt"
	"io"
)

// A streamReader opens a stream as it reads it. One goroutine at a time may use it.
//
// What Read returns is authentic, each byte of it and its order, but only io.EOF says that it is all. After any other
// error the rest is missing and every later Read fails the same way. Such an error wraps errDamaged, or what the source
// returned.
type streamReader struct {
	streams *streams
	src     io.Reader
	end     error // of the source
	cipher  *chunkCipher
	index   uint64 // of the next chunk

	sealed   *[]byte // those from low to high are not opened yet
	low      int
	high     int
	plain    *[streamChunkSize]byte // those from given to opened are not read yet
	given    int
	opened   int
	finished bool // the last chunk was opened
	err      error
}

// newReader reads the header of a stream and returns a reader of its content, under a key of 32 bytes, which it does not
// keep, and a scope that was checked. It returns ErrScope when the stream was sealed under another key or scope or its
// header was changed, errDamaged when it ends inside, ErrMalformed and ErrNewer when it is no stream that is known.
func (s *streams) newReader(src io.Reader, key []byte, at *Scope) (*streamReader, error) {
	return s.newContextReader(src, key, at.encode(nil))
}

func (s *streams) newContextReader(src io.Reader, key, context []byte) (*streamReader, error) {
	r := &streamReader{streams: s, src: src, sealed: s.sealed.Get().(*[]byte)}
	if err := r.begin(key, context); err != nil {
		r.release()
		return nil, err
	}
	return r, nil
}

func (r *streamReader) begin(key, context []byte) error {
	r.fill(streamHeaderSize)
	header := (*r.sealed)[:r.high]
	if len(header) > 0 {
		if err := checkForm(header[0]); err != nil {
			return err
		}
	}
	if len(header) < streamHeaderSize {
		if r.end == io.EOF { //nolint:errorlint // see fill
			return fmt.Errorf("%w: it ends within its header", errDamaged)
		}
		return r.end
	}
	var err error
	r.cipher, err = r.streams.open(header, key, context)
	r.low = streamHeaderSize
	return err
}

// Read does what io.Reader says. It blocks as long as a whole chunk is not there.
func (r *streamReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if r.given < r.opened {
			copied := copy(p[n:], r.plain[r.given:r.opened])
			clear(r.plain[r.given : r.given+copied])
			r.given += copied
			n += copied
			continue
		}
		// With something to return, only what is at hand already is opened.
		if r.err != nil || r.finished || n > 0 && r.high-r.low < r.cipher.size+r.cipher.overhead {
			break
		}
		opened, err := r.next(p[n:])
		if err != nil {
			r.fail(err)
			break
		}
		n += opened
	}
	switch {
	case n > 0 || len(p) == 0:
		return n, nil
	case r.err == nil:
		r.fail(io.EOF)
	}
	return 0, r.err
}

// Close clears what was opened and not read. It does not close what is read from. It always returns nil.
func (r *streamReader) Close() error {
	r.fail(errStreamClosed)
	r.err = errStreamClosed
	return nil
}

// next opens one chunk: into p where it has room, of which it returns the length, and else into r.plain.
func (r *streamReader) next(p []byte) (int, error) {
	whole := r.cipher.size + r.cipher.overhead
	r.fill(whole)
	sealed := (*r.sealed)[r.low:r.high]
	last := len(sealed) < whole
	switch {
	case !last:
		sealed = sealed[:whole]
	case r.end != io.EOF: //nolint:errorlint // see fill
		return 0, r.end
	case len(sealed) < r.cipher.overhead:
		return 0, fmt.Errorf("%w: it ends before its last chunk", errDamaged)
	}
	if r.index >= r.cipher.limit {
		return 0, fmt.Errorf("%w: it has more than %d chunks", errDamaged, r.cipher.limit)
	}
	size := len(sealed) - r.cipher.overhead
	direct := len(p) >= size
	dst := p
	if !direct {
		if r.plain == nil {
			r.plain = r.streams.plain.Get().(*[streamChunkSize]byte)
		}
		dst = r.plain[:]
	}
	// The cipher checks the tag before it gives anything out, and clears what it wrote when the tag is wrong.
	if _, err := r.cipher.open(dst[:0:size], r.index, last, sealed); err != nil {
		return 0, fmt.Errorf("%w: chunk %d does not open: it was changed, moved or cut off", errDamaged, r.index)
	}
	r.index++
	r.low += len(sealed)
	r.finished = last
	if direct {
		return size, nil
	}
	r.given, r.opened = 0, size
	return 0, nil
}

// maxEmptyReads is how often a source may return nothing and no error in a row, as in package bufio.
const maxEmptyReads = 100

// fill reads until so many bytes are at hand or the source has ended, and takes what else comes with them.
func (r *streamReader) fill(want int) {
	buffer := (*r.sealed)[:cap(*r.sealed)]
	if r.high-r.low >= want || r.end != nil {
		return
	}
	if len(buffer)-r.low < want {
		r.high = copy(buffer, buffer[r.low:r.high])
		r.low = 0
	}
	for empty := 0; r.high-r.low < want && r.end == nil; {
		n, err := r.src.Read(buffer[r.high:])
		if n < 0 || n > len(buffer)-r.high {
			n, err = 0, errors.New("it returned an impossible count")
		}
		r.high += n
		if empty++; n > 0 {
			empty = 0
		} else if err == nil && empty == maxEmptyReads {
			err = io.ErrNoProgress
		}
		switch {
		case err == nil || err == io.EOF: //nolint:errorlint // only io.EOF itself is an end, as package io has it
		case errors.Is(err, io.EOF):
			err = fmt.Errorf("crypto: read stream: %w: %v", io.ErrUnexpectedEOF, err) //nolint:errorlint // or it would look like an end
		default:
			err = fmt.Errorf("crypto: read stream: %w", err)
		}
		r.end = err
	}
}

// fail makes err what every later Read returns, unless one came before, and gives back the memory.
func (r *streamReader) fail(err error) {
	if r.err == nil {
		r.err = err
		r.release()
	}
}

func (r *streamReader) release() {
	if r.plain != nil {
		clear(r.plain[:])
		r.streams.plain.Put(r.plain)
	}
	*r.sealed = (*r.sealed)[:0]
	r.streams.sealed.Put(r.sealed)
	r.plain, r.sealed, r.given, r.opened = nil, nil, 0, 0
}
