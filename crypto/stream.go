package crypto

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// StreamHeadBytes is how many bytes from the beginning of a stream KeyOfStream needs.
const StreamHeadBytes = 1 + keyIDSize

// A Streamer is a vault that also seals values that are too large to hold in memory, as streams. It is optional; found by
// type assertion.
//
// A stream is bound to its scope as an envelope is, names its key in its head, and holds the value in chunks, each of them
// sealed. A stream and an envelope are not read as each other. What a Streamer needs memory for does not depend on how long
// the value is; the ones of this package take less than 100 KiB for each stream that is open.
//
// Writers and readers are for one goroutine at a time; many may be open at once. They stop when ctx has ended, with an
// error that wraps ctx.Err(), and so ctx has to last as long as the stream: it is looked at in every call, but a dst or src
// that blocks is not interrupted. They also stop when the vault is closed (ErrClosed) or their key is destroyed or retired
// (ErrShredded, ErrKeyTooOld), no later than 64 KiB after it took effect. An error is for good: every later call returns
// it. After Close, calls fail with fs.ErrClosed. vaulttest.Run checks what can be seen from outside.
type Streamer interface {
	Vault
	// SealStream returns a writer that seals what is written to it, under the newest key and bound to at, and writes the
	// stream to dst. It fails as Seal does, but for ErrTooLarge, which Write and Close return beyond a size
	// that is 64 TiB or more.
	//
	// Close writes the end and must be called; it does not close dst. Its error counts: a stream without its end does not
	// open to its end. To give up a stream, end ctx and call Close then, which clears memory and writes no end; io.Copy
	// from a source that fails gives it up, too. Any other Close, also a deferred one, makes what was written so far a whole
	// stream.
	SealStream(ctx context.Context, at Scope, dst io.Writer) (io.WriteCloser, error)
	// OpenStream reads the head of a stream from src and returns a reader of the value. It fails as Open does, and with
	// ErrDamaged when src ends within the head.
	//
	// Every byte that is read is authentic and in its place, but only io.EOF says that it is the whole value. Read returns
	// ErrDamaged when the stream was cut off, appended to or changed, or parts of it were moved, and what src returned when
	// that failed. The reader may take more from src than it needs for what it has given. Close clears memory and does not
	// close src.
	OpenStream(ctx context.Context, at Scope, src io.Reader) (io.ReadCloser, error)
	// RewrapStream writes the stream in src to dst, sealed anew under the newest key, and reports true; the plaintext does
	// not leave the vault. When the stream is under the newest key already, it returns false: it has read and checked the
	// head then, nothing more of src, and has written nothing. It fails as OpenStream and its reader do, or with what dst
	// returned; what is in dst then does not open to its end.
	RewrapStream(ctx context.Context, at Scope, dst io.Writer, src io.Reader) (bool, error)
}

var (
	_ Streamer = (*Keyring)(nil)
	_ Streamer = (*Hierarchy)(nil)
)

// KeyOfStream returns the id of the key that a stream is under, as KeyOf does for an envelope. It needs the first
// StreamHeadBytes bytes of it and takes more. ErrDamaged: there are fewer. ErrMalformed and ErrNewer as in Vault.Open.
func KeyOfStream(head []byte) ([16]byte, error) {
	if len(head) > 0 {
		if err := checkForm(head[0]); err != nil {
			return [16]byte{}, err
		}
	}
	if len(head) < StreamHeadBytes {
		return [16]byte{}, errHeadEnds
	}
	return [16]byte(head[1:]), nil
}

// SealStream does what Streamer says: in the form Cobblestone-256 of C2SP chunked-encryption, and with
// GODEBUG=fips140=only in a form of its own. Both open in every mode. A stream is 73 bytes longer than its value, and 16
// bytes, or 28 with fips140=only, for each 16 KiB that it has begun.
func (r *Keyring) SealStream(ctx context.Context, at Scope, dst io.Writer) (io.WriteCloser, error) {
	w, err := r.sealStream(ctx, &at, dst)
	if err != nil {
		return nil, err
	}
	return w, nil
}

func (r *Keyring) sealStream(ctx context.Context, at *Scope, dst io.Writer) (*streamWriter, error) {
	k, err := r.begin(ctx, at)
	if err != nil {
		return nil, err
	}
	return r.envelopes.streams.newWriter(streamGuard{ctx.Err, r.stays}, dst, k.newest(), at)
}

// OpenStream does what Streamer says. Like Open it reads the key file again when the stream names an unknown key.
func (r *Keyring) OpenStream(ctx context.Context, at Scope, src io.Reader) (io.ReadCloser, error) {
	in, _, err := r.openStream(ctx, &at, src)
	if err != nil {
		return nil, err
	}
	return in, nil
}

