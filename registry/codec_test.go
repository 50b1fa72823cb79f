package registry

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/passerelle-sante/passerelle/xds"
)

// draw fills what an At pointer points to.
func draw(r *rapid.T, at any, name string) {
	some := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "^^", "é", "\x00", "urn:uuid:x"}))
	texts := rapid.SliceOfN(some, 0, 3)
	code := rapid.Custom(func(r *rapid.T) xds.Code {
		return xds.Code{Value: some.Draw(r, "code"), Scheme: some.Draw(r, "scheme"), Display: some.Draw(r, "display")}
	})
	switch p := at.(type) {
	case nil:
	case *xds.Code:
		*p = code.Draw(r, name)
	case *[]xds.Code:
		*p = rapid.SliceOfN(code, 0, 3).Draw(r, name)
	case *[]string:
		*p = texts.Draw(r, name)
	case *int:
		*p = rapid.IntMin(0).Draw(r, name)
	case *int64:
		*p = rapid.Int64Min(0).Draw(r, name)
	case *[]xds.Author:
		*p = rapid.SliceOfN(rapid.Custom(func(r *rapid.T) xds.Author {
			a := xds.Author{Person: xds.XCN(some.Draw(r, "person")), Roles: texts.Draw(r, "roles"), Specialties: texts.Draw(r, "specialties"), Telecoms: texts.Draw(r, "telecoms")}
			for _, i := range texts.Draw(r, "institutions") {
				a.Institutions = append(a.Institutions, xds.XON(i))
			}
			return a
		}), 0, 3).Draw(r, name)
	default:
		*textAt(at) = some.Draw(r, name)
	}
}

func drawExtras(r *rapid.T) []xds.Extra {
	return rapid.SliceOfN(rapid.Custom(func(r *rapid.T) xds.Extra {
		return xds.Extra{Name: rapid.String().Draw(r, "slot"), Values: rapid.SliceOfN(rapid.String(), 0, 3).Draw(r, "values")}
	}), 0, 3).Draw(r, "extras")
}

// roundTrip stores an object of every attribute and reads it again; what is cut
// off anywhere is an error and never a panic.
func roundTrip[T any, P interface {
	*T
	carrier
}](t *testing.T, extras func(P) *[]xds.Extra) {
	rapid.Check(t, func(r *rapid.T) {
		var in T
		for a := xds.NoAttribute + 1; a < xds.AttributeCount; a++ {
			draw(r, P(&in).At(a), a.String())
		}
		*extras(&in) = drawExtras(r)
		payload := encode(P(&in), *extras(&in))
		var out T
		if err := decode(payload, P(&out), extras(&out)); err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(in, out, cmpopts.EquateEmpty()); diff != "" {
			r.Fatal(diff)
		}
		cut := rapid.IntRange(0, len(payload)-1).Draw(r, "cut")
		var part T
		if err := decode(payload[:cut], P(&part), extras(&part)); err == nil {
			r.Fatalf("the first %d of %d bytes decode", cut, len(payload))
		}
		var more T
		if err := decode(append(payload, 0), P(&more), extras(&more)); err == nil {
			r.Fatal("a byte too many decodes")
		}
	})
}

func TestPayloadRoundTrip(t *testing.T) {
	t.Run("DocumentEntry", func(t *testing.T) {
		roundTrip(t, func(d *xds.DocumentEntry) *[]xds.Extra { return &d.Extras })
	})
	t.Run("SubmissionSet", func(t *testing.T) {
		roundTrip(t, func(s *xds.SubmissionSet) *[]xds.Extra { return &s.Extras })
	})
	t.Run("Folder", func(t *testing.T) {
		roundTrip(t, func(f *xds.Folder) *[]xds.Extra { return &f.Extras })
	})
}

func TestAssociationRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		in := xds.Association{SetStatus: rapid.SampledFrom([]string{"", "Original", "Reference"}).Draw(r, "status"), Extras: drawExtras(r)}
		draw(r, &in.Documentation, "documentation")
		payload := encodeAssociation(in)
		var out xds.Association
		if err := decodeAssociation(payload, &out); err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(in, out, cmpopts.EquateEmpty()); diff != "" {
			r.Fatal(diff)
		}
		if err := decodeAssociation(payload[:rapid.IntRange(0, len(payload)-1).Draw(r, "cut")], &xds.Association{}); err == nil {
			r.Fatal("a truncated payload decodes")
		}
	})
}

// FuzzDecode: any bytes give a value or an error, and a value is written back as it was read.
func FuzzDecode(f *testing.F) {
	d := xds.DocumentEntry{Title: "CR", Version: 2, TypeCode: xds.Code{Value: "11502-2"}, Authors: []xds.Author{{Person: "1^A"}}, ReferenceIDs: []string{"x"}}
	f.Add(encode(&d, []xds.Extra{{Name: "urn:x", Values: []string{"y"}}}))
	f.Add([]byte{payloadVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{payloadVersion, byte(xds.AttrAuthor), 0xff, 0xff, 0x03})
	f.Add([]byte{payloadVersion, byte(xds.AttrSourceID), 0})
	f.Add([]byte{payloadVersion + 1, 0, 0})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		var first, second xds.DocumentEntry
		if decode(payload, &first, &first.Extras) != nil {
			return
		}
		if err := decode(encode(&first, first.Extras), &second, &second.Extras); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, second, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}

// An attribute of another kind of object, or of a newer binary, is an error: it
// must not be dropped in silence.
func TestUnknownPayload(t *testing.T) {
	for name, payload := range map[string][]byte{
		"an attribute of a set":    {payloadVersion, byte(xds.AttrSourceID), 1, 'x', 0, 0},
		"an attribute to come":     {payloadVersion, byte(xds.AttributeCount), 1, 'x', 0, 0},
		"another payload version":  {payloadVersion + 1, 0, 0},
		"more texts than bytes":    {payloadVersion, byte(xds.AttrReferenceIDs), 0x7f, 0},
		"a text beyond its end":    {payloadVersion, byte(xds.AttrTitle), 0x7f, 'x', 0, 0},
		"a number that never ends": {payloadVersion, byte(xds.AttrVersion), 0xff, 0xff},
		"nothing":                  {},
	} {
		var d xds.DocumentEntry
		if err := decode(payload, &d, &d.Extras); err == nil {
			t.Errorf("%s decodes to %+v", name, d)
		}
	}
}
