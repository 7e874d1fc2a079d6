package image

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/draw"
)

// orientation is what the Exif data of a JPEG say of how it is to be turned (Exif 2.32, section 4.6.4): 1 to 8. It is 1, which is
// upright, when they do not say or cannot be read.
func orientation(data []byte) int {
	for rest := data[2:]; len(rest) >= 4 && rest[0] == 0xff; {
		marker, size := rest[1], int(binary.BigEndian.Uint16(rest[2:]))
		if marker == 0xda || size < 2 || len(rest) < 2+size {
			break // the picture begins, or nothing that can be read
		}
		if segment := rest[4 : 2+size]; marker == 0xe1 && bytes.HasPrefix(segment, []byte("Exif\x00\x00")) {
			return tiffOrientation(segment[6:])
		}
		rest = rest[2+size:]
	}
	return 1
}

// tiffOrientation looks for the tag in the first directory of a TIFF structure.
func tiffOrientation(tiff []byte) int {
	var order binary.ByteOrder = binary.BigEndian
	if len(tiff) < 8 {
		return 1
	}
	if bytes.HasPrefix(tiff, []byte("II")) {
		order = binary.LittleEndian
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			break
		}
		const tag, short = 0x0112, 3
		if order.Uint16(entries) == tag && order.Uint16(entries[2:]) == short {
			if value := int(order.Uint16(entries[8:])); value >= 1 && value <= 8 {
				return value
			}
			break
		}
		entries = entries[12:]
	}
	return 1
}

// upright turns an image by its orientation.
func upright(from image.Image, orientation int) image.Image {
	if orientation == 1 {
		return from
	}
	size := from.Bounds().Size()
	flat := image.NewNRGBA(image.Rectangle{Max: size})
	draw.Draw(flat, flat.Rect, from, from.Bounds().Min, draw.Src)
	width, height := size.X, size.Y
	if orientation > 4 {
		width, height = height, width
	}
	turned := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			fromX, fromY := x, y
			if orientation > 4 {
				fromX, fromY = y, x
			}
			// 2 and 3 mirror the columns, 3 and 4 the rows; 5 to 8 do so after rows and columns have changed places.
			switch orientation {
			case 2, 3, 7, 8:
				fromX = size.X - 1 - fromX
			}
			switch orientation {
			case 3, 4, 6, 7:
				fromY = size.Y - 1 - fromY
			}
			copy(turned.Pix[turned.PixOffset(x, y):], flat.Pix[flat.PixOffset(fromX, fromY):][:4])
		}
	}
	return turned
}
