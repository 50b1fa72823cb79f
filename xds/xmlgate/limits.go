package xmlgate

// Limits bound what is accepted. A field that is zero takes the value of
// Envelope, so that the zero Limits are strict rather than open.
type Limits struct {
	Depth      int // nested elements
	Elements   int // elements in the text
	Attributes int // attributes of one element, namespace declarations among them
	Namespaces int // namespace declarations in the text
	Scope      int // namespace declarations in scope of one element

	AllowComments bool // payloads only (CDA)
	AllowPI       bool // payloads only: xml-stylesheet is common in CDA
	AllowBOM      bool // payloads only: a UTF-8 byte order mark before the first <
}

// Envelope are the limits of a SOAP envelope: 200 000 elements are twice what a
// submission of 2 000 objects takes (design §5). Stacks that repeat xmlns on
// every element are common, hence the room for declarations; those in scope at
// once stay few.
func Envelope() Limits {
	return Limits{Depth: 64, Elements: 200_000, Attributes: 64, Namespaces: 65_536, Scope: 128}
}

// Security are the limits of a security header, which is canonicalised: a step
// whose cost grows with the square of the declarations (safety §2.1 k).
func Security() Limits {
	return Limits{Depth: 64, Elements: 20_000, Attributes: 64, Namespaces: 256, Scope: 128}
}

// Payload are the limits of a document that is opened for checks, such as a CDA.
func Payload() Limits {
	return Limits{Depth: 128, Elements: 500_000, Attributes: 64, Namespaces: 65_536, Scope: 128, AllowComments: true, AllowPI: true, AllowBOM: true}
}

func (l Limits) orDefault() Limits {
	d := Envelope()
	for _, f := range []struct{ v, d *int }{
		{&l.Depth, &d.Depth}, {&l.Elements, &d.Elements}, {&l.Attributes, &d.Attributes},
		{&l.Namespaces, &d.Namespaces}, {&l.Scope, &d.Scope},
	} {
		if *f.v == 0 {
			*f.v = *f.d
		}
	}
	return l
}
