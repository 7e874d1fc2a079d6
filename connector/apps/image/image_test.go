package image_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	stdimage "image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/apps/image"
	"github.com/ebbkit/ebb/connector/connectortest"
)

var (
	red, green, blue, white = color.NRGBA{R: 255, A: 255}, color.NRGBA{G: 255, A: 255}, color.NRGBA{B: 255, A: 255}, color.NRGBA{R: 255, G: 255, B: 255, A: 255}
	clear                   = color.NRGBA{}
)

// quarters is a picture of four colours: red and green above blue and white.
func quarters(width, height int) *stdimage.NRGBA {
	m := stdimage.NewNRGBA(stdimage.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.Set(x, y, []color.Color{red, green, blue, white}[x*2/width+y*2/height*2])
		}
	}
	return m
}

// packed is a picture as a file.
func packed(t testing.TB, m stdimage.Image, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch format {
	case "jpeg":
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 100})
	case "gif":
		err = gif.Encode(&b, m, nil)
	case "bmp":
		err = bmp.Encode(&b, m)
	default:
		err = png.Encode(&b, m)
	}
	require.NoError(t, err)
	return b.Bytes()
}

// webpFile is one pixel that can be seen through.
func webpFile(t testing.TB) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	require.NoError(t, err)
	return data
}

// turned is a JPEG that says that it stands in some way.
func turned(t testing.TB, m stdimage.Image, orientation uint16, order binary.ByteOrder) []byte {
	t.Helper()
	mark := map[bool]string{true: "II*\x00\x08\x00\x00\x00", false: "MM\x00*\x00\x00\x00\x08"}[order == binary.LittleEndian]
	var tiff bytes.Buffer
	tiff.WriteString("Exif\x00\x00" + mark)
	for _, v := range []any{uint16(2), uint16(0x0100), uint16(3), uint32(1), uint32(0), uint16(0x0112), uint16(3), uint32(1), orientation, uint16(0), uint32(0)} {
		require.NoError(t, binary.Write(&tiff, order, v))
	}
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(tiff.Len()+2))
	file := packed(t, m, "jpeg")
	return append(append(append([]byte{}, file[:2]...), append(segment, tiff.Bytes()...)...), file[2:]...)
}

func run(t testing.TB, config image.Config, name string, namesAndValues ...any) connectortest.Result {
	t.Helper()
	for _, m := range image.New(config).Modules() {
		if m.Info().Name == name {
			return connectortest.Run(t, m, connectortest.Call{Input: connector.NewBundle(namesAndValues...)})
		}
	}
	t.Fatalf("there is no module %s", name)
	return connectortest.Result{}
}

// picture runs a module and unpacks what it gives.
func picture(t testing.TB, name string, namesAndValues ...any) (stdimage.Image, connector.Bundle) {
	t.Helper()
	result := run(t, image.Config{}, name, namesAndValues...)
	require.NoError(t, result.Err)
	data, ok := result.Bundles[0].Get("data").([]byte)
	require.True(t, ok)
	if result.Bundles[0].Get("format") == "bmp" {
		m, err := bmp.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		return m, result.Bundles[0]
	}
	m, format, err := stdimage.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	require.Equal(t, format, result.Bundles[0].Get("format"))
	require.Equal(t, int64(len(data)), result.Bundles[0].Get("size"))
	require.Equal(t, int64(m.Bounds().Dx()), result.Bundles[0].Get("width"))
	require.Equal(t, int64(m.Bounds().Dy()), result.Bundles[0].Get("height"))
	return m, result.Bundles[0]
}

// requireColors checks the middles of the four quarters, row by row.
func requireColors(t testing.TB, m stdimage.Image, want ...color.NRGBA) {
	t.Helper()
	size := m.Bounds().Size()
	for i, w := range want {
		at := m.Bounds().Min.Add(stdimage.Pt(size.X*(1+i%2*2)/4, size.Y*(1+i/2*2)/4))
		got, _ := color.NRGBAModel.Convert(m.At(at.X, at.Y)).(color.NRGBA)
		for _, pair := range [][2]uint8{{w.R, got.R}, {w.G, got.G}, {w.B, got.B}, {w.A, got.A}} {
			require.InDelta(t, pair[0], pair[1], 40, "quarter %d is %v", i, got)
		}
	}
}

