package image

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"path"
	"strings"

	"golang.org/x/image/bmp"

	"github.com/ebbkit/ebb/connector"
)

// out is what all modules that write an image give.
type out struct {
	Data     []byte `json:"data" label:"Data"`
	FileName string `json:"fileName,omitempty" label:"File name"`
	Format   string `json:"format" label:"Format"`
	MIME     string `json:"mimeType" label:"MIME type"`
	Width    int    `json:"width" label:"Width"`
	Height   int    `json:"height" label:"Height"`
	Size     int    `json:"size" label:"Size"`
}

// encode writes an image. Quality is that of JPEG, 1 to 100; 0 is 90.
func encode(picture image.Image, name, fileName string, quality int) (out, error) {
	var data bytes.Buffer
	var err error
	switch name {
	case "jpeg", "jpg":
		name = "jpeg"
		if quality == 0 {
			quality = 90
		}
		err = jpeg.Encode(&data, onWhite(picture), &jpeg.Options{Quality: quality})
	case "gif":
		err = gif.Encode(&data, picture, nil)
	case "bmp":
		err = bmp.Encode(&data, picture)
	default:
		name = "png" // WebP is read and not written: PNG loses nothing of it
		err = png.Encode(&data, picture)
	}
	if err != nil {
		return out{}, connector.Errorf(connector.DataError, "the image cannot be written as %s", name)
	}
	size := picture.Bounds().Size()
	return out{
		Data: data.Bytes(), FileName: renamed(fileName, name), Format: name, MIME: "image/" + name,
		Width: size.X, Height: size.Y, Size: data.Len(),
	}, nil
}

// onWhite puts an image that can be seen through on white: JPEG knows nothing else.
func onWhite(picture image.Image) image.Image {
	if opaque, ok := picture.(interface{ Opaque() bool }); ok && opaque.Opaque() {
		return picture
	}
	flat := image.NewRGBA(picture.Bounds())
	draw.Draw(flat, flat.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(flat, flat.Rect, picture, flat.Rect.Min, draw.Over)
	return flat
}

// renamed gives a file the ending of its format, unless it has it already.
func renamed(fileName, format string) string {
	ending := strings.ToLower(path.Ext(fileName))
	if fileName == "" || ending == "."+format || format == "jpeg" && ending == ".jpg" {
		return fileName
	}
	if format == "jpeg" {
		format = "jpg"
	}
	return fileName[:len(fileName)-len(ending)] + "." + format
}
