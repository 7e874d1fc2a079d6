package vaulttest_test

import (
	"context"
	"errors"
	"io"

	"github.com/ebbkit/ebb/crypto"
)

// streaming is a keyring that gets something about streams wrong.
type streaming struct {
	*crypto.Keyring
	writer func(ctx context.Context, v *crypto.Keyring, at crypto.Scope, dst io.Writer) (io.WriteCloser, error)
	reader func(ctx context.Context, v *crypto.Keyring, at crypto.Scope, src io.Reader) (io.ReadCloser, error)
	rewrap func(ctx context.Context, v *crypto.Keyring, at crypto.Scope, dst io.Writer, src io.Reader) (bool, error)
}

func (s streaming) SealStream(ctx context.Context, at crypto.Scope, dst io.Writer) (io.WriteCloser, error) {
	if s.writer != nil {
		return s.writer(ctx, s.Keyring, at, dst)
	}
	return s.Keyring.SealStream(ctx, at, dst)
}

func (s streaming) OpenStream(ctx context.Context, at crypto.Scope, src io.Reader) (io.ReadCloser, error) {
	if s.reader != nil {
		return s.reader(ctx, s.Keyring, at, src)
	}
	return s.Keyring.OpenStream(ctx, at, src)
}

func (s streaming) RewrapStream(ctx context.Context, at crypto.Scope, dst io.Writer, src io.Reader) (bool, error) {
	if s.rewrap != nil {
		return s.rewrap(ctx, s.Keyring, at, dst, src)
	}
	return s.Keyring.RewrapStream(ctx, at, dst, src)
}

// reading gives what a reader returned to a function that may return something else.
type reading struct {
	io.ReadCloser
	read func(r io.Reader, p []byte) (int, error)
}

func (r reading) Read(p []byte) (int, error) { return r.read(r.ReadCloser, p) }

func readingAs(read func(r io.Reader, p []byte) (int, error)) func() crypto.Vault {
	return func() crypto.Vault {
		return streaming{Keyring: crypto.NewKeyring(), reader: func(ctx context.Context, v *crypto.Keyring, at crypto.Scope, src io.Reader) (io.ReadCloser, error) {
			r, err := v.OpenStream(ctx, at, src)
			if err != nil {
				return nil, err
			}
			return reading{r, read}, nil
		}}
	}
}

// writing is a writer without ReadFrom, whose Close may do something else.
type writing struct {
	io.WriteCloser
	close func(w io.WriteCloser) error
}

func (w writing) Close() error { return w.close(w.WriteCloser) }

func writingAs(change func(at *crypto.Scope), end func(w io.WriteCloser) error) func() crypto.Vault {
	return func() crypto.Vault {
		s := streaming{Keyring: crypto.NewKeyring()}
		s.writer = func(ctx context.Context, v *crypto.Keyring, at crypto.Scope, dst io.Writer) (io.WriteCloser, error) {
			if at != (crypto.Scope{}) {
				change(&at)
			}
			w, err := v.SealStream(ctx, at, dst)
			if err != nil {
				return nil, err
			}
			return writing{w, end}, nil
		}
		s.reader = func(ctx context.Context, v *crypto.Keyring, at crypto.Scope, src io.Reader) (io.ReadCloser, error) {
			if at != (crypto.Scope{}) {
				change(&at)
			}
			return v.OpenStream(ctx, at, src)
		}
		return s
	}
}

// bare is a stream with nothing sealed in it.
type bare struct{ io.Writer }

func (bare) Close() error { return nil }

