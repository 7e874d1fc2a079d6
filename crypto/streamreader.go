package crypto

import (
	"errors"
	"fmt"
	"io"
)

// A streamReader opens a stream as it reads it. One goroutine at a time may use it.
//
// What Read returns is authentic, each byte of it and its order, but only io.EOF says that it is all. After any other
// error the rest is missing and every later Read fails the same way. Such an error wraps ErrDamaged, or what the source
// or the guard returned.
type streamReader struct {
	streams *streams
	guard   streamGuard
	src     io.Reader
	end     error // of the source
	cipher  chunkCipher
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

var _ io.WriterTo = (*streamReader)(nil)

// newReader reads the header of a stream, and returns a reader that open has to be called on, and the id of the key.
// ErrDamaged: it ends inside. ErrMalformed and ErrNewer: it is no stream that is known.
func (s *streams) newReader(ended func() error, src io.Reader) (*streamReader, keyID, error) {
	r := &streamReader{streams: s, src: src, sealed: s.sealed.Get().(*[]byte)}
	r.guard = streamGuard{ended: ended, stays: ended}
	id, err := r.head()
	if err != nil {
		r.release()
		return nil, keyID{}, err
	}
	return r, id, nil
}

func (r *streamReader) head() (id keyID, err error) {
	r.fill(headerSize)
	header := (*r.sealed)[:r.high]
	if len(header) > 0 {
		if err := checkForm(header[0]); err != nil {
			return keyID{}, err
		}
	}
	if len(header) < headerSize {
		if r.end == io.EOF { //nolint:errorlint // see fill
			return keyID{}, errHeadEnds
		}
		return keyID{}, r.end
	}
	copy(id[:], header[1:])
	return id, nil
}

var errHeadEnds = fmt.Errorf("%w: it ends within its head", ErrDamaged)

// open checks the header under a key and a scope that was checked. Without an error it gives the reader its guard. ErrScope:
// the stream was sealed under another key or scope, or its header was changed.
func (r *streamReader) open(stays func() error, key *rootKey, at *Scope) error {
	context := r.streams.context(at)
	return r.openContext(stays, key, context[:])
}

func (r *streamReader) openContext(stays func() error, key *rootKey, context []byte) error {
	header := (*r.sealed)[:headerSize]
	d, err := r.streams.toOpen(key, header, context)
	if err != nil {
		return err
	}
	r.cipher = newChunkCipher(streamForm(header[0]), r.streams.chunk, d)
	r.guard.stays = stays
	r.low = headerSize
	return nil
}

// Read does what io.Reader says. It blocks as long as a whole chunk is not there.
func (r *streamReader) Read(p []byte) (int, error) {
	r.check()
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

// WriteTo writes what is left to dst. Only when it returns nil was the stream whole.
func (r *streamReader) WriteTo(dst io.Writer) (n int64, err error) {
	for {
		r.check()
		if r.given < r.opened && r.err == nil {
			content := r.plain[r.given:r.opened]
			written, err := dst.Write(content)
			if written < 0 || written > len(content) {
				written, err = 0, errImpossible
			}
			if err == nil && written < len(content) {
				err = io.ErrShortWrite
			}
			n += int64(written)
			clear(content[:written])
			r.given += written
			if err != nil {
				return n, fmt.Errorf("crypto: write what was opened: %w", err)
			}
		}
		switch {
		case r.err == io.EOF: //nolint:errorlint // it is set here and in Read only
			return n, nil
		case r.err != nil:
			return n, r.err
		case r.finished:
			r.fail(io.EOF)
		default:
			if _, err := r.next(nil); err != nil {
				r.fail(err)
			}
		}
	}
}

// Close clears what was opened and not read. It does not close what is read from. It always returns nil.
func (r *streamReader) Close() error {
	r.fail(errStreamClosed)
	r.err = errStreamClosed
	return nil
}

func (r *streamReader) check() {
	if r.err == nil {
		if err := r.guard.ended(); err != nil {
			r.fail(err)
		}
	}
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
		return 0, fmt.Errorf("%w: it ends before its last chunk", ErrDamaged)
	}
	if r.index >= r.cipher.limit {
		return 0, fmt.Errorf("%w: it has more than %d chunks", ErrDamaged, r.cipher.limit)
	}
	size := len(sealed) - r.cipher.overhead
	direct := len(p) >= size && len(p) > 0
	dst := p
	if !direct {
		if r.plain == nil {
			r.plain = r.streams.plain.Get().(*[streamChunkSize]byte)
		}
		dst = r.plain[:]
	}
	// The cipher checks the tag before it gives anything out, and clears what it wrote when the tag is wrong.
	if _, err := r.cipher.open(dst[:0:size], r.index, last, sealed); err != nil {
		return 0, fmt.Errorf("%w: chunk %d does not open: it was changed, moved or cut off", ErrDamaged, r.index)
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
	if r.end = r.guard.stays(); r.end != nil {
		return
	}
	if len(buffer)-r.low < want {
		r.high = copy(buffer, buffer[r.low:r.high])
		r.low = 0
	}
	for empty := 0; r.high-r.low < want && r.end == nil; {
		n, err := r.src.Read(buffer[r.high:])
		if n < 0 || n > len(buffer)-r.high {
			n, err = 0, errImpossible
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
	r.plain, r.sealed, r.cipher.aead, r.given, r.opened = nil, nil, nil, 0, 0
}
