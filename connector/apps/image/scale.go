package image

import (
	"context"
	"image"

	"golang.org/x/image/draw"
)

// scaled makes an image of a part of another one. It needs memory for the result and for one of up to twice its width and height,
// however large the part is: the kernels of golang.org/x/image/draw would need 32 bytes for each column of the result in each row of
// the part.
func scaled(ctx context.Context, from image.Image, part image.Rectangle, width, height int) (image.Image, error) {
	across, down := max(1, part.Dx()/width), max(1, part.Dy()/height)
	if across > 1 || down > 1 {
		smaller, err := averaged(ctx, from, part, part.Dx()/across, part.Dy()/down)
		if err != nil {
			return nil, err
		}
		from, part = smaller, smaller.Rect
	}
	result := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.ApproxBiLinear.Scale(result, result.Rect, from, part, draw.Src, nil)
	return result, nil
}

// averaged makes a smaller image whose pixels are the averages of the pixels that they stand for.
func averaged(ctx context.Context, from image.Image, part image.Rectangle, width, height int) (*image.RGBA, error) {
	result := image.NewRGBA(image.Rect(0, 0, width, height))
	line := image.NewRGBA(image.Rect(0, 0, part.Dx(), 1))
	columns := make([]int, part.Dx()) // of the result, times 4
	for x := range columns {
		columns[x] = x * width / part.Dx() * 4
	}
	sums := make([]uint64, width*4)
	counts := make([]uint64, width)
	for y := range part.Dy() {
		if y%64 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		draw.Draw(line, line.Rect, from, image.Pt(part.Min.X, part.Min.Y+y), draw.Src)
		for x, column := range columns {
			for i := range 4 {
				sums[column+i] += uint64(line.Pix[x*4+i])
			}
			counts[column/4]++
		}
		row := y * height / part.Dy()
		if (y+1)*height/part.Dy() == row {
			continue
		}
		pixels := result.Pix[result.PixOffset(0, row):]
		for i, sum := range sums {
			pixels[i] = uint8((sum + counts[i/4]/2) / counts[i/4])
		}
		clear(sums)
		clear(counts)
	}
	return result, nil
}
