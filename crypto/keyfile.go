package crypto

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// CreateKeyring makes a new key file at path, readable by its owner only, and opens it. The file appears whole or not
// at all. It returns an error that wraps fs.ErrExist, and changes nothing, when path exists. The folder must exist, on a
// file system with hard links.
//
// On Windows the file has the access rights that it inherits from its folder: choose a folder that is the service's
// own.
func CreateKeyring(path string) (*Keyring, error) {
	return createKeyring(&keyFile{path: path})
}

// OpenKeyring opens a key file that CreateKeyring made. It returns an error that wraps fs.ErrNotExist when there is
// none, and never makes one: a new key in place of a lost one would leave the data closed and hide the loss. It returns
// ErrExposed when others than the owner may read the file (except on Windows, where it does not look), ErrPassphrase
// when it needs one, ErrKeyFile when it is damaged, and ErrNewer when it is of a newer format.
func OpenKeyring(path string) (*Keyring, error) {
	return openKeyring(&keyFile{path: path})
}

// EnsureKeyring opens the key file at path as OpenKeyring does, and makes it as CreateKeyring does on the first run,
// which is when the file or folder data, where the sealed records will be, does not exist or is an empty file. When
// data exists and the key file does not, it returns an error that wraps fs.ErrNotExist. So call it before the store is
// opened, and give it the path that the store gets. Processes that start at the same time get the same keys.
//
// A key file is worth a place of its own: what copies the data should not copy the keys with it.
func EnsureKeyring(path, data string) (*Keyring, error) {
	if data == "" {
		return nil, errors.New("crypto: EnsureKeyring needs the path of the data")
	}
	r, err := OpenKeyring(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	switch info, statErr := os.Stat(data); {
	case statErr == nil && (info.IsDir() || info.Size() > 0):
		return nil, fmt.Errorf("%q exists, and may be sealed with keys that are not here: %w", data, err)
	case statErr != nil && !errors.Is(statErr, fs.ErrNotExist):
		return nil, fmt.Errorf("see whether there is data: %w", statErr)
	}
	r, err = CreateKeyring(path)
	if errors.Is(err, fs.ErrExist) {
		return OpenKeyring(path)
	}
	return r, err
}

func createKeyring(f *keyFile) (*Keyring, error) {
	k := newKeys(newRootKey(), []*rootKey{newRootKey()})
	if err := f.create(k); err != nil {
		k.destroy()
		f.forget()
		return nil, fmt.Errorf("create key file %q: %w", f.path, err)
	}
	return newKeyring(k, f), nil
}

func openKeyring(f *keyFile) (*Keyring, error) {
	k, err := f.read()
	if err != nil {
		f.forget()
		return nil, notOpened(f.path, err)
	}
	return newKeyring(k, f), nil
}

// notOpened says why a key file was not opened, and what to do when it is damaged.
func notOpened(path string, err error) error {
	if errors.Is(err, ErrKeyFile) {
		return fmt.Errorf("open key file %q: %w: put back the newest copy of it", path, err)
	}
	return fmt.Errorf("open key file %q: %w", path, err)
}

// A keyFile is where the keys of a keyring are kept. The nil keyFile is nowhere.
type keyFile struct {
	path string
	wrap *wrapper // nil: keys are in the clear
}

// load reads and parses the file.
func (f *keyFile) load() (*keyText, fs.FileInfo, error) {
	for range 10 {
		file, err := os.Open(f.path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("it is missing: put it back from its copy, or create it if nothing was sealed yet: %w", err)
		}
		if err != nil {
			return nil, nil, err
		}
		p, info, err := f.parse(file)
		// A file that was replaced after it was opened here may have been overwritten since. It is still open, so that no
		// other file can pass for it.
		again := errors.Is(err, ErrKeyFile) && f.replaced(info)
		_ = file.Close()
		if !again {
			return p, info, err
		}
	}
	return nil, nil, fmt.Errorf("%w: it is replaced all the time", ErrLocked)
}

// replaced reports whether another file has the name now.
func (f *keyFile) replaced(opened fs.FileInfo) bool {
	now, err := os.Stat(f.path)
	return err == nil && !os.SameFile(now, opened)
}

// parse reads an open file.
func (f *keyFile) parse(file *os.File) (*keyText, fs.FileInfo, error) {
	// Of the open file, not of the path: what is checked must be what is read.
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, info, badKeyText("it is not a regular file")
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, info, fmt.Errorf("%w: its mode is %#o: if nobody else has seen it, run chmod 600 %q", ErrExposed, mode, f.path)
	}
	if info.Size() > maxKeyFile {
		return nil, info, badKeyText("it has %d bytes, the limit is %d", info.Size(), maxKeyFile)
	}
	text := make([]byte, info.Size())
	if _, err := io.ReadFull(file, text); err != nil {
		return nil, info, err
	}
	p, err := parseKeyText(text)
	if err != nil || p.kdf == nil {
		clear(text) // a text with a mac is still needed, and its keys are wrapped
	}
	return p, info, err
}

