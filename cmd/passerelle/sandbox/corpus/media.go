package corpus

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"strings"
)

// pdf writes one A4 page of lines in Helvetica: PDF 1.4, no compression, a true
// cross-reference table (ISO 32000-1 7.5). Characters outside Latin-1 become ?.
func pdf(title string, lines ...string) *attachment {
	var page strings.Builder
	page.WriteString("BT /F1 14 Tf 56 780 Td (" + latin1(title) + ") Tj /F1 10 Tf 0 -28 Td 14 TL\n")
	for _, line := range lines {
		page.WriteString("(" + latin1(line) + ") Tj T*\n")
	}
	page.WriteString("ET")
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", page.Len(), page.String()),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n%\xE2\xE3\xCF\xD3\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return &attachment{"application/pdf", b.Bytes()}
}

// latin1 is a PDF literal string of one byte a character.
func latin1(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '(' || r == ')' || r == '\\':
			b.WriteByte('\\')
			b.WriteByte(byte(r))
		case r == '’':
			b.WriteByte('\'')
		case r > 0xFF || r < ' ':
			b.WriteByte('?')
		default:
			b.WriteByte(byte(r))
		}
	}
	return b.String()
}

// radiograph draws what a scanned wrist film could look like: two bright shafts
// on a dark ground, a thin line across one of them.
func radiograph() *attachment {
	const width, height = 160, 220
	film := image.NewGray(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			light := 26.0
			for _, bone := range []struct{ centre, half float64 }{{58, 15}, {104, 11}} {
				middle := bone.centre + 6*math.Sin(float64(y)/70)
				if d := math.Abs(float64(x)-middle) / bone.half; d < 1 {
					light = 90 + 120*d*d // cortical bone is brighter than marrow
				}
			}
			if y > 138 && y < 141 && x > 44 && x < 74 {
				light = 60
			}
			film.SetGray(x, y, color.Gray{Y: uint8(light)})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, film, &jpeg.Options{Quality: 80}); err != nil {
		return &attachment{"image/jpeg", nil} // cannot be: a buffer does not fail; the tests decode the image
	}
	return &attachment{"image/jpeg", b.Bytes()}
}

// plain is a text typed by hand.
func plain(lines ...string) *attachment {
	return &attachment{"text/plain", []byte(strings.Join(lines, "\n") + "\n")}
}
