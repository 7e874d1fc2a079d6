package text

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/ebbkit/ebb/connector"
)

type unpackInput struct {
	Data []byte `json:"data" label:"Source file" required:"true"`
}

type unpacked struct {
	FileName string `json:"fileName" label:"File name"`
	Path     string `json:"path" label:"Path"`
	Data     []byte `json:"data" label:"Data"`
	FileSize int64  `json:"fileSize" label:"File size"`
}

// unpack gives a bundle per file of a ZIP archive (APPNOTE 6.3.10), in the order of the archive, as it is unpacked: its
// name, its path with "/" between the folders, its data and their size. Folders and what is no plain file, such as links,
// are left out. Names are UTF-8 or else CP437.
//
// A path that leads out of the archive, a file that is encrypted or damaged and data that are no ZIP archive are a DataError,
// which names the number of the entry and never its name. The whole list is looked through before the first file is given.
func unpack(name string, limits ArchiveLimits) connector.Search {
	return connector.NewSearch(connector.Info{
		Name:        name,
		Version:     1,
		Label:       "Extract an archive",
		Description: "Gives the files of a ZIP archive.",
		Pure:        true,
	}, func(ctx context.Context, _ *connector.Call, in unpackInput) iter.Seq2[unpacked, error] {
		return func(yield func(unpacked, error) bool) {
			a := archiveReader{limits: limits, size: int64(len(in.Data))}
			files, err := a.list(in.Data)
			for i := 0; i < len(files) && err == nil; i++ {
				if err = ctx.Err(); err != nil {
					break
				}
				var file unpacked
				if file, err = a.read(&files[i]); err == nil && !yield(file, nil) {
					return
				}
			}
			if err != nil {
				yield(unpacked{}, err)
			}
		}
	})
}

// archiveReader unpacks one archive.
type archiveReader struct {
	limits ArchiveLimits
	size   int64 // of the archive
	total  int64 // of what was unpacked
}

// archived is a plain file in an archive.
type archived struct {
	file   *zip.File
	number int
	path   string
}

// encrypted is bit 0 of the general purpose flags (APPNOTE, section 4.4.4).
const encrypted = 1

func (a *archiveReader) list(data []byte) ([]archived, error) {
	r, err := zip.NewReader(bytes.NewReader(data), a.size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // paths are looked at below, each by itself
		return nil, connector.Errorf(connector.DataError, "field data: is no ZIP archive")
	}
	if len(r.File) > a.limits.MaxFiles {
		return nil, connector.Errorf(connector.MaxResultsExceededError, "the archive has more than %d files", a.limits.MaxFiles)
	}
	var files []archived
	for i, f := range r.File {
		name, ok := insideName(entryName(f))
		switch {
		case !ok:
			return nil, connector.Errorf(connector.DataError, "entry %d of the archive: its path leads out of the archive", i+1)
		case f.Flags&encrypted != 0:
			return nil, connector.Errorf(connector.DataError, "entry %d of the archive is encrypted", i+1)
		case !f.Mode().IsRegular() || strings.HasSuffix(f.Name, "/") || strings.HasSuffix(f.Name, `\`):
		default:
			files = append(files, archived{f, i + 1, name})
		}
	}
	return files, nil
}

func (a *archiveReader) read(file *archived) (unpacked, error) {
	what, limit := a.allowance(fmt.Sprintf("entry %d of the archive", file.number))
	r, err := file.file.Open()
	if err != nil {
		return unpacked{}, connector.Errorf(connector.DataError, "entry %d of the archive is compressed in a way that is not known", file.number)
	}
	data, err := readLimited(what, r, limit)
	if closing := r.Close(); err == nil {
		err = closing
	}
	var typed *connector.Error
	switch {
	case errors.As(err, &typed):
		return unpacked{}, err
	case err != nil:
		return unpacked{}, connector.Errorf(connector.DataError, "entry %d of the archive is damaged", file.number)
	}
	a.total += int64(len(data))
	return unpacked{FileName: path.Base(file.path), Path: file.path, Data: data, FileSize: int64(len(data))}, nil
}

// allowance says how large the next file may be, and in whose name.
func (a *archiveReader) allowance(file string) (what string, limit int64) {
	const always = 1 << 20
	what, limit = file, a.limits.MaxFileBytes
	if left := a.limits.MaxBytes - a.total; left < limit {
		what, limit = "all files together", left
	}
	if left := max(a.limits.MaxRatio*a.size, always) - a.total; left < limit {
		what, limit = "compressed too well to be believed", left
	}
	return what, limit
}

// entryName returns the name of an entry. Many programs write UTF-8 without saying so.
func entryName(f *zip.File) string {
	if !f.NonUTF8 || utf8.ValidString(f.Name) {
		return f.Name
	}
	var name strings.Builder
	for i := range len(f.Name) {
		if c := f.Name[i]; c < utf8.RuneSelf {
			name.WriteByte(c)
		} else {
			name.WriteRune(cp437[c-utf8.RuneSelf])
		}
	}
	return name.String()
}

// cp437 is the upper half of the encoding that APPNOTE, appendix D, prescribes for names that are not UTF-8.
var cp437 = []rune("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐" +
	"└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0")

// insideName cleans a path that lies inside an archive: no drive, no root, no way up, no control characters, and "/" between
// the folders.
func insideName(name string) (string, bool) {
	name = strings.ReplaceAll(name, `\`, "/")
	if name == "" || !utf8.ValidString(name) || name[0] == '/' || len(name) > 1 && name[1] == ':' {
		return "", false
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f {
			return "", false
		}
	}
	for element := range strings.SplitSeq(name, "/") {
		if element == ".." {
			return "", false
		}
	}
	name = path.Clean(name)
	return name, name != "."
}
