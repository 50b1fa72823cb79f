package repository

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A blob is a header, big-endian, and the content:
//
//	0  magic   8 bytes, "PASRBLOB"
//	8  version 4 bytes, 1 or 2
//	12 key id  4 bytes: the epoch of the record whose key the content is encrypted
//	           under; 0 = clear
//	16 length  8 bytes, of the content in clear
//	24 salt   16 bytes, in version 2 alone (cipher.go)
//
// Version 1 is clear; version 2 is encrypted.
const (
	magic        = "PASRBLOB"
	clearVersion = 1
	clearSize    = 24
	sealVersion  = 2
	saltSize     = 16
	sealSize     = clearSize + saltSize
)

// header is what a blob says of itself.
type header struct {
	epoch  int // 0 = clear
	length int64
	salt   [saltSize]byte
}

// bytes is the header as it is written.
func (h header) bytes() []byte {
	version := uint32(clearVersion)
	if h.epoch > 0 {
		version = sealVersion
	}
	b := append(make([]byte, 0, sealSize), magic...)
	b = binary.BigEndian.AppendUint32(b, version)
	b = binary.BigEndian.AppendUint32(b, uint32(h.epoch))
	b = binary.BigEndian.AppendUint64(b, uint64(h.length))
	if h.epoch > 0 {
		b = append(b, h.salt[:]...)
	}
	return b
}

// readHeader reads the header of a blob.
func readHeader(r io.Reader) (h header, err error) {
	var b [clearSize]byte
	if err := fully(r, b[:]); err != nil {
		return h, err
	}
	if string(b[:8]) != magic {
		return h, fmt.Errorf("%w: magic", ErrCorrupt)
	}
	version, id := binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:])
	h.epoch, h.length = int(id), int64(binary.BigEndian.Uint64(b[16:]))
	switch {
	case version != clearVersion && version != sealVersion:
		return h, fmt.Errorf("%w: format version %d", ErrCorrupt, version)
	case (version == sealVersion) != (id != 0):
		return h, fmt.Errorf("%w: key id %d in format version %d", ErrCorrupt, id, version)
	case version == sealVersion:
		return h, fully(r, h.salt[:])
	}
	return h, nil
}

func fully(r io.Reader, b []byte) error {
	if _, err := io.ReadFull(r, b); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: no header", ErrCorrupt)
	} else if err != nil {
		return err
	}
	return nil
}
