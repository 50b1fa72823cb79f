package medical

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// MaxBytes bounds a document that is read for its entries.
const MaxBytes = 8 << 20

const hl7 = "urn:hl7-org:v3"

// Read reads the entries of a section. A document of another making is no section: ok
// is false. What a section does not hold, or not so, is left out: it was checked when
// it was written here, and nobody vouches for what was written elsewhere.
func Read(doc []byte) (d Document, ok bool) {
	if len(doc) > MaxBytes {
		return Document{}, false
	}
	limits := xmlgate.Payload()
	limits.Elements = 200_000
	root, err := xmlgate.Parse(bytes.TrimPrefix(doc, []byte("\xEF\xBB\xBF")), limits)
	if err != nil || !root.Is(hl7, "ClinicalDocument") || !templated(root) {
		return Document{}, false
	}
	section := root.Find(hl7, "component", "structuredBody", "component", "section")
	event := section.Child(hl7, "code")
	if d.Section, ok = SectionOf(event.Attr("code")); !ok || event.Attr("codeSystem") != sectionSystem {
		return Document{}, false
	}
	d.UniqueID = strings.Clone(root.Child(hl7, "id").Attr("root"))
	d.SetID = strings.Clone(root.Child(hl7, "setId").Attr("root"))
	d.Version = 1
	if v, err := strconv.Atoi(root.Child(hl7, "versionNumber").Attr("value")); err == nil && v > 0 {
		d.Version = v
	}
	seen := map[string]bool{}
	for _, e := range section.ChildrenNamed(hl7, "entry") {
		if entry, ok := read(d.Section, e.Child(hl7, "observation")); ok && !seen[entry.ID] && len(d.Entries) < MaxEntries {
			seen[entry.ID] = true
			d.Entries = append(d.Entries, entry)
		}
	}
	return d, true
}

// templated tells what we wrote, or says that it is like what we write.
func templated(e *xmlgate.Element) bool {
	return slices.ContainsFunc(e.ChildrenNamed(hl7, "templateId"), func(t *xmlgate.Element) bool { return t.Attr("root") == templateID })
}

// read reads one entry; ok is false when it cannot stand.
func read(s Section, observation *xmlgate.Element) (e Entry, ok bool) {
	k, known := s.Kind(observation.Child(hl7, "code").Attr("code"))
	id := strings.ToLower(observation.Child(hl7, "id").Attr("root"))
	if !known || !templated(observation) || !xds.IsUUID("urn:uuid:"+id) {
		return Entry{}, false
	}
	values := map[string]string{}
	for _, part := range observation.ChildrenNamed(hl7, "entryRelationship") {
		part := part.Child(hl7, "observation")
		if f, known := k.Field(part.Child(hl7, "code").Attr("code")); known {
			values[f.Name] = f.valueOf(part.Child(hl7, "value"))
		}
	}
	values, findings := Check(k, values, Bounds{Zone: zoneOf(values)})
	author := observation.Child(hl7, "author")
	written := author.Child(hl7, "time").Attr("value")
	if _, err := time.Parse(stamp, written); err != nil {
		written = ""
	}
	by, _ := Field{}.read(strings.Join(strings.Fields(author.Find(hl7, "assignedAuthor", "assignedPerson", "name").Trimmed()), " "), Bounds{})
	return Entry{ID: strings.Clone(id), Kind: k.ID, Values: values, Written: strings.Clone(written), By: strings.Clone(by)}, !findings.Failed()
}

// stamp is the form of a TS with its offset.
const stamp = "20060102150405-0700"

// valueOf is the value of a field as Check takes it.
func (f Field) valueOf(value *xmlgate.Element) string {
	switch f.Shape() {
	case "PQ":
		return strings.Clone(value.Attr("value"))
	case "CD":
		return strings.Clone(value.Attr("code"))
	case "BL":
		if value.Attr("value") == "true" {
			return "oui"
		}
		return ""
	case "TS":
		return isoOf(value.Attr("value"))
	}
	return strings.Clone(value.Trimmed())
}

// isoOf is a TS as a value writes it.
func isoOf(ts string) string {
	if at, err := time.Parse(stamp, ts); err == nil {
		return at.Format(time.RFC3339)
	}
	switch len(ts) {
	case 8:
		return ts[:4] + "-" + ts[4:6] + "-" + ts[6:]
	case 6:
		return ts[:4] + "-" + ts[4:]
	}
	return strings.Clone(ts)
}

// zoneOf keeps the offset that an instant was written with.
func zoneOf(values map[string]string) *time.Location {
	for _, v := range values {
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			_, seconds := at.Zone()
			return time.FixedZone("", seconds)
		}
	}
	return time.UTC
}
