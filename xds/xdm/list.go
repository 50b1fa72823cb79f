package xdm

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/xds"
)

// list reads the list of files of a zip and judges it before any of them is unpacked.
func list(r io.ReaderAt, size int64) ([]*zip.File, xds.Errors) {
	if e := directory(r, size); e != nil {
		return nil, xds.Errors{e}
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, xds.Errors{{ID: "XDM-001", Where: "archive", Expected: "un fichier ZIP entier"}}
	}
	var found xds.Errors
	if len(z.File) > MaxEntries {
		return nil, xds.Errors{tooMany(len(z.File))}
	}
	seen, total := map[string]bool{}, uint64(0)
	for _, f := range z.File {
		if e := judge(f); e != nil {
			found.Add(e)
			continue
		}
		key := strings.ToUpper(strings.TrimSuffix(f.Name, "/"))
		if seen[key] {
			found.Add(&xds.Error{ID: "XDM-003", Where: xds.Shorten(f.Name), Expected: "un seul fichier de ce nom, majuscules et minuscules confondues"})
		}
		seen[key] = true
		total += f.UncompressedSize64
	}
	if total > MaxTotal {
		found.Add(&xds.Error{ID: "XDM-002", Where: "archive", Found: strconv.FormatUint(total, 10) + " octets dépliés", Expected: "4 Gio au plus"})
	}
	if !found.Failed() && overlap(z.File, size) {
		found.Add(&xds.Error{ID: "XDM-001", Where: "archive", Expected: "des fichiers qui ne se recouvrent pas"})
	}
	return z.File, found
}

func tooMany(n int) *xds.Error {
	return &xds.Error{ID: "XDM-002", Where: "archive", Found: strconv.Itoa(n) + " fichiers", Expected: "au plus " + strconv.Itoa(MaxEntries)}
}

// directory looks at the end record of a zip before archive/zip reads the list of files
// that it announces, whose size it does not bound. Zip64 is not taken: nothing within
// our bounds needs it.
func directory(r io.ReaderAt, size int64) *xds.Error {
	if size > MaxArchive {
		return &xds.Error{ID: "XDM-002", Where: "archive", Found: strconv.FormatInt(size, 10) + " octets", Expected: "2 Gio au plus"}
	}
	const length, comment, locator = 22, 1<<16 - 1, 20
	tail := make([]byte, min(size, length+comment+locator))
	if _, err := io.ReadFull(io.NewSectionReader(r, size-int64(len(tail)), int64(len(tail))), tail); err != nil {
		return &xds.Error{ID: "XDM-001", Where: "archive", Expected: "un fichier lisible"}
	}
	at := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if at < 0 || at+length > len(tail) || at+length+int(binary.LittleEndian.Uint16(tail[at+20:])) != len(tail) {
		return &xds.Error{ID: "XDM-001", Where: "archive", Expected: "un fichier ZIP entier : sa fin manque, ou autre chose la suit"}
	}
	if at >= locator && bytes.Equal(tail[at-locator:at-locator+4], []byte("PK\x06\x07")) {
		return &xds.Error{ID: "XDM-002", Where: "archive", Found: "ZIP64", Expected: "un ZIP simple"}
	}
	if n := int(binary.LittleEndian.Uint16(tail[at+10:])); n > MaxEntries {
		return tooMany(n)
	}
	if n := binary.LittleEndian.Uint32(tail[at+12:]); n > MaxDirectory {
		return &xds.Error{ID: "XDM-002", Where: "archive", Found: fmt.Sprintf("une liste de %d octets", n), Expected: "1 Mio au plus"}
	}
	return nil
}

// judge looks at one file of the list.
func judge(f *zip.File) *xds.Error {
	refuse := func(id, found, expected string) *xds.Error {
		return &xds.Error{ID: id, Where: xds.Shorten(f.Name), Found: found, Expected: expected}
	}
	const encrypted = 1
	switch mode := f.Mode(); {
	case !sound(strings.TrimSuffix(f.Name, "/")):
		return refuse("XDM-003", "", "un chemin relatif, sans .., \\, : ni caractère de contrôle, de 255 octets au plus")
	case !mode.IsDir() && !mode.IsRegular():
		return refuse("XDM-003", mode.Type().String(), "des fichiers et des dossiers ordinaires")
	case f.Flags&encrypted != 0:
		return refuse("XDM-001", "chiffré", "un fichier en clair dans l'archive")
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return refuse("XDM-001", fmt.Sprintf("méthode %d", f.Method), "stored ou deflate")
	case f.UncompressedSize64 > MaxDocument:
		return refuse("XDM-002", strconv.FormatUint(f.UncompressedSize64, 10)+" octets", "1 Gio au plus")
	case f.UncompressedSize64 > 1<<20 && f.UncompressedSize64/MaxRatio > f.CompressedSize64:
		return refuse("XDM-002", "déplié plus de "+strconv.Itoa(MaxRatio)+" fois", "une compression ordinaire")
	}
	return nil
}

// sound tells a relative path that stays where it is, on every system.
func sound(name string) bool {
	if name == "" || len(name) > 255 || !utf8.ValidString(name) || strings.ContainsAny(name, `\:`) || strings.ContainsFunc(name, unicode.IsControl) {
		return false
	}
	for _, step := range strings.Split(name, "/") {
		if step == "" || step == "." || step == ".." || strings.HasSuffix(step, ".") || strings.HasSuffix(step, " ") {
			return false
		}
	}
	return true
}

// overlap tells whether two files share bytes of the archive, or one lies beyond it.
func overlap(files []*zip.File, size int64) bool {
	type span struct{ from, to int64 }
	var spans []span
	for _, f := range files {
		from, err := f.DataOffset()
		if err != nil || f.CompressedSize64 > uint64(size) || from+int64(f.CompressedSize64) > size { //nolint:gosec // just compared
			return true
		}
		if f.CompressedSize64 > 0 {
			spans = append(spans, span{from, from + int64(f.CompressedSize64)}) //nolint:gosec // just compared
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return int(a.from - b.from) })
	for i := 1; i < len(spans); i++ {
		if spans[i].from < spans[i-1].to {
			return true
		}
	}
	return false
}
