package conformance_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// sample is one CDA document as its sender has it.
type sample struct {
	file, path string
	doc        []byte
	header     sampleHeader
	want       map[string][]string // the metadata, by this test's own reading
}

// TestSamples pushes CDA documents by the real command, on either face: each comes
// out byte for byte, with the metadata that a second reading of its header gives, and
// is found by them. The documents are those of testdata and, where they are beside
// the clone, the 45 published examples of the ANS.
func TestSamples(t *testing.T) {
	k, binary := openKit(t), buildBinary(t)
	worlds := sampleWorlds(allSamples(t))
	for _, face := range []string{"xds", "fhir"} {
		pushed := 0
		for i, world := range worlds {
			t.Run(fmt.Sprintf("%s world %d", face, i+1), func(t *testing.T) {
				k.must(t, http.MethodPost, "/sandbox/reset", "", nil, nil)
				people := k.samplePatients(t, world)
				pushed += len(world)
				if i == 0 && len(worlds) > 1 {
					k.refusesContradiction(t, binary, face, people, worlds[1])
				}
				k.pushSamples(t, binary, face, people, world)
				for _, s := range world {
					t.Run(s.file, func(t *testing.T) { k.asPushed(t, people, s) })
				}
			})
		}
		t.Logf("%s push: %d documents", face, pushed)
	}
}

