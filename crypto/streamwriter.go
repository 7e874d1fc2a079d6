package crypto

import (
	"errors"
	"fmt"
	"io"
)

var errStreamClosed = errors.New("crypto: stream is closed")

// A streamWriter seals what is written to it. One goroutine at a time may use it.
//
// Close writes the end, without which the stream does not open to its end: who gives up a stream leaves it unclosed.
// After an error every later call fails with it.
type streamWriter struct {
	streams *streams
	dst     io.Writer
	cipher  *chunkCipher
	index   uint64 // of the next chunk

	plain  *[streamChunkSize]byte // holds what does not fill a chunk yet
	filled int
	sealed *[]byte // not written yet
	err    error
}

// newWriter returns a writer that seals to dst under a key of 32 bytes, which it does not keep, and a scope that was
// checked. It writes nothing yet.
func (s *streams) newWriter(dst io.Writer, key []byte, at *Scope) (*streamWriter, error) {
	return s.newContextWriter(dst, key, at.encode(nil))
}

func (s *streams) newContextWriter(dst io.Writer, key, context []byte) (*streamWriter, error) {
	sealed := s.sealed.Get().(*[]byte)
	c, header, err := s.seal((*sealed)[:0], key, context)
	if err != nil {
		s.sealed.Put(sealed)
		return nil, err
	}
	*sealed = header
	return &streamWriter{streams: s, dst: dst, cipher: c, sealed: sealed}, nil
}

// Write seals p. It keeps back what does not fill a chunk.
func (w *streamWriter) Write(p []byte) (int, error) {
	size, n := w.cipher.size, 0
	for len(p) > n && w.err == nil {
		if rest := p[n:]; w.filled == 0 && len(rest) >= size {
			w.chunk(rest[:size], false)
			n += size
			continue
		}
		if w.plain == nil {
			w.plain = w.streams.plain.Get().(*[streamChunkSize]byte)
		}
		copied := copy(w.plain[w.filled:size], p[n:])
		n += copied
		if w.filled += copied; w.filled == size {
			w.chunk(w.plain[:size], false)
			w.filled = 0
		}
	}
	// The header alone waits for the first chunk.
	if w.err == nil && w.index > 0 {
		w.flush()
	}
	if w.err != nil {
		return 0, w.err
	}
	return n, nil
}

// Close seals the last chunk. It does not close what is written to.
func (w *streamWriter) Close() error {
	if errors.Is(w.err, errStreamClosed) {
		return nil
	}
	if w.err == nil {
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

func (w *streamWriter) flush() {
	if len(*w.sealed) == 0 {
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
	w.plain, w.sealed = nil, nil
}
