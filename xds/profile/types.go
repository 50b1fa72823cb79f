package profile

import (
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// Type is a data type of the metadata (ITI TF-3 Table 4.2.3.1.7-2).
type Type struct {
	Name string
	// Problem says what would be right of a text that is not of the type, "" when it is.
	Problem func(string) string
}

// typed makes a Type whose expected form is its name.
func typed(name string, valid func(string) bool) Type {
	return Type{name, func(s string) string {
		if valid(s) {
			return ""
		}
		return name
	}}
}

// The data types.
var (
	OID      = typed("un OID d'au plus 64 caractères, sans extension", xds.IsOID)
	UniqueID = typed("un OID, ou OID^extension d'au plus 16 caractères", uniqueID)
	ObjectID = typed("urn:uuid: suivi d'un UUID en minuscules, ou un identifiant symbolique", objectID)
	CX       = typed("valeur^^^&OID&ISO^type", func(s string) bool { return xds.CX(s).Valid() })
	XCN      = typed("identifiant^nom^prénom^^^^^^&OID&ISO (l'autorité avec l'identifiant)", xcn)
	XON      = typed("nom^^^^^&OID&ISO^type^^^identifiant (le nom est obligatoire)", xon)
	CXi      = typed("valeur^^^&OID&ISO^type de référence", cxi)
	PID      = typed("PID-n|valeur", pid)
	SHA1     = typed("SHA-1 : 40 chiffres hexadécimaux", sha1)
	Language = typed("une langue BCP 47, par exemple fr-FR", language)
	MIME     = typed("type/sous-type, par exemple text/xml", mime)
	Online   = typed(xds.AvailabilityPrefix+"Online ou …:Offline", func(s string) bool {
		word := strings.TrimPrefix(s, xds.AvailabilityPrefix)
		return word == "Online" || word == "Offline"
	})
	DTM = Type{"une date YYYYMMDDhhmmss en UTC", func(s string) string {
		if _, _, err := xds.DTM(s).Range(); err != nil {
			return "YYYY[MM[DD[hh[mm[ss]]]]] en UTC : " + err.Error()
		}
		return ""
	}}
)

func uniqueID(s string) bool {
	oid, extension, has := strings.Cut(s, "^")
	return xds.IsOID(oid) && (!has || extension != "" && len(extension) <= 16 && !strings.ContainsAny(extension, "^&~|\\ "))
}

func objectID(s string) bool {
	if !strings.HasPrefix(strings.ToLower(s), "urn:") {
		return s != "" && !strings.ContainsAny(s, " \t\r\n")
	}
	return xds.IsUUID(s)
}

// hd tells whether a component is an assigning authority &OID&ISO.
func hd(s string) bool {
	parts := strings.Split(s, "&")
	return len(parts) == 3 && parts[0] == "" && xds.IsOID(parts[1]) && parts[2] == "ISO"
}

func component(s string, n int) string {
	if parts := strings.Split(s, "^"); len(parts) >= n {
		return parts[n-1]
	}
	return ""
}

func xcn(s string) bool {
	x := xds.XCN(s)
	if x.ID() == "" {
		return x.Family() != ""
	}
	return hd(component(s, 9))
}

func xon(s string) bool {
	x := xds.XON(s)
	if x.Name() == "" {
		return false
	}
	return x.ID() == "" || xds.IsOID(x.ID()) || hd(component(s, 6))
}

func cxi(s string) bool { return component(s, 1) != "" && component(s, 5) != "" }

func pid(s string) bool {
	field, _, has := strings.Cut(s, "|")
	n, is := strings.CutPrefix(field, "PID-")
	return has && is && n != "" && len(n) <= 2 && strings.Trim(n, "0123456789") == ""
}

func sha1(s string) bool {
	return len(s) == 40 && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

func language(s string) bool {
	for i, tag := range strings.Split(s, "-") {
		if tag == "" || len(tag) > 8 || strings.Trim(strings.ToLower(tag), "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
		if i == 0 && strings.ContainsAny(tag, "0123456789") {
			return false
		}
	}
	return true
}

func mime(s string) bool {
	kind, sub, has := strings.Cut(s, "/")
	return has && token(kind) && token(sub)
}

func token(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789!#$&-^_.+") == ""
}