func TestConnectorConforms(t *testing.T) {
	t.Parallel()
	call := connectortest.Call{Input: connector.NewBundle("data", packed(t, quarters(8, 4), "png"), "format", "jpeg", "width", 4, "height", 2, "fileName", "a.png")}
	var samples []connectortest.Sample
	for _, m := range image.New(image.Config{}).Modules() {
		samples = append(samples, connectortest.Sample{Module: m.Info().Name, Call: call})
	}
	connectortest.Conform(t, image.New(image.Config{}), samples...)
	connectortest.Conform(t, image.New(image.Config{}))
}

func TestMetadataSayWhatAnImageIs(t *testing.T) {
	t.Parallel()
	for format, data := range map[string][]byte{
		"png": packed(t, quarters(30, 20), "png"), "jpeg": packed(t, quarters(30, 20), "jpeg"), "gif": packed(t, quarters(30, 20), "gif"), "bmp": packed(t, quarters(30, 20), "bmp"),
	} {
		result := run(t, image.Config{}, "ExtractMetadata", "data", data)
		require.NoError(t, result.Err)
		require.True(t, connector.Equal(result.Bundles[0], connector.NewBundle(
			"format", format, "mimeType", "image/"+format, "width", 30, "height", 20, "orientation", 1, "size", len(data))), format)
	}
	result := run(t, image.Config{}, "ExtractMetadata", "data", webpFile(t))
	require.NoError(t, result.Err)
	require.Equal(t, "webp", result.Bundles[0].Get("format"))
	result = run(t, image.Config{}, "ExtractMetadata", "data", turned(t, quarters(30, 20), 6, binary.BigEndian))
	require.NoError(t, result.Err)
	require.Equal(t, []any{int64(20), int64(30), int64(6)}, []any{result.Bundles[0].Get("width"), result.Bundles[0].Get("height"), result.Bundles[0].Get("orientation")})
}

func TestEveryFormatBecomesEveryOther(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"png", "jpeg", "gif", "bmp"} {
		for _, to := range []string{"png", "jpeg", "jpg", "gif", "bmp"} {
			m, b := picture(t, "Convert", "data", packed(t, quarters(32, 16), from), "format", to, "fileName", "tide."+from)
			requireColors(t, m, red, green, blue, white)
			want := map[string]string{"jpeg": "tide.jpg", "jpg": "tide.jpg"}[to]
			if want == "" || from == "jpeg" && want != "" {
				want = "tide." + map[bool]string{true: "jpeg", false: to}[from == "jpeg" && (to == "jpg" || to == "jpeg")]
			}
			require.Equal(t, want, b.Get("fileName"), from+" to "+to)
		}
	}
	m, b := picture(t, "Convert", "data", webpFile(t), "format", "png")
	requireColors(t, m, clear)
	require.Nil(t, b.Get("fileName"))
}

func TestWhatIsSeenThroughBecomesWhiteInJPEG(t *testing.T) {
	t.Parallel()
	half := quarters(32, 32)
	for y := range 16 {
		for x := range 16 {
			half.Set(x, y, clear)
		}
	}
	m, _ := picture(t, "Convert", "data", packed(t, half, "png"), "format", "jpeg", "quality", 100)
	requireColors(t, m, white, green, blue, white)
	m, _ = picture(t, "Resize", "data", packed(t, half, "png"), "width", 4)
	requireColors(t, m, clear, green, blue, white)
	low, _ := picture(t, "Convert", "data", packed(t, half, "png"), "format", "jpg", "quality", "5")
	require.NotEqual(t, m.At(1, 1), low.At(1, 1))
}

func TestImagesAreTurnedUpright(t *testing.T) {
	t.Parallel()
	// How the picture has to stand in the file for it to be red and green above blue and white when it is turned.
	for orientation, stored := range map[uint16][]color.NRGBA{
		1: {red, green, blue, white}, 2: {green, red, white, blue}, 3: {white, blue, green, red}, 4: {blue, white, red, green},
		5: {red, blue, green, white}, 6: {green, white, red, blue}, 7: {white, green, blue, red}, 8: {blue, red, white, green},
		0: {red, green, blue, white}, 9: {red, green, blue, white},
	} {
		m := stdimage.NewNRGBA(stdimage.Rect(0, 0, 64, 32))
		for y := range 32 {
			for x := range 64 {
				m.Set(x, y, stored[x/32+y/16*2])
			}
		}
		for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
			upright, _ := picture(t, "Convert", "data", turned(t, m, orientation, order), "format", "png")
			requireColors(t, upright, red, green, blue, white)
			require.Equal(t, orientation > 4 && orientation < 9, upright.Bounds().Dx() == 32, orientation)
		}
	}
}

