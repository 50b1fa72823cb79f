package registry

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/passerelle-sante/passerelle/xds"
)

// The payload columns hold a whole object in a compact form: a version byte, then
// (attribute, value) pairs in the order of xds.Attribute. A new attribute needs no
// migration; one that this binary does not know is an error, never dropped.
const payloadVersion = 1

// carrier is what has attributes: an entry, a set or a folder.
type carrier interface{ At(xds.Attribute) any }

// encode writes all attributes of an object and its extra slots.
func encode(c carrier, extras []xds.Extra) []byte {
	b := []byte{payloadVersion}
	for a := xds.NoAttribute + 1; a < xds.AttributeCount; a++ {
		b = appendValue(b, a, c.At(a))
	}
	b = binary.AppendUvarint(b, 0)
	b = binary.AppendUvarint(b, uint64(len(extras)))
	for _, x := range extras {
		b = appendText(b, x.Name)
		b = appendTexts(b, x.Values)
	}
	return b
}

// appendValue writes one attribute unless it is absent.
func appendValue(b []byte, a xds.Attribute, at any) []byte {
	key := func() { b = binary.AppendUvarint(b, uint64(a)) }
	switch p := at.(type) {
	case nil:
	case *xds.Code:
		if !p.IsZero() {
			key()
			b = appendCode(b, *p)
		}
	case *[]xds.Code:
		if len(*p) > 0 {
			key()
			b = binary.AppendUvarint(b, uint64(len(*p)))
			for _, c := range *p {
				b = appendCode(b, c)
			}
		}
	case *[]xds.Author:
		if len(*p) > 0 {
			key()
			b = binary.AppendUvarint(b, uint64(len(*p)))
			for _, author := range *p {
				b = appendAuthor(b, author)
			}
		}
	case *int:
		if *p != 0 {
			key()
			b = binary.AppendUvarint(b, uint64(*p))
		}
	case *int64:
		if *p != 0 {
			key()
			b = binary.AppendUvarint(b, uint64(*p))
		}
	case *[]string:
		if len(*p) > 0 {
			key()
			b = appendTexts(b, *p)
		}
	default:
		if s := textAt(at); s != nil && *s != "" {
			key()
			b = appendText(b, *s)
		}
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTexts(b []byte, values []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(values)))
	for _, v := range values {
		b = appendText(b, v)
	}
	return b
}

func appendCode(b []byte, c xds.Code) []byte {
	return appendText(appendText(appendText(b, c.Value), c.Scheme), c.Display)
}

func appendAuthor(b []byte, a xds.Author) []byte {
	b = appendText(b, string(a.Person))
	b = binary.AppendUvarint(b, uint64(len(a.Institutions)))
	for _, i := range a.Institutions {
		b = appendText(b, string(i))
	}
	return appendTexts(appendTexts(appendTexts(b, a.Roles), a.Specialties), a.Telecoms)
}

// textAt is the string field behind an attribute, whatever its type.
func textAt(at any) *string {
	switch p := at.(type) {
	case *string:
		return p
	case *xds.Status:
		return (*string)(p)
	case *xds.CX:
		return (*string)(p)
	case *xds.XCN:
		return (*string)(p)
	case *xds.DTM:
		return (*string)(p)
	default:
		return nil
	}
}

// decode reads what encode wrote into an object.
func decode(payload []byte, c carrier, extras *[]xds.Extra) error {
	r := reader{rest: string(payload)}
	if v := r.byte(); v != payloadVersion {
		return fmt.Errorf("payload version %d", v)
	}
	for {
		a := xds.Attribute(r.number())
		if a == xds.NoAttribute || r.failed {
			break
		}
		if a >= xds.AttributeCount || c.At(a) == nil {
			return fmt.Errorf("payload attribute %d", a)
		}
		r.value(c.At(a))
	}
	for range r.count() {
		*extras = append(*extras, xds.Extra{Name: r.text(), Values: r.texts()})
	}
	if r.failed || len(r.rest) != 0 {
		return fmt.Errorf("payload truncated or overlong")
	}
	return nil
}

// reader consumes a payload; once something is missing it stays failed. The texts
// that it gives share the memory of the payload.
type reader struct {
	rest   string
	failed bool
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.failed = true
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) number() uint64 {
	var n uint64
	for i := range min(len(r.rest), binary.MaxVarintLen64) {
		b := r.rest[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.rest = r.rest[i+1:]
			return n
		}
	}
	r.failed, r.rest = true, ""
	return 0
}

// count is a number of things that each take at least one byte.
func (r *reader) count() int {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.failed, r.rest = true, ""
		return 0
	}
	return int(n)
}

func (r *reader) text() string {
	n := r.count()
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) texts() []string {
	n := r.count()
	if n == 0 {
		return nil
	}
	values := make([]string, 0, n)
	for range n {
		values = append(values, r.text())
	}
	return values
}

func (r *reader) code() xds.Code {
	return xds.Code{Value: r.text(), Scheme: r.text(), Display: r.text()}
}

func (r *reader) author() xds.Author {
	a := xds.Author{Person: xds.XCN(r.text())}
	for range r.count() {
		a.Institutions = append(a.Institutions, xds.XON(r.text()))
	}
	a.Roles, a.Specialties, a.Telecoms = r.texts(), r.texts(), r.texts()
	return a
}

func (r *reader) value(at any) {
	switch p := at.(type) {
	case *xds.Code:
		*p = r.code()
	case *[]xds.Code:
		for range r.count() {
			*p = append(*p, r.code())
		}
	case *[]xds.Author:
		for range r.count() {
			*p = append(*p, r.author())
		}
	case *int:
		*p = int(r.number())
	case *int64:
		*p = int64(r.number())
	case *[]string:
		*p = r.texts()
	default:
		*textAt(at) = r.text()
	}
}

// encodeAssociation and decodeAssociation carry what the columns do not hold.
func encodeAssociation(a xds.Association) []byte {
	b := appendText([]byte{payloadVersion}, a.SetStatus)
	b = binary.AppendUvarint(b, uint64(len(a.Documentation)))
	for _, c := range a.Documentation {
		b = appendCode(b, c)
	}
	b = binary.AppendUvarint(b, uint64(len(a.Extras)))
	for _, x := range a.Extras {
		b = appendTexts(appendText(b, x.Name), x.Values)
	}
	return b
}

func decodeAssociation(payload []byte, a *xds.Association) error {
	r := reader{rest: string(payload)}
	if v := r.byte(); v != payloadVersion {
		return fmt.Errorf("association payload version %d", v)
	}
	a.SetStatus = r.text()
	for range r.count() {
		a.Documentation = append(a.Documentation, r.code())
	}
	for range r.count() {
		a.Extras = append(a.Extras, xds.Extra{Name: r.text(), Values: r.texts()})
	}
	if r.failed {
		return errors.New("association payload truncated")
	}
	return nil
}
