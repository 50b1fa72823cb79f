package cda_test

import (
	"fmt"

	"github.com/passerelle-sante/passerelle/xds/cda"
)

// A document that lacks most of its header says all of it at once.
func ExampleDerive() {
	_, findings := cda.Derive([]byte(`<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
  <id root="1.2.250.1.1" extension="7"/>
  <title>Compte rendu</title>
</ClinicalDocument>`), cda.Options{})
	for _, f := range findings[:3] {
		fmt.Println(f.ID, f.Line, f.Where, "-", f.Expected)
	}
	// Output:
	// META-004 3 ClinicalDocument/id - uniqueId : un OID seul dans @root
	// META-001 2 ClinicalDocument/code/@code - typeCode : un code et son système
	// META-001 2 ClinicalDocument/component - formatCode : un corps structuredBody ou nonXMLBody
}
