package cda

import (
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// The types of referenceIdList that the DMP knows (JDV_J231).
const (
	orderReference     = "urn:ihe:iti:xds:2013:order"
	accessionReference = "urn:ihe:iti:xds:2013:accession"
	studyReference     = "urn:ihe:iti:xds:2016:studyInstanceUID"
)

// The namespace and the template of imaging reports (DICOM PS3.20).
const (
	dicom           = "urn:dicom-org:ps3-20"
	imagingTemplate = "1.2.840.10008.9.1"
)

// service reads documentationOf: the act documented first is the one that has a
// performer; each act gives its codes to eventCodeList.
func (r *reader) service() {
	var main *xmlgate.Element
	seen := map[string]bool{}
	for _, d := range r.repeated("documentationOf") {
		event := d.Child(hl7, "serviceEvent")
		if event == nil {
			continue
		}
		if main == nil || main.Child(hl7, "performer") == nil && event.Child(hl7, "performer") != nil {
			main = event
		}
		r.event(event.Child(hl7, "code"), seen)
	}
	r.period(main)
	setting := main.Find(hl7, "performer", "assignedEntity", "representedOrganization", "standardIndustryClassCode")
	r.from("practiceSettingCode", setting)
	if r.Entry.PracticeSetting = code(setting); r.Entry.PracticeSetting.IsZero() {
		r.missing("practiceSettingCode", "le cadre d'exercice de l'exécutant (JDV_J04)", "documentationOf", "serviceEvent", "performer",
			"assignedEntity", "representedOrganization", "standardIndustryClassCode", "@code")
	}
}

// event adds the code of an act and its translations (modality, region, CCAM).
func (r *reader) event(act *xmlgate.Element, seen map[string]bool) {
	if act == nil {
		return
	}
	for _, e := range append([]*xmlgate.Element{act}, act.ChildrenNamed(hl7, "translation")...) {
		c := code(e)
		if c.IsZero() || seen[c.Key()] {
			continue
		}
		if len(r.Entry.EventCodes) == maxRepeats {
			return
		}
		seen[c.Key()] = true
		r.Entry.EventCodes = append(r.Entry.EventCodes, c)
		r.from(ranked("eventCodeList", len(r.Entry.EventCodes)), e)
	}
}

// period reads the interval of the main act; an act dated by one value starts then.
func (r *reader) period(main *xmlgate.Element) {
	interval := main.Child(hl7, "effectiveTime")
	low := interval.Child(hl7, "low")
	if low == nil && interval.Attr("value") != "" {
		low = interval
	}
	r.Entry.ServiceStart = r.time("serviceStartTime", low, "documentationOf", "serviceEvent", "effectiveTime", "low")
	if high := interval.Child(hl7, "high"); high.Attr("value") != "" {
		r.Entry.ServiceStop = r.time("serviceStopTime", high, "documentationOf", "serviceEvent", "effectiveTime", "high")
	}
}

// encounter reads where the care was given.
func (r *reader) encounter() {
	r.Entry.FacilityType = r.required("healthcareFacilityTypeCode", "componentOf", "encompassingEncounter", "location", "healthCareFacility", "code")
}

// orders reads inFulfillmentOf: the order, the accession number of an imaging
// department, and the study when the document is an imaging report.
func (r *reader) orders() {
	for _, f := range r.repeated("inFulfillmentOf") {
		order := f.Child(hl7, "order")
		r.reference(order.Child(hl7, "id"), orderReference)
		r.reference(order.Child(dicom, "accessionNumber"), accessionReference)
	}
	imaging := false
	for _, t := range r.Templates {
		imaging = imaging || t == imagingTemplate
	}
	if !imaging {
		return
	}
	for _, d := range r.repeated("documentationOf") {
		r.reference(d.Find(hl7, "serviceEvent", "id"), studyReference)
	}
}

// reference adds a CXi (ITI TF-3 Table 4.2.3.1.7-2): value, authority and type;
// a root alone is a value that needs no authority. A nullFlavor adds nothing.
func (r *reader) reference(id *xmlgate.Element, kind string) {
	root, extension := id.Attr("root"), id.Attr("extension")
	if root == "" || len(r.Entry.ReferenceIDs) >= maxRepeats {
		return
	}
	reference := root + "^^^^" + kind
	if extension != "" {
		reference = string(xds.NewCX(escape(extension), root, kind))
	}
	r.Entry.ReferenceIDs = append(r.Entry.ReferenceIDs, reference)
	r.from(ranked("referenceIdList", len(r.Entry.ReferenceIDs)), id)
}
