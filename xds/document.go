package xds

// The confidentiality codes that are marks on a lineage rather than properties
// of a document (EX_3.1-1030; OID of TRE_A07), and NOPAT, the name that
// JdvJ421 (2026) gives to INVISIBLE_PATIENT.
const (
	MarkScheme           = "1.2.250.1.213.1.1.4.13"
	MarkMaskedPS         = "MASQUE_PS"
	MarkHiddenPatient    = "INVISIBLE_PATIENT"
	MarkHiddenReps       = "INVISIBLE_REPRESENTANTS_LEGAUX"
	ActCodeScheme        = "2.16.840.1.113883.5.4"
	MarkNOPAT            = "NOPAT"
	ConfidentialityOID   = "2.16.840.1.113883.5.25"
	SignatureClassScheme = "1.2.250.1.213.1.1.4.1"
	SignatureClass       = "99"    // technical documents: never listed (domain §3.2)
	SignatureType        = "E1762" // the XAdES manifest of a lot
)

// Marks are the three flags that a lineage carries: all versions linked by
// RPLC, XFRM or APND share them (policy §1.1, Q-20).
type Marks struct {
	MaskedPS      bool // MASQUE_PS: hidden from professionals
	HiddenPatient bool // INVISIBLE_PATIENT: until the announcement consultation
	HiddenReps    bool // INVISIBLE_REPRESENTANTS_LEGAUX: from a minor's representatives
}

// SplitMarks separates the marks from the other confidentiality codes.
func SplitMarks(codes []Code) (base []Code, m Marks) {
	for _, c := range codes {
		switch {
		case c.Scheme == MarkScheme && c.Value == MarkMaskedPS:
			m.MaskedPS = true
		case c.Scheme == MarkScheme && c.Value == MarkHiddenPatient,
			c.Scheme == ActCodeScheme && c.Value == MarkNOPAT:
			m.HiddenPatient = true
		case c.Scheme == MarkScheme && c.Value == MarkHiddenReps:
			m.HiddenReps = true
		default:
			base = append(base, c)
		}
	}
	return base, m
}

// Union holds every mark of both.
func (m Marks) Union(o Marks) Marks {
	return Marks{m.MaskedPS || o.MaskedPS, m.HiddenPatient || o.HiddenPatient, m.HiddenReps || o.HiddenReps}
}

// Codes are the confidentiality codes that express the marks.
func (m Marks) Codes() []Code {
	var codes []Code
	if m.MaskedPS {
		codes = append(codes, Code{MarkMaskedPS, MarkScheme, "Masqué aux professionnels de santé"})
	}
	if m.HiddenPatient {
		codes = append(codes, Code{MarkHiddenPatient, MarkScheme, "Non visible par le patient"})
	}
	if m.HiddenReps {
		codes = append(codes, Code{MarkHiddenReps, MarkScheme, "Non visible par les représentants légaux du patient"})
	}
	return codes
}

// Origin says who brought a document (policy §1.1).
type Origin string

// The three origins.
const (
	FromPro     Origin = "pro"
	FromPatient Origin = "patient"
	FromInsurer Origin = "insurer"
)

// Document is a registered DocumentEntry together with what the registry knows
// beside its metadata: the marks of its lineage and who deposited it. Rights are
// decided on it (authz.Admit); answers are written from its Entry.
type Document struct {
	Entry          DocumentEntry // Confidentiality holds the base codes and the lineage's marks
	Record         string        // opaque id of the patient's record
	Lineage        string        // id shared by all that RPLC, XFRM or APND joined
	Marks          Marks
	Authors        []string // national ids that hold the author's rights on this entry
	LineageAuthors []string // the same for the first entry of the lineage (masking, revealing)
	Structure      string   // XON.10 of the depositor's token, "" when it named none
	Depositor      string   // national id of the depositor
	Origin         Origin
	Content        Content
	Labels         Labels
}

// Labels are the times that HTTP validators are made of.
type Labels struct {
	RegisteredUnix int64 // seconds, first registration of the logical document
	UpdatedUnix    int64 // seconds, of the current metadata version
}
