package xds_test

import (
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// FuzzHL7 reads any text as each HL7 v2 type of the metadata: no panic; a component is a
// part of the text without separators; a valid patient identifier is exactly what its
// three components say, so that no other text can pass for it.
func FuzzHL7(f *testing.F) {
	for _, seed := range []string{
		"279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH", "1^^^&1.2&ISO", "", "^", "^^^^", "^^^&&", "1^^^a&1.2&ISO", `1\T\2^^^&1.2&ISO`, "1~2^^^&1.2&ISO", "1^^^&1.2&ISO^NH^x",
		"899900000011^DURAND^Alice^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS", "CHU^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1590000001", "&&&&", "é^\u200b^\x00",
		"urn:uuid:00000000-0000-0000-0000-000000000000", "1.2.03", "0.1", strings.Repeat("1.", 40) + "1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		cx, xcn, xon := xds.CX(s), xds.XCN(s), xds.XON(s)
		for _, part := range []string{cx.ID(), cx.Authority(), cx.Type(), xcn.ID(), xcn.Family(), xcn.Given(), xcn.Authority(), xon.Name(), xon.ID(), xon.Authority()} {
			if strings.Contains(part, "^") || !strings.Contains(s, part) {
				t.Fatalf("%q has the component %q", s, part)
			}
		}
		if strings.Contains(cx.Authority(), "&") {
			t.Fatalf("authority %q", cx.Authority())
		}
		if cx.Valid() {
			if whole := xds.NewCX(cx.ID(), cx.Authority(), cx.Type()); whole != cx {
				t.Fatalf("%q is valid and is not %q", cx, whole)
			}
			if !cx.Same(cx.Key()) || !cx.Key().Valid() || !xds.IsOID(cx.Authority()) || strings.ContainsAny(cx.ID(), `^&~\| `) {
				t.Fatalf("%q is valid and is not its key %q", cx, cx.Key())
			}
		}
		if xds.IsOID(s) && (len(s) > 64 || strings.Trim(s, "0123456789.") != "" || strings.Contains(s, "..")) {
			t.Fatalf("OID %q", s)
		}
		if xds.IsUUID(s) && (len(s) != 45 || strings.ToLower(s) != s) {
			t.Fatalf("UUID %q", s)
		}
		if shown := xds.Shorten(s); len(shown) > 120*3+3 || strings.ContainsAny(shown, "\x00\n\r\t\x7f") {
			t.Fatalf("shortened to %q", shown)
		}
	})
}

// FuzzDTM: what is accepted is digits alone, in the order of time, and covers at least a
// second and at most a leap year.
func FuzzDTM(f *testing.F) {
	for _, seed := range []string{"2026", "202601", "20260131", "2026013112", "202601311200", "20260131120000", "", "0000", "20260230", "20261301", "20260131250000",
		"2026-01-31", "20260131120000+0100", "+026", " 2026", "２０２６", "99991231235959", "20240229", "20160131235960"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		from, to, err := xds.DTM(s).Range()
		if err != nil {
			if err.Error() == "" || !xds.DTM(s).Start().IsZero() {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if strings.Trim(s, "0123456789") != "" || len(s)%2 != 0 || len(s) < 4 || len(s) > 14 {
			t.Fatalf("%q is accepted", s)
		}
		if covers := to.Sub(from); covers < time.Second || covers > 366*24*time.Hour || from.Location() != time.UTC {
			t.Fatalf("%q covers %v from %v", s, covers, from)
		}
		if whole := xds.NewDTM(from); !strings.HasPrefix(string(whole), s) {
			t.Fatalf("%q begins at %s", s, whole)
		}
	})
}
