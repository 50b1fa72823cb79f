package soap

import (
	"errors"
	"net"
	"net/http"
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Limits bound one message, in bytes unless said otherwise (design §5).
type Limits struct {
	Root       int64 // the envelope
	Part       int64 // one document, decoded
	Total      int64 // the whole HTTP body
	Parts      int   // parts beside the envelope: documents + 16
	PartHeader int   // the header of one part
	Early      int64 // together, parts held in memory: before the envelope, or before a token of the header
	Token      int64 // together, parts put back into the security header

	XML      xmlgate.Limits // the envelope
	Security xmlgate.Limits // soap:Header
}

// DefaultLimits are the stated limits of the product: 4 MiB of envelope, 1 GiB a
// document, 250 documents.
func DefaultLimits() Limits {
	return Limits{
		Root: 4 << 20, Part: 1 << 30, Total: 4 << 30, Parts: 250 + 16,
		PartHeader: 8 << 10, Early: 64 << 10, Token: 64 << 10,
		XML: xmlgate.Envelope(), Security: xmlgate.Security(),
	}
}

// AnswerLimits are DefaultLimits for the answers that a client reads: 2 000 whole
// objects, the most that a stored query gives, take more than a submission may.
func AnswerLimits() Limits {
	l := DefaultLimits()
	l.Root, l.Parts = 64<<20, 1000
	l.XML.Elements, l.XML.Namespaces = 2_000_000, 1_000_000
	return l
}

// tooLarge is the finding of a size beyond its limit; size is what is known of
// it, -1 when the limit was all that was read.
func tooLarge(where string, size, limit int64) *xds.Error {
	found := "plus de " + bytesText(limit)
	if size > limit {
		found = bytesText(size)
	}
	return &xds.Error{ID: "SOAP-008", Where: where, Found: found, Expected: "au plus " + bytesText(limit)}
}

func bytesText(n int64) string {
	for _, unit := range []struct {
		size int64
		name string
	}{{1 << 30, "Gio"}, {1 << 20, "Mio"}, {1 << 10, "Kio"}} {
		if n >= unit.size && n%unit.size == 0 {
			return strconv.FormatInt(n/unit.size, 10) + " " + unit.name
		}
	}
	return strconv.FormatInt(n, 10) + " octets"
}

// readFailure names why a body could not be read, without what Go says of it.
func readFailure(id string, err error) *xds.Error {
	var tooBig *http.MaxBytesError
	var network net.Error
	switch {
	case errors.As(err, &tooBig):
		return tooLarge("HTTP", -1, tooBig.Limit)
	case errors.As(err, &network) && network.Timeout():
		return xds.Found("SOAP-010", "HTTP", "délai dépassé", "le message entier")
	}
	return xds.Found(id, "HTTP", "corps interrompu", "le message entier")
}
