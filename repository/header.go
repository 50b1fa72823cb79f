package repository

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A blob is a header of headerSize bytes, big-endian, and the content:
//
//	0  magic   8 bytes, "PASRBLOB"
//	8  version 4 bytes, 1
//	12 key id  4 bytes, the encryption key of the content; 0 = clear
//	16 length  8 bytes, of the content in clear
//
// The version and the key id are there so that encryption per record comes
// without a migration (design §5).
const (
	magic         = "PASRBLOB"
	headerSize    = 24
	formatVersion = 1
	clearKey      = 0
)

// newHeader is the header of a clear content.
func newHeader(length int64) []byte {
	h := append(make([]byte, 0, headerSize), magic...)
	h = binary.BigEndian.AppendUint32(h, formatVersion)
	h = binary.BigEndian.AppendUint32(h, clearKey)
	return binary.BigEndian.AppendUint64(h, uint64(length))
}

// readHeader reads the header of a blob and returns the length of its content.
func readHeader(r io.Reader) (length int64, err error) {
	var h [headerSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, fmt.Errorf("%w: no header", ErrCorrupt)
		}
		return 0, err
	}
	if string(h[:8]) != magic {
		return 0, fmt.Errorf("%w: magic", ErrCorrupt)
	}
	if v := binary.BigEndian.Uint32(h[8:]); v != formatVersion {
		return 0, fmt.Errorf("%w: format version %d", ErrCorrupt, v)
	}
	if id := binary.BigEndian.Uint32(h[12:]); id != clearKey {
		return 0, fmt.Errorf("%w: key id %d unknown", ErrCorrupt, id)
	}
	return int64(binary.BigEndian.Uint64(h[16:])), nil
}