func (r *Keyring) openStream(ctx context.Context, at *Scope, src io.Reader) (*streamReader, keyID, error) {
	k, err := r.begin(ctx, at)
	if err != nil {
		return nil, keyID{}, err
	}
	in, id, err := r.envelopes.streams.newReader(ctx.Err, src)
	if err != nil {
		return nil, keyID{}, err
	}
	key := k.byID[id]
	if key == nil {
		key, err = r.find(id)
	}
	if err == nil {
		err = in.open(r.stays, key, at)
	}
	if err != nil {
		in.fail(err)
		return nil, keyID{}, err
	}
	return in, id, nil
}

// RewrapStream does what Streamer says.
func (r *Keyring) RewrapStream(ctx context.Context, at Scope, dst io.Writer, src io.Reader) (bool, error) {
	in, under, err := r.openStream(ctx, &at, src)
	if err != nil {
		return false, err
	}
	k := r.keys.Load()
	if k == nil {
		in.fail(ErrClosed)
		return false, ErrClosed
	}
	if under == k.newest().id {
		return false, in.Close()
	}
	out, err := r.sealStream(ctx, &at, dst)
	return pipeStream(out, in, err)
}

// stays says whether the keys are still to be used.
func (r *Keyring) stays() error {
	if r.keys.Load() == nil {
		return ErrClosed
	}
	return nil
}

// pipeStream seals what in opens, if there was no error in making out.
func pipeStream(out *streamWriter, in *streamReader, err error) (bool, error) {
	if err == nil {
		_, _ = out.ReadFrom(in) // Close has the error, too
		err = out.Close()
	}
	_ = in.Close()
	return err == nil, err
}

// SealStream does what Streamer says, see Keyring.SealStream, under the newest key of the scope's owner. It fails as
// Hierarchy.Seal does. What another process destroys counts in a stream that is open as everywhere, see
// HierarchyConfig.KeyTime; the writer and the reader may therefore ask the key store now and then, and fail when it does.
func (h *Hierarchy) SealStream(ctx context.Context, at Scope, dst io.Writer) (io.WriteCloser, error) {
	w, err := h.sealStream(ctx, &at, dst, true)
	if err != nil {
		return nil, err
	}
	return w, nil
}

func (h *Hierarchy) sealStream(ctx context.Context, at *Scope, dst io.Writer, create bool) (*streamWriter, error) {
	for {
		r, err := h.begin(ctx, at, create)
		if err != nil {
			return nil, err
		}
		key := r.newest().key
		w, err := h.envelopes.streams.newWriter(streamGuard{ctx.Err, h.stays(ctx, r.owner, key.id)}, dst, key, at)
		if !h.lost(r, err) {
			return w, err
		}
	}
}

// OpenStream does what Streamer says, and fails as Hierarchy.Open does. The key store is asked as in SealStream.
func (h *Hierarchy) OpenStream(ctx context.Context, at Scope, src io.Reader) (io.ReadCloser, error) {
	in, _, err := h.openStream(ctx, &at, src)
	if err != nil {
		return nil, err
	}
	return in, nil
}

func (h *Hierarchy) openStream(ctx context.Context, at *Scope, src io.Reader) (*streamReader, keyID, error) {
	if err := at.check(); err != nil {
		return nil, keyID{}, err
	}
	if err := ctx.Err(); err != nil {
		return nil, keyID{}, err
	}
	if h.closed.Load() {
		return nil, keyID{}, ErrClosed
	}
	in, id, err := h.envelopes.streams.newReader(ctx.Err, src)
	if err != nil {
		return nil, keyID{}, err
	}
	for {
		r, key, err := h.toOpen(ctx, at, id)
		if err == nil {
			err = in.open(h.stays(ctx, r.owner, id), key, at)
		}
		if h.lost(r, err) {
			continue
		}
		if err != nil {
			in.fail(err)
			return nil, keyID{}, err
		}
		return in, id, nil
	}
}

// RewrapStream does what Streamer says.
func (h *Hierarchy) RewrapStream(ctx context.Context, at Scope, dst io.Writer, src io.Reader) (bool, error) {
	in, under, err := h.openStream(ctx, &at, src)
	if err != nil {
		return false, err
	}
	r, err := h.begin(ctx, &at, false)
	if err != nil {
		in.fail(err)
		return false, err
	}
	if under == r.newest().key.id {
		return false, in.Close()
	}
	out, err := h.sealStream(ctx, &at, dst, false)
	return pipeStream(out, in, err)
}

// stays gives what says whether a key is still to be used.
func (h *Hierarchy) stays(ctx context.Context, o owner, id keyID) func() error {
	return func() error {
		r, err := h.ring(ctx, o, false)
		if errors.Is(err, ErrNoRing) {
			return fmt.Errorf("%w while a stream was open", ErrShredded)
		}
		if err != nil {
			return err
		}
		switch v := r.find(&id); {
		case v == nil:
			return fmt.Errorf("%w while a stream was open", ErrShredded)
		case v.number < r.minDecrypt:
			return fmt.Errorf("%w: version %d, the oldest that opens is %d", ErrKeyTooOld, v.number, r.minDecrypt)
		}
		return nil
	}
}