func TestResizeFitsFillsAndStretches(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		input         []any
		width, height int
	}{
		"width":           {[]any{"width", 20}, 20, 10},
		"height":          {[]any{"height", "40"}, 80, 40},
		"fit":             {[]any{"width", 20, "height", 20}, 20, 10},
		"fit high":        {[]any{"width", 200, "height", 20, "mode", "fit"}, 40, 20},
		"fill":            {[]any{"width", 20, "height", 20, "mode", "fill"}, 20, 20},
		"stretch":         {[]any{"width", 30, "height", 40, "mode", "stretch"}, 30, 40},
		"much larger":     {[]any{"width", 1000}, 1000, 500},
		"one pixel":       {[]any{"width", 1, "height", 1, "mode", "stretch"}, 1, 1},
		"less than pixel": {[]any{"width", 1}, 1, 1},
		"odd":             {[]any{"width", 33, "height", 17, "mode", "stretch"}, 33, 17},
	} {
		for _, format := range []string{"png", "jpeg", "gif"} {
			m, b := picture(t, "Resize", append(c.input, "data", packed(t, quarters(100, 50), format), "fileName", "a."+format)...)
			require.Equal(t, stdimage.Pt(c.width, c.height), m.Bounds().Size(), name)
			require.Equal(t, format, b.Get("format"))
			if c.width > 1 {
				requireColors(t, m, red, green, blue, white)
			}
		}
	}
	m, b := picture(t, "Resize", "data", webpFile(t), "width", 3, "fileName", "a.b.webp")
	requireColors(t, m, clear)
	require.Equal(t, []any{"png", "a.b.png"}, []any{b.Get("format"), b.Get("fileName")})
	average, _ := picture(t, "Resize", "data", packed(t, quarters(100, 50), "png"), "width", 1)
	requireColors(t, average, color.NRGBA{R: 128, G: 128, B: 128, A: 255})
	for _, input := range [][]any{{}, {"width", 0}, {"width", -1}} {
		result := run(t, image.Config{}, "Resize", append(input, "data", packed(t, quarters(4, 4), "png"))...)
		require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
	}
}

func TestCropCutsAPartOut(t *testing.T) {
	t.Parallel()
	data := packed(t, quarters(40, 20), "png")
	for _, c := range []struct {
		x, y, width, height int
		size                stdimage.Point
		want                color.NRGBA
	}{
		{0, 0, 10, 5, stdimage.Pt(10, 5), red}, {20, 0, 20, 10, stdimage.Pt(20, 10), green}, {30, 15, 100, 100, stdimage.Pt(10, 5), white},
		{0, 10, 20, 1 << 40, stdimage.Pt(20, 10), blue},
	} {
		m, _ := picture(t, "Crop", "data", data, "x", c.x, "y", c.y, "width", c.width, "height", c.height)
		require.Equal(t, c.size, m.Bounds().Size())
		requireColors(t, m, c.want, c.want, c.want, c.want)
	}
	require.Equal(t, connector.DataError, connector.TypeOf(run(t, image.Config{}, "Crop", "data", data, "x", 40, "width", 1, "height", 1).Err))
	require.Equal(t, connector.BundleValidationError, connector.TypeOf(run(t, image.Config{}, "Crop", "data", data, "x", -1, "width", 1, "height", 1).Err))
}

func TestWhatIsNoImageIsADataError(t *testing.T) {
	t.Parallel()
	whole := packed(t, quarters(40, 20), "jpeg")
	for name, data := range map[string][]byte{
		"text": []byte("hidden-words"), "cut": whole[:len(whole)/2], "head": packed(t, quarters(4, 4), "png")[:20], "svg": []byte("<svg/>"),
		"magic only": []byte("\x89PNG\r\n\x1a\n"), "riff": []byte("RIFF\x00\x00\x00\x00WEBPVP8 hidden-words"), "gif": []byte("GIF89a"),
	} {
		result := run(t, image.Config{}, "Convert", "data", data, "format", "png")
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), name)
		require.NotContains(t, result.Err.Error(), "hidden")
	}
	require.Equal(t, connector.BundleValidationError, connector.TypeOf(run(t, image.Config{}, "Convert", "format", "png").Err))
}

