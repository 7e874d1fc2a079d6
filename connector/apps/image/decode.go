package image

import (
	"bytes"
	"context"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"

	"github.com/ebbkit/ebb/connector"
)

// A format is one that can be read.
type format struct {
	name, mime string
	magic      string // what files begin with; a question mark is any byte
	config     func(io.Reader) (image.Config, error)
	decode     func(io.Reader) (image.Image, error)
}

var formats = []format{
	{"jpeg", "image/jpeg", "\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode},
	{"png", "image/png", "\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode},
	{"gif", "image/gif", "GIF8?a", gif.DecodeConfig, gif.Decode},
	{"webp", "image/webp", "RIFF????WEBPVP8", webp.DecodeConfig, webp.Decode},
	{"bmp", "image/bmp", "BM????\x00\x00\x00\x00", bmp.DecodeConfig, bmp.Decode},
}

func (f *format) begins(file []byte) bool {
	if len(file) < len(f.magic) {
		return false
	}
	for i := range len(f.magic) {
		if f.magic[i] != '?' && f.magic[i] != file[i] {
			return false
		}
	}
	return true
}

// A file is an image that has been looked at and not been unpacked.
type file struct {
	data          []byte
	format        *format
	width, height int // as they stand in the file
	orientation   int // 1 to 8, as Exif counts them
}

// size is how large the image is when it stands upright.
func (f *file) size() (width, height int) {
	if f.orientation > 4 {
		return f.height, f.width
	}
	return f.width, f.height
}

// open looks at a file and refuses what cannot be unpacked or would be too large.
func open(ctx context.Context, data []byte, config Config) (*file, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(data) > config.MaxBytes {
		return nil, connector.Errorf(connector.MaxFileSizeExceededError, "field data: is larger than %d bytes", config.MaxBytes)
	}
	f := &file{data: data, orientation: 1}
	for i := range formats {
		if formats[i].begins(data) {
			f.format = &formats[i]
		}
	}
	if f.format == nil {
		return nil, connector.Errorf(connector.DataError, "field data: is no JPEG, PNG, GIF, BMP or WebP image")
	}
	found, err := f.format.config(bytes.NewReader(data))
	if err != nil || found.Width <= 0 || found.Height <= 0 {
		return nil, connector.Errorf(connector.DataError, "field data: is no %s image that can be read", f.format.name)
	}
	if found.Width > config.MaxPixels/found.Height {
		return nil, connector.Errorf(connector.DataError, "field data: %d times %d pixels are more than %d", found.Width, found.Height, config.MaxPixels)
	}
	f.width, f.height = found.Width, found.Height
	if f.format.name == "jpeg" {
		if bytes.Count(data, []byte("\xff\xda")) > maxScans {
			return nil, connector.Errorf(connector.DataError, "field data: has more than %d scans", maxScans)
		}
		f.orientation = orientation(data)
	}
	return f, nil
}

// maxScans is how many passes a JPEG may go over its picture in. Real ones have ten or so; a file of many tiny passes takes hours.
const maxScans = 200

// picture unpacks the image and turns it upright.
func (f *file) picture(ctx context.Context) (image.Image, error) {
	unpacked, err := f.format.decode(bytes.NewReader(f.data))
	if err != nil {
		return nil, connector.Errorf(connector.DataError, "field data: is no %s image that can be read", f.format.name)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return upright(unpacked, f.orientation), nil
}