// brokenStreamers are vaults for TestBrokenVaultFails.
func brokenStreamers() map[string]entry {
	closes := func(w io.WriteCloser) error { return w.Close() }
	return map[string]entry{
		"streams are whole": {readingAs(func(r io.Reader, p []byte) (int, error) { return r.Read(p) }), nil},
		"streams in plain": {func() crypto.Vault {
			return streaming{
				Keyring: crypto.NewKeyring(),
				writer: func(_ context.Context, _ *crypto.Keyring, _ crypto.Scope, dst io.Writer) (io.WriteCloser, error) {
					return bare{dst}, nil
				},
				reader: func(_ context.Context, _ *crypto.Keyring, _ crypto.Scope, src io.Reader) (io.ReadCloser, error) {
					return io.NopCloser(src), nil
				},
			}
		}, []string{"RoundTrip", "Scopes", "NoStream", "NeverClosed", "Closed", "Canceled"}},
		"damage is an end": {readingAs(func(r io.Reader, p []byte) (int, error) {
			n, err := r.Read(p)
			if errors.Is(err, crypto.ErrDamaged) {
				err = io.EOF
			}
			return n, err
		}), []string{"EveryBitFlipped", "Truncated", "Appended", "Moved", "NeverClosed"}},
		"bytes with the damage": {readingAs(func(r io.Reader, p []byte) (int, error) {
			n, err := r.Read(p)
			if errors.Is(err, crypto.ErrDamaged) {
				n = copy(p, "garbled")
			}
			return n, err
		}), []string{"EveryBitFlipped", "Truncated", "Appended", "Moved"}},
		"failures are damage": {readingAs(func(r io.Reader, p []byte) (int, error) {
			n, err := r.Read(p)
			if err != nil && err != io.EOF { //nolint:errorlint // as the reader has it
				err = crypto.ErrDamaged
			}
			return n, err
		}), []string{"BrokenSource", "Canceled", "Closed"}},
		"forgets its errors": {func() crypto.Vault {
			return streaming{Keyring: crypto.NewKeyring(), reader: func(ctx context.Context, v *crypto.Keyring, at crypto.Scope, src io.Reader) (io.ReadCloser, error) {
				r, err := v.OpenStream(ctx, at, src)
				if err != nil {
					return nil, err
				}
				failed := false
				return reading{r, func(r io.Reader, p []byte) (int, error) {
					if failed {
						return 0, io.EOF
					}
					n, err := r.Read(p)
					failed = err != nil
					return n, err
				}}, nil
			}}
		}, []string{"EveryBitFlipped", "Truncated", "BrokenSource", "Canceled"}},
		"streams without a record": {writingAs(func(at *crypto.Scope) { at.Record = "" }, closes), []string{"Scopes"}},
		"streams that end by themselves": {func() crypto.Vault {
			return streaming{Keyring: crypto.NewKeyring(), writer: func(ctx context.Context, v *crypto.Keyring, at crypto.Scope, dst io.Writer) (io.WriteCloser, error) {
				if _, err := v.SealStream(ctx, at, dst); err != nil {
					return nil, err
				}
				return &eager{ctx: ctx, v: v, at: at, dst: dst}, nil
			}}
		}, []string{"NeverClosed"}},
		"half a value is whole": {writingAs(func(*crypto.Scope) {}, closes), []string{"BrokenSource"}},
		"close says nothing": {writingAs(func(*crypto.Scope) {}, func(w io.WriteCloser) error {
			_ = w.Close()
			return nil
		}), []string{"BrokenDestination", "Canceled"}},
		"deaf streams": {func() crypto.Vault {
			return streaming{
				Keyring: crypto.NewKeyring(),
				writer: func(ctx context.Context, v *crypto.Keyring, at crypto.Scope, dst io.Writer) (io.WriteCloser, error) {
					return v.SealStream(context.WithoutCancel(ctx), at, dst)
				},
			}
		}, []string{"Canceled"}},
		"rewraps no stream": {func() crypto.Vault {
			return streaming{Keyring: crypto.NewKeyring(), rewrap: func(ctx context.Context, v *crypto.Keyring, at crypto.Scope, _ io.Writer, src io.Reader) (bool, error) {
				return v.RewrapStream(ctx, at, io.Discard, src)
			}}
		}, []string{"Rewrap"}},
		"always rewraps streams": {func() crypto.Vault {
			return streaming{Keyring: crypto.NewKeyring(), rewrap: func(ctx context.Context, v *crypto.Keyring, at crypto.Scope, dst io.Writer, src io.Reader) (bool, error) {
				r, err := v.OpenStream(ctx, at, src)
				if err != nil {
					return false, err
				}
				w, err := v.SealStream(ctx, at, dst)
				if err != nil {
					return false, err
				}
				if _, err := io.Copy(w, r); err != nil {
					return false, err
				}
				return true, w.Close()
			}}
		}, []string{"Rewrap"}},
	}
}

// eager makes each Write a whole stream, and Close none.
type eager struct {
	ctx context.Context
	v   *crypto.Keyring
	at  crypto.Scope
	dst io.Writer
}

func (e *eager) Write(p []byte) (int, error) {
	w, err := e.v.SealStream(e.ctx, e.at, e.dst)
	if err != nil {
		return 0, err
	}
	n, err := w.Write(p)
	return n, errors.Join(err, w.Close())
}

func (e *eager) Close() error { return nil }