// read returns the keys in the file.
func (f *keyFile) read() (*keys, error) {
	p, info, err := f.load()
	if err != nil {
		return nil, err
	}
	defer p.wipe()
	if p.kdf != nil && f.wrap == nil {
		return nil, fmt.Errorf("%w: the file is behind one: use OpenPassphraseKeyring", ErrPassphrase)
	}
	k, err := p.open(f.wrap)
	if err != nil {
		return nil, err
	}
	k.seen = info
	return k, nil
}

// changed reports whether the file is another one than k was read from or written to.
func (f *keyFile) changed(k *keys) bool {
	if f == nil {
		return false
	}
	info, err := os.Stat(f.path)
	return err != nil || !os.SameFile(info, k.seen) || info.Size() != k.seen.Size() || !info.ModTime().Equal(k.seen.ModTime())
}

// create puts the file where none is.
func (f *keyFile) create(k *keys) error {
	// A link, because it fails when the name is taken, where a rename would replace another process's keys.
	return f.write(k, f.path, os.Link)
}

// replace puts the file in place of the one that is there. With wipe that one is overwritten, as far as it can be.
func (f *keyFile) replace(k *keys, wipe bool) error {
	path, err := filepath.EvalSymlinks(f.path)
	if err != nil {
		return err
	}
	if !wipe || runtime.GOOS == "windows" { // where a file that is open cannot be replaced
		return f.write(k, path, os.Rename)
	}
	old, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return f.write(k, path, os.Rename)
	}
	defer func() { _ = old.Close() }()
	if err := f.write(k, path, os.Rename); err != nil {
		return err
	}
	// Not before the new file has its name for good: until then the old one may be all that there is.
	overwrite(old)
	return nil
}

// overwrite puts random bytes in place of those of a file.
func overwrite(file *os.File) {
	info, err := file.Stat()
	if err != nil {
		return
	}
	noise := make([]byte, info.Size())
	_, _ = rand.Read(noise)
	if _, err := file.WriteAt(noise, 0); err == nil {
		_ = file.Sync()
	}
}

// write makes a whole file of k beside path, safe on the medium, and lets place give it its name.
func (f *keyFile) write(k *keys, path string, place func(from, to string) error) error {
	p, err := newKeyText(k, f.wrap)
	if err != nil {
		return err
	}
	defer p.wipe()
	text, err := p.format(f.wrap.mac)
	if err != nil {
		return err
	}
	defer clear(text)
	if len(text) > maxKeyFile { // it could not be read again
		return fmt.Errorf("%w: the key file would have %d bytes, the limit is %d", ErrTooLarge, len(text), maxKeyFile)
	}

	file, err := os.CreateTemp(filepath.Dir(path), tempPrefix(path)+"*") // with mode 0600
	if errors.Is(err, fs.ErrNotExist) {
		// The path in the error is that of a file which nobody has heard of.
		return fmt.Errorf("make its folder first: %w", err)
	}
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // after a rename there is nothing to remove
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = place(file.Name(), path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return err
	}
	k.seen, err = os.Stat(path)
	return err
}

// tempPrefix is how the names of files begin that are to become the file at path.
func tempPrefix(path string) string { return "." + filepath.Base(path) + "." }

// lock keeps other processes from changing the file until unlock is called.
func (f *keyFile) lock() (unlock func(), err error) {
	path, err := filepath.EvalSymlinks(f.path)
	if err != nil {
		return nil, err
	}
	lock := path + ".lock"
	file, err := os.OpenFile(lock, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: %q exists: if no process is changing the keys now, one died doing so: remove it, and what begins with %q, and try again", ErrLocked, lock, tempPrefix(path))
	}
	if err != nil {
		return nil, err
	}
	_ = file.Close()
	return func() { _ = os.Remove(lock) }, nil
}

// forget destroys the wrapping key.
func (f *keyFile) forget() {
	if f != nil && f.wrap != nil {
		f.wrap.forget()
	}
}

// syncFolder makes a new name in a folder safe on the medium. Windows has no such call.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	err = folder.Sync()
	return errors.Join(err, folder.Close())
}