// allSamples are the documents of the project and the published ones.
func allSamples(t *testing.T) []sample {
	t.Helper()
	all := []sample{readSampleFile(t, filepath.Join("..", "testdata", "cda", "cr-accouchement.xml"),
		sampleCodes{"10^^1.2.250.1.213.1.1.4.1", "urn:asipSante:modelesHorsProfils:2011^^1.2.250.1.213.1.1.4.2.282"})}
	shared := os.Getenv("PASSERELLE_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	dir := filepath.Join(shared, "dmp", "cda")
	if _, err := os.Stat(dir); err != nil {
		t.Logf("the published samples are not beside the clone (%s): the documents of testdata alone are pushed", filepath.Join("shared", "dmp", "cda"))
		return all
	}
	classes, formats := map[string]string{}, map[string]string{}
	for _, row := range sampleTable(t, filepath.Join(shared, "dmp", "valuesets", "type-class.csv")) {
		classes[row["typeCode"]] = row["classCode"] + "^^" + row["classCode_system"]
	}
	for _, row := range sampleTable(t, filepath.Join(shared, "dmp", "valuesets", "formatcode-dmp-J60.csv")) {
		formats[row["code"]] = row["codeSystem"]
	}
	for _, row := range sampleTable(t, filepath.Join(dir, "index.csv")) {
		all = append(all, readSampleFile(t, filepath.Join(dir, row["file"]), sampleCodes{classes[row["typeCode"]], row["formatCode"] + "^^" + formats[row["formatCode"]]}))
	}
	if len(all) != 46 {
		t.Errorf("%d documents, want 45 published and one of our own", len(all))
	}
	sampleMapping(t, filepath.Join(shared, "dmp", "mapping", "cda-xds-fhir.csv"), all)
	return all
}

func readSampleFile(t *testing.T, path string, codes sampleCodes) sample {
	t.Helper()
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h := readSample(t, doc)
	return sample{filepath.Base(path), path, doc, h, h.metadata(t, doc, codes)}
}

// sampleTable reads a CSV file with a header line.
func sampleTable(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, r := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = r[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// sampleElsewhere are the rows of the mapping table that no header fills, and where
// they are seen to.
var sampleElsewhere = map[string]string{
	"entryUUID": "given by the registry; asPushed asks by it", "logicalId (lid)": "as entryUUID", "version": "1, in asPushed",
	"URI": "media only", "homeCommunityId": "not used", "documentAvailability": "always online", "repositoryUniqueId": "asPushed retrieves by it",
	"availabilityStatus": "Approved, in asPushed", "comments": "free", "relationship RPLC": "none is registered, in asPushed; TestScripts replaces",
	"custodian":                     "the structure of the token, not of the header",
	"SubmissionSet.contentTypeCode": "not of the header; TestScripts 11-samples", "SubmissionSet.sourceId": "as contentTypeCode",
	"SubmissionSet.uniqueId": "as contentTypeCode", "SubmissionSet.author": "as contentTypeCode", "SubmissionSet.submissionTime": "as contentTypeCode",
}

// sampleMapping: each row of the mapping table is read by this test or written off
// above, and some document has a value for each row that is read.
func sampleMapping(t *testing.T, path string, all []sample) {
	t.Helper()
	for _, row := range sampleTable(t, path) {
		name := row["xds_metadata"]
		filled := slices.ContainsFunc(all, func(s sample) bool { return len(s.want[name]) > 0 })
		if _, elsewhere := sampleElsewhere[name]; filled == elsewhere {
			t.Errorf("mapping table: %s: read: %v, written off: %v", name, filled, elsewhere)
		}
	}
}

// sampleWorlds are the documents in lots that one sandbox can hold: a record has one
// date of birth, and published examples give one INS two (CSE-CS8 beside CSE-CS9).
func sampleWorlds(all []sample) [][]sample {
	var worlds [][]sample
	for len(all) > 0 {
		born := map[string]string{}
		var world, rest []sample
		for _, s := range all {
			ins, _ := s.header.patient()
			if other, known := born[ins]; known && other != s.header.Patient.Born.Value {
				rest = append(rest, s)
				continue
			}
			born[ins] = s.header.Patient.Born.Value
			world = append(world, s)
		}
		worlds, all = append(worlds, world), rest
	}
	return worlds
}

// samplePatients are the records of a world by INS: those of the cast, the others
// created with the INS and traits of the header.
func (k *kit) samplePatients(t *testing.T, world []sample) map[string]kitPatient {
	t.Helper()
	people := map[string]kitPatient{}
	for _, p := range k.patients(t) {
		people[p.INS.ID()+"@"+p.INS.Authority()] = p
	}
	for _, s := range world {
		ins, _ := s.header.patient()
		if _, known := people[ins]; known {
			continue
		}
		value, authority, _ := strings.Cut(ins, "@")
		family, given := s.header.birthName()
		var p kitPatient
		k.must(t, http.MethodPost, "/sandbox/patients", "", map[string]any{
			"name": fmt.Sprintf("modele-%d", len(people)), "family": family, "given": given, "sex": s.header.Patient.Sex.Code,
			"birthDate": s.header.Patient.Born.Value, "ins": value + "^^^&" + authority + "&ISO^NH",
		}, &p)
		people[ins] = p
	}
	return people
}

// sampleAnswer is what push -o json prints.
type sampleAnswer struct {
	Documents []struct {
		File, Status, UniqueID, LogicalID, Replaces string
		Findings                                    []struct{ Code, Severity, Where, Source string }
	}
	Summary struct{ Documents, Deposited, Refused, Warnings int }
}

// pushCommand runs passerelle FACE push -o json.
func (k *kit) pushCommand(t *testing.T, binary, face string, args ...string) (sampleAnswer, int) {
	t.Helper()
	command := exec.Command(binary, append([]string{face, "push", "--base", k.url, "--as", "dr-traitant", "-o", "json"}, args...)...)
	var errs bytes.Buffer
	command.Stderr = &errs
	out, err := command.Output()
	var answer sampleAnswer
	if json.Unmarshal(out, &answer) != nil {
		t.Fatalf("push: %v: %s%s", err, out, errs.Bytes())
	}
	return answer, command.ProcessState.ExitCode()
}

// pushSamples pushes a world: by ITI-41 patient by patient, by ITI-65 in one command
// that takes the patient from each header.
func (k *kit) pushSamples(t *testing.T, binary, face string, people map[string]kitPatient, world []sample) {
	t.Helper()
	commands := map[string][]string{}
	for _, s := range world {
		ins, _ := s.header.patient()
		name := people[ins].Name
		if face == "fhir" {
			name = ""
		}
		commands[name] = append(commands[name], s.path)
	}
	started := time.Now()
	for name, files := range commands {
		if name != "" {
			files = append([]string{"--patient", name}, files...)
		}
		answer, exit := k.pushCommand(t, binary, face, files...)
		if exit != 0 || answer.Summary.Refused > 0 || answer.Summary.Deposited != answer.Summary.Documents {
			t.Fatalf("%s push exits %d: %+v", face, exit, answer)
		}
		for _, d := range answer.Documents {
			i := slices.IndexFunc(world, func(s sample) bool { return s.path == d.File })
			said := 0
			for _, f := range d.Findings {
				if f.Code == "REG-004" && f.Severity == "warning" {
					said++
				}
			}
			if parents := len(world[i].header.Parents); said != parents || d.Replaces != "" {
				t.Errorf("%s: %d parents that are not registered, %d notes, replaces %q", d.File, parents, said, d.Replaces)
			}
		}
	}
	t.Logf("%d documents in %s", len(world), time.Since(started).Round(time.Millisecond))
}

// refusesContradiction: a header whose birth date is not that of the record is refused
// with C-09, and the finding names the element of the CDA.
func (k *kit) refusesContradiction(t *testing.T, binary, face string, people map[string]kitPatient, others []sample) {
	t.Helper()
	for _, s := range others {
		ins, _ := s.header.patient()
		answer, exit := k.pushCommand(t, binary, face, "--patient", people[ins].Name, s.path)
		codes := ""
		for _, f := range answer.Documents[0].Findings {
			codes += f.Severity + " " + f.Code + ";"
		}
		if exit != 1 || answer.Documents[0].Status != "Failure" || codes != "warning C-09;error C-09;" {
			t.Errorf("%s: exit %d, %s", s.file, exit, codes)
		}
	}
}

// asPushed: all four ways give the document as it was, and by its metadata.
func (k *kit) asPushed(t *testing.T, people map[string]kitPatient, s sample) {
	ins, _ := s.header.patient()
	p := people[ins]
	reader := k.bearer(kitClaims{As: "dr-traitant", Patient: p.Name})
	found := k.query(t, reader, "FindDocuments", s.storedQuery(t, p)...)
	i := slices.IndexFunc(found.entries, func(d xds.DocumentEntry) bool { return d.UniqueID == s.header.ID.Root })
	if i < 0 {
		t.Fatalf("ITI-18 does not find it by its metadata: %s", found.whole)
	}
	entry := found.entries[i]
	if diff := cmp.Diff(s.want, sampleEntry(entry)); diff != "" {
		t.Errorf("DocumentEntry: header read by the test (-), registered (+):\n%s", diff)
	}
	if entry.AvailabilityStatus != xds.Approved || entry.Version != 1 {
		t.Errorf("%s, version %d", entry.AvailabilityStatus, entry.Version)
	}
	references := k.findReferences(t, reader, p, s.search(entry.CreationTime))
	j := slices.IndexFunc(references.resources, func(r map[string]any) bool { return kitUniqueID(r) == s.header.ID.Root })
	if j < 0 {
		t.Fatalf("ITI-67 does not find it by its metadata: %s", references.whole)
	}
	if diff := cmp.Diff(s.wantReference(t), sampleReference(t, references.resources[j])); diff != "" {
		t.Errorf("DocumentReference: header read by the test (-), answered (+):\n%s", diff)
	}
	if set := k.retrieveSet(t, reader, entry.UniqueID); !bytes.Equal(set.contents[entry.UniqueID], s.doc) {
		t.Errorf("ITI-43 gives %d bytes, pushed %d", len(set.content), len(s.doc))
	}
	if binary := k.readBinary(t, reader, entry.LogicalID); !bytes.Equal(binary.content, s.doc) {
		t.Errorf("ITI-68 gives %d bytes, pushed %d", len(binary.content), len(s.doc))
	}
}

// storedQuery asks for a document by all of its metadata that FindDocuments takes.
func (s sample) storedQuery(t *testing.T, p kitPatient) []ebrim.QueryParam {
	t.Helper()
	const prefix = "$XDSDocumentEntry"
	params := []ebrim.QueryParam{
		{Name: prefix + "PatientId", Values: []string{string(p.INS.Key())}},
		{Name: prefix + "Status", Values: []string{string(xds.Approved)}},
	}
	for name, attribute := range map[string]string{
		"TypeCode": "typeCode", "ClassCode": "classCode", "FormatCode": "formatCode", "PracticeSettingCode": "practiceSettingCode",
		"HealthcareFacilityTypeCode": "healthcareFacilityTypeCode", "EventCodeList": "eventCodeList", "ConfidentialityCode": "confidentialityCode",
	} {
		if values := s.want[attribute]; len(values) > 0 {
			params = append(params, ebrim.QueryParam{Name: prefix + name, Values: values})
		}
	}
	for name, attribute := range map[string]string{"CreationTime": "creationTime", "ServiceStartTime": "serviceStartTime", "ServiceStopTime": "serviceStopTime"} {
		if values := s.want[attribute]; len(values) > 0 {
			params = append(params, ebrim.QueryParam{Name: prefix + name + "From", Values: values[:1]},
				ebrim.QueryParam{Name: prefix + name + "To", Values: []string{sampleAfter(t, values[0])}})
		}
	}
	person, _, _ := strings.Cut(s.want["author.authorPerson"][0], "@")
	return append(params, ebrim.QueryParam{Name: prefix + "AuthorPerson", Values: []string{person + "^%"}})
}

// sampleAfter is the first instant after a DTM, From being in the interval and To not.
func sampleAfter(t *testing.T, dtm string) string {
	t.Helper()
	_, end, err := xds.DTM(dtm).Range()
	if err != nil {
		t.Fatal(err)
	}
	return string(xds.NewDTM(end))
}

// search asks ITI-67 for a document by its metadata.
func (s sample) search(created xds.DTM) string {
	q := url.Values{}
	for name, attribute := range map[string]string{"type": "typeCode", "category": "classCode", "format": "formatCode",
		"setting": "practiceSettingCode", "facility": "healthcareFacilityTypeCode", "event": "eventCodeList", "security-label": "confidentialityCode"} {
		var codes []string
		for _, v := range s.want[attribute] {
			code, _, _ := strings.Cut(v, "^^")
			codes = append(codes, code)
		}
		if len(codes) > 0 {
			q.Set(name, strings.Join(codes, ","))
		}
	}
	day := func(dtm string) string { return dtm[:4] + "-" + dtm[4:6] + "-" + dtm[6:8] }
	q.Set("date", day(string(created)))
	q.Set("period-start", day(s.want["serviceStartTime"][0]))
	if stop := s.want["serviceStopTime"]; len(stop) > 0 {
		q.Set("period-end", day(stop[0]))
	}
	person, _, _ := strings.Cut(s.want["author.authorPerson"][0], "|")
	id, authority, _ := strings.Cut(person, "@")
	q.Set("author.identifier", "urn:oid:"+authority+"|"+id)
	return q.Encode()
}
