package readable_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/readable"
)

// A page shows a CDA: the body as HTML, or the file that it carries.
func ExampleOpen() {
	blob := strings.NewReader(`<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Consultation</title><effectiveTime value="20260110"/>
<component><structuredBody><component><section><title>Conclusion</title>
<text><paragraph onclick="x()">Tension <content styleCode="Bold">12/8</content></paragraph></text></section></component></structuredBody></component></ClinicalDocument>`)

	d, err := readable.Open(blob, 32<<20) // repository.Open gives the reader
	var refused xds.Errors
	if errors.As(err, &refused) {
		fmt.Println("cannot be shown: offer the download alone")
		return
	}
	switch d.Kind {
	case readable.Sections, readable.Text, readable.Image:
		fmt.Println(d.Header.Title, d.Header.At)
		fmt.Println(d.HTML(func(n int) string { return fmt.Sprint("attachments/", n) }))
	case readable.PDF:
		a, _ := d.Attachment()
		fmt.Println("serve a.Content as", a.Shown(), "from an address of its own")
	case readable.File:
		fmt.Println("offer a download")
	}
	if d.Omitted {
		fmt.Println("say that something is not shown")
	}
	// Output:
	// Consultation 10/01/2026
	// <section class="cda-section"><h2>Conclusion</h2><div class="cda-narrative"><p>Tension <strong>12/8</strong></p></div></section>
}
