package image

import (
	"context"
	"image"
	"math"

	"golang.org/x/image/draw"

	"github.com/ebbkit/ebb/connector"
)

type extractIn struct {
	Data []byte `json:"data" label:"Data" required:"true"`
}

type extractOut struct {
	Format      string `json:"format" label:"Format" help:"jpeg, png, gif, bmp or webp"`
	MIME        string `json:"mimeType" label:"MIME type"`
	Width       int    `json:"width" label:"Width" help:"In pixels, of the image when it stands upright"`
	Height      int    `json:"height" label:"Height" help:"In pixels, of the image when it stands upright"`
	Orientation int    `json:"orientation" label:"Orientation" help:"How the picture stands in the file, 1 to 8 as in Exif; 1 is upright"`
	Size        int    `json:"size" label:"Size" help:"In bytes"`
}

// newExtract makes ExtractMetadata, which says what an image is without unpacking it.
func newExtract(config Config) connector.Module {
	info := connector.Info{Name: "ExtractMetadata", Version: 2, Label: "Extract metadata", Description: "Says what an image is.", Pure: true}
	return connector.NewAction(info, func(ctx context.Context, _ *connector.Call, in extractIn) (extractOut, error) {
		f, err := open(ctx, in.Data, config)
		if err != nil {
			return extractOut{}, err
		}
		o := extractOut{Format: f.format.name, MIME: f.format.mime, Orientation: f.orientation, Size: len(in.Data)}
		o.Width, o.Height = f.size()
		return o, nil
	})
}

type convertIn struct {
	FileName string `json:"fileName" label:"File name"`
	Data     []byte `json:"data" label:"Data" required:"true"`
	Format   string `json:"format" label:"Format" enum:"jpeg,jpg,png,gif,bmp" required:"true"`
	Quality  int    `json:"quality" label:"Quality" min:"1" max:"100" help:"Of JPEG. Empty: 90"`
}

// newConvert makes Convert, which writes an image in another format.
func newConvert(config Config) connector.Module {
	info := connector.Info{Name: "Convert", Version: 2, Label: "Convert a format", Description: "Writes an image in another format.", Pure: true}
	return connector.NewAction(info, func(ctx context.Context, _ *connector.Call, in convertIn) (out, error) {
		_, picture, err := load(ctx, in.Data, config)
		if err != nil {
			return out{}, err
		}
		return encode(picture, in.Format, in.FileName, in.Quality)
	})
}

type resizeIn struct {
	FileName string `json:"fileName" label:"File name"`
	Data     []byte `json:"data" label:"Data" required:"true"`
	Width    int    `json:"width" label:"Width" min:"1" help:"In pixels. Empty: by the height"`
	Height   int    `json:"height" label:"Height" min:"1" help:"In pixels. Empty: by the width"`
	Mode     string `json:"mode" label:"Mode" enum:"fit,fill,stretch" default:"fit" help:"fit: as large as it can be within width and height; fill: covers them, what is over is cut off on both sides; stretch: exactly so, out of proportion"`
	Quality  int    `json:"quality" label:"Quality" min:"1" max:"100" help:"Of JPEG. Empty: 90"`
}

// newResize makes Resize, which makes an image larger or smaller and keeps its format.
func newResize(config Config) connector.Module {
	info := connector.Info{Name: "Resize", Version: 2, Label: "Resize", Description: "Makes an image larger or smaller.", Pure: true}
	return connector.NewAction(info, func(ctx context.Context, _ *connector.Call, in resizeIn) (out, error) {
		if in.Width == 0 && in.Height == 0 {
			return out{}, connector.Errorf(connector.BundleValidationError, "field width: is required, or field height")
		}
		f, err := open(ctx, in.Data, config)
		if err != nil {
			return out{}, err
		}
		width, height, part := in.plan(f.size())
		if width > config.MaxWidth || height > config.MaxHeight {
			return out{}, connector.Errorf(connector.DataError, "an image of %d times %d pixels is larger than %d times %d", width, height, config.MaxWidth, config.MaxHeight)
		}
		picture, err := f.picture(ctx)
		if err != nil {
			return out{}, err
		}
		result, err := scaled(ctx, picture, part.Add(picture.Bounds().Min), width, height)
		if err != nil {
			return out{}, err
		}
		return encode(result, f.format.name, in.FileName, in.Quality)
	})
}

// plan says how large the result becomes, and of which part of the image.
func (in *resizeIn) plan(fromWidth, fromHeight int) (width, height int, part image.Rectangle) {
	part = image.Rect(0, 0, fromWidth, fromHeight)
	across, down := float64(in.Width)/float64(fromWidth), float64(in.Height)/float64(fromHeight)
	switch {
	case in.Width == 0:
		across = down
	case in.Height == 0:
		down = across
	case in.Mode == "stretch":
	case in.Mode == "fill":
		scale := max(across, down)
		cutWidth := min(fromWidth, max(1, int(math.Round(float64(in.Width)/scale))))
		cutHeight := min(fromHeight, max(1, int(math.Round(float64(in.Height)/scale))))
		left, top := (fromWidth-cutWidth)/2, (fromHeight-cutHeight)/2
		return in.Width, in.Height, image.Rect(left, top, left+cutWidth, top+cutHeight)
	default:
		across = min(across, down)
		down = across
	}
	return rounded(float64(fromWidth) * across), rounded(float64(fromHeight) * down), part
}

// rounded makes pixels of a length: at least one, and no more than fits.
func rounded(length float64) int {
	return int(min(max(math.Round(length), 1), math.MaxInt32))
}

type cropIn struct {
	FileName string `json:"fileName" label:"File name"`
	Data     []byte `json:"data" label:"Data" required:"true"`
	X        int    `json:"x" label:"From the left" min:"0" help:"In pixels"`
	Y        int    `json:"y" label:"From the top" min:"0" help:"In pixels"`
	Width    int    `json:"width" label:"Width" min:"1" required:"true" help:"In pixels. What is beyond the image is left out"`
	Height   int    `json:"height" label:"Height" min:"1" required:"true" help:"In pixels. What is beyond the image is left out"`
	Quality  int    `json:"quality" label:"Quality" min:"1" max:"100" help:"Of JPEG. Empty: 90"`
}

// newCrop makes Crop, which cuts a part out of an image and keeps its format. Make has no such module.
func newCrop(config Config) connector.Module {
	info := connector.Info{Name: "Crop", Label: "Crop", Description: "Cuts a part out of an image.", Pure: true}
	return connector.NewAction(info, func(ctx context.Context, _ *connector.Call, in cropIn) (out, error) {
		f, picture, err := load(ctx, in.Data, config)
		if err != nil {
			return out{}, err
		}
		width, height := f.size()
		if in.X >= width || in.Y >= height {
			return out{}, connector.Errorf(connector.DataError, "the part lies outside of the image, which has %d times %d pixels", width, height)
		}
		// The image limits the lengths, so that no sum is too large.
		part := image.Rect(in.X, in.Y, in.X+min(in.Width, width-in.X), in.Y+min(in.Height, height-in.Y))
		cut := image.NewNRGBA(image.Rectangle{Max: part.Size()})
		draw.Draw(cut, cut.Rect, picture, picture.Bounds().Min.Add(part.Min), draw.Src)
		return encode(cut, f.format.name, in.FileName, in.Quality)
	})
}

// load looks at an image and unpacks it.
func load(ctx context.Context, data []byte, config Config) (*file, image.Image, error) {
	f, err := open(ctx, data, config)
	if err != nil {
		return nil, nil, err
	}
	picture, err := f.picture(ctx)
	return f, picture, err
}
