package xds

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strconv"
	"strings"
)

var partText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// PartID names something that documents of a record tell, a vaccination or a measure:
// the record, which a request by id must be able to name, and a digest of what tells it
// apart. 52 characters, opaque, a FHIR id; "" when the record is none.
func PartID(record string, apart ...string) string {
	bare, err := hex.DecodeString(strings.ReplaceAll(record, "-", ""))
	if err != nil || len(bare) != 16 {
		return ""
	}
	sum := sha256.New()
	for _, part := range append([]string{record}, apart...) {
		sum.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return partText.EncodeToString(append(bare, sum.Sum(nil)[:16]...))
}

// RecordOfPart is the record of a PartID; "" for what is none.
func RecordOfPart(id string) string {
	raw, err := partText.DecodeString(id)
	if err != nil || len(raw) != 32 || partText.EncodeToString(raw) != id {
		return ""
	}
	h := hex.EncodeToString(raw[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
