package trust

import (
	"crypto/x509"
	"encoding/asn1"
	"regexp"
)

// nationalID is the shape of a PS_IdNat: a digit for the kind of number (0 ADELI,
// 8 RPPS, 3, 5 and others for staff of a structure), then the number itself, for
// staff with the number of the structure before a slash.
var nationalID = regexp.MustCompile(`^[0-9][0-9A-Z]{7,31}(/[0-9A-Z]{1,31})?$`)

// Attributes of a subject that may carry the national id.
var (
	oidCommonName = asn1.ObjectIdentifier{2, 5, 4, 3} // where the IGC-Santé writes it
	oidSerial     = asn1.ObjectIdentifier{2, 5, 4, 5}
	oidUserID     = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}
)

// Holder is the national id (PS_IdNat) of the person that a card's certificate
// names: the CN of the subject, as the IGC-Santé writes it, or its serialNumber or
// UID, where other authorities do. "" when there is none, or two that differ.
func Holder(c *x509.Certificate) string {
	found := ""
	for _, a := range c.Subject.Names {
		if !a.Type.Equal(oidCommonName) && !a.Type.Equal(oidSerial) && !a.Type.Equal(oidUserID) {
			continue
		}
		value, ok := a.Value.(string)
		if !ok || !nationalID.MatchString(value) {
			continue
		}
		if found != "" && found != value {
			return ""
		}
		found = value
	}
	return found
}
