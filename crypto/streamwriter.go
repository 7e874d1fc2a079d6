package crypto

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

var errStreamClosed = fmt.Errorf("crypto: stream: %w", fs.ErrClosed)

// errImpossible is what a source meets that says to have read more than there was room for, or less than nothing.
var errImpossible = errors.New("it returned an impossible count")

// A streamGuard says whether a stream may go on.
type streamGuard struct {
	ended func() error // the context's Err: asked by every call
	stays func() error // whether the key is still to be used: asked before a batch is written or read
}

// A streamWriter seals what is written to it. One goroutine at a time may use it. After an error every later call fails
// with it.
type streamWriter struct {
	streams *streams
	guard   streamGuard
	dst     io.Writer
	cipher  chunkCipher
	index   uint64 // of the next chunk

	plain  *[streamChunkSize]byte // holds what does not fill a chunk yet
	filled int
	sealed *[]byte // not written yet
	err    error
}

var _ io.ReaderFrom = (*streamWriter)(nil)

// newWriter returns a writer that seals to dst under a scope that was checked. It writes nothing yet.
func (s *streams) newWriter(guard streamGuard, dst io.Writer, key *rootKey, at *Scope) (*streamWriter, error) {
	context := s.context(at)
	d, err := s.toSeal(key, context[:])
	if err != nil {
		return nil, err
	}
	w := &streamWriter{
		streams: s, guard: guard, dst: dst, cipher: newChunkCipher(s.form, s.chunk, d), sealed: s.sealed.Get().(*[]byte),
	}
	*w.sealed = append((*w.sealed)[:0], d.header[:]...)
	return w, nil
}

// Write seals p. It keeps back what does not fill a chunk.
func (w *streamWriter) Write(p []byte) (int, error) {
	w.check()
	size, n := w.cipher.size, 0
	for len(p) > n && w.err == nil {
		if rest := p[n:]; w.filled == 0 && len(rest) >= size {
			w.chunk(rest[:size], false)
			n += size
			continue
		}
		copied := copy(w.room(), p[n:])
		n += copied
		w.fill(copied)
	}
	w.flushChunks()
	if w.err != nil {
		return 0, w.err
	}
	return n, nil
}

// ReadFrom seals all that src gives. When that ends with an error, the stream is given up: it gets no end, because what
// Close would make of it is a whole stream of half a value.
func (w *streamWriter) ReadFrom(src io.Reader) (n int64, err error) {
	w.check()
	for empty := 0; w.err == nil; {
		room := w.room()
		got, err := src.Read(room)
		if got < 0 || got > len(room) {
			got, err = 0, errImpossible
		}
		n += int64(got)
		w.fill(got)
		if empty++; got > 0 {
			empty = 0
		} else if err == nil && empty == maxEmptyReads {
			err = io.ErrNoProgress
		}
		if err == io.EOF { //nolint:errorlint // only io.EOF itself is an end, as package io has it
			break
		}
		if err != nil && w.err == nil {
			w.err = fmt.Errorf("crypto: read what is to be sealed: %w", err)
		}
		w.check()
	}
	w.flushChunks()
	return n, w.err
}

// Close seals the last chunk. It does not close what is written to.
func (w *streamWriter) Close() error {
	if errors.Is(w.err, errStreamClosed) {
		return nil
	}
	if w.check(); w.err == nil {
		var last []byte
		if w.plain != nil {
			last = w.plain[:w.filled]
		}
		w.chunk(last, true)
	}
	if w.err == nil {
		w.flush()
	}
	err := w.err
	w.err = errStreamClosed
	w.release()
	return err
}

func (w *streamWriter) check() {
	if w.err == nil {
		w.err = w.guard.ended()
	}
}

// room is where the rest of a chunk goes.
func (w *streamWriter) room() []byte {
	if w.plain == nil {
		w.plain = w.streams.plain.Get().(*[streamChunkSize]byte)
	}
	return w.plain[w.filled:w.cipher.size]
}

// fill counts what was put into the room, and seals the chunk when it is full.
func (w *streamWriter) fill(n int) {
	if w.filled += n; w.filled == w.cipher.size {
		w.chunk(w.plain[:w.filled], false)
		w.filled = 0
	}
}

// chunk seals one chunk, and writes a batch when it is full.
func (w *streamWriter) chunk(plaintext []byte, last bool) {
	if w.index >= w.cipher.limit {
		w.err = fmt.Errorf("%w: a stream may have %d chunks of %d bytes", ErrTooLarge, w.cipher.limit, w.cipher.size)
		return
	}
	if len(*w.sealed)+len(plaintext)+w.cipher.overhead > cap(*w.sealed) {
		if w.flush(); w.err != nil {
			return
		}
	}
	*w.sealed = w.cipher.seal(*w.sealed, w.index, last, plaintext)
	w.index++
}

// flushChunks writes what is sealed. The header alone waits for the first chunk.
func (w *streamWriter) flushChunks() {
	if w.err == nil && w.index > 0 {
		w.flush()
	}
}

func (w *streamWriter) flush() {
	if len(*w.sealed) == 0 {
		return
	}
	if w.err = w.guard.stays(); w.err != nil {
		return
	}
	n, err := w.dst.Write(*w.sealed)
	if err == nil && n != len(*w.sealed) {
		err = io.ErrShortWrite
	}
	if err != nil {
		w.err = fmt.Errorf("crypto: write stream: %w", err)
	}
	*w.sealed = (*w.sealed)[:0]
}

func (w *streamWriter) release() {
	if w.plain != nil {
		clear(w.plain[:])
		w.streams.plain.Put(w.plain)
	}
	*w.sealed = (*w.sealed)[:0]
	w.streams.sealed.Put(w.sealed)
	w.plain, w.sealed, w.cipher.aead = nil, nil, nil
}
