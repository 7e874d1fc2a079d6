// Package image is the connector "image": it says what an image is, and converts, resizes and crops it, as Make's Image app does
// (https://apps.make.com/image; Crop is ours).
//
// It reads JPEG, PNG, GIF, BMP and WebP and writes the first four. Of an animation it takes the first picture. Images are turned
// upright as their Exif data say, and what is written has no Exif data, so no places and no names of people's cameras.
//
// The Go project's golang.org/x/image reads WebP and BMP and scales; the rest is in the standard library.
//
// Make one with [New].
package image

import (
	"github.com/ebbkit/ebb/connector"
)

// Config sets the limits of the connector. The zero Config works.
type Config struct {
	// MaxBytes limits a file that goes in. A larger one is a MaxFileSizeExceededError. Default: 20 MiB.
	MaxBytes int
	// MaxPixels limits the picture in a file, before it is unpacked: one takes up to 8 bytes a pixel. A larger one is a
	// DataError. Default: 40 million.
	MaxPixels int
	// MaxWidth and MaxHeight limit what Resize gives, in pixels; more is a DataError. Default: 3840 and 2160, as in Make.
	MaxWidth, MaxHeight int
}

var _ connector.Connector = (*Connector)(nil)

// A Connector is the connector "image". Many goroutines may use it.
type Connector struct {
	modules []connector.Module
}

// New makes the connector.
func New(config Config) *Connector {
	for field, value := range map[*int]int{
		&config.MaxBytes: 20 << 20, &config.MaxPixels: 40_000_000, &config.MaxWidth: 3840, &config.MaxHeight: 2160,
	} {
		if *field == 0 {
			*field = value
		}
	}
	return &Connector{modules: []connector.Module{newExtract(config), newConvert(config), newResize(config), newCrop(config)}}
}

// Name returns "image".
func (*Connector) Name() string { return "image" }

// Modules returns ExtractMetadata, Convert, Resize and Crop.
func (c *Connector) Modules() []connector.Module { return c.modules }