func TestImagesThatAreTooMuchAreRefused(t *testing.T) {
	t.Parallel()
	small := image.Config{MaxBytes: 10_000, MaxPixels: 1000, MaxWidth: 100, MaxHeight: 50}
	bomb := packed(t, quarters(4, 4), "png")
	binary.BigEndian.PutUint32(bomb[16:], 50_000)
	binary.BigEndian.PutUint32(bomb[20:], 50_000)
	fixed := packed(t, stdimage.NewGray(stdimage.Rect(0, 0, 2000, 2000)), "png") // 4 million pixels in few bytes
	scans := append(packed(t, quarters(4, 4), "jpeg"), bytes.Repeat([]byte{0xff, 0xda}, 300)...)
	for part, c := range map[string]struct {
		data []byte
		kind connector.ErrorType
	}{
		"larger than 10000 bytes": {make([]byte, 10_001), connector.MaxFileSizeExceededError},
		"no png image":            {bomb, connector.DataError}, // its checksum is wrong now
		"are more than 1000":      {fixed, connector.DataError},
		"scans":                   {scans, connector.DataError},
	} {
		for _, name := range []string{"ExtractMetadata", "Convert", "Resize", "Crop"} {
			result := run(t, small, name, "data", c.data, "format", "png", "width", 1, "height", 1)
			require.Equal(t, c.kind, connector.TypeOf(result.Err), part)
			require.ErrorContains(t, result.Err, part)
		}
	}
	for _, size := range [][]any{{"width", 101}, {"height", 51}, {"width", 1 << 40, "height", 1, "mode", "stretch"}, {"height", 1 << 50}} {
		result := run(t, small, "Resize", append(size, "data", packed(t, quarters(20, 20), "png"))...)
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err))
		require.ErrorContains(t, result.Err, "is larger than 100 times 50")
	}
}

func TestLongThinImageNeedsNoMoreMemoryThanItsPixels(t *testing.T) {
	t.Parallel()
	long := packed(t, stdimage.NewGray(stdimage.Rect(0, 0, 1, 300_000)), "png")
	m, _ := picture(t, "Resize", "data", long, "width", 2000, "height", 1000, "mode", "stretch")
	require.Equal(t, stdimage.Pt(2000, 1000), m.Bounds().Size())
}

func TestResizeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, m := range image.New(image.Config{}).Modules() {
		result := connectortest.RunContext(ctx, t, m, connectortest.Call{Input: connector.NewBundle("data", packed(t, quarters(4, 4), "png"), "format", "png", "width", 2, "height", 2)})
		require.ErrorIs(t, result.Err, context.Canceled)
	}
}

func FuzzImage(f *testing.F) {
	for _, format := range []string{"png", "jpeg", "gif", "bmp"} {
		f.Add(packed(f, quarters(8, 8), format), 3, 5, "fill")
	}
	f.Add(webpFile(f), 1, 1, "fit")
	f.Add(turned(f, quarters(16, 8), 6, binary.LittleEndian), 2, 0, "stretch")
	config := image.Config{MaxBytes: 10_000, MaxPixels: 10_000, MaxWidth: 100, MaxHeight: 100}
	f.Fuzz(func(t *testing.T, data []byte, width, height int, mode string) {
		for _, name := range []string{"ExtractMetadata", "Resize", "Crop"} {
			result := run(t, config, name, "data", data, "width", width, "height", height, "x", width/2, "mode", mode)
			if result.Err != nil {
				require.Contains(t, []connector.ErrorType{connector.DataError, connector.BundleValidationError, connector.MaxFileSizeExceededError},
					connector.TypeOf(result.Err), result.Err)
			}
		}
	})
}

func BenchmarkResize(b *testing.B) {
	data := packed(b, quarters(2000, 1500), "jpeg")
	b.ReportAllocs()
	for b.Loop() {
		run(b, image.Config{}, "Resize", "data", data, "width", 640)
	}
}

func Example() {
	var photo bytes.Buffer
	if err := png.Encode(&photo, quarters(1600, 900)); err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range image.New(image.Config{}).Modules() {
		if m.Info().Name != "Resize" {
			continue
		}
		call := &connector.Call{Input: connector.NewBundle("data", photo.Bytes(), "fileName", "photo.png", "width", 320, "height", 320)}
		small, err := m.(connector.Action).Do(context.Background(), call)
		fmt.Println(small.Get("fileName"), small.Get("mimeType"), small.Get("width"), small.Get("height"), err)
	}
	// Output:
	// photo.png image/png 320 180 <nil>
}
