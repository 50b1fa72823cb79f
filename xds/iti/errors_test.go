package iti_test

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// The codes that ITI TF-3 Table 4.2.4.1-2 has for each transaction, with those that the
// supplements on metadata update and removal add to it.
var (
	submissionCodes = strings.Fields(`DocumentQueued InvalidDocumentContent PartialAppendContentNotProcessed PartialFolderContentNotProcessed
		PartialRelationshipContentNotProcessed PartialReplaceContentNotProcessed PartialTransformNotProcessed PartialTransformReplaceNotProcessed
		UnresolvedReferenceException XDSDuplicateUniqueIdInRegistry XDSExtraMetadataNotSaved XDSNonIdenticalHash XDSNonIdenticalSize
		XDSPatientIdDoesNotMatch XDSRegistryBusy XDSRegistryDeprecatedDocumentError XDSRegistryDuplicateUniqueIdInMessage XDSRegistryError
		XDSRegistryMetadataError XDSRegistryOutOfResources XDSUnknownPatientId`)
	repositoryCodes = strings.Fields(`XDSMissingDocument XDSMissingDocumentMetadata XDSRegistryNotAvailable XDSRepositoryBusy
		XDSRepositoryDuplicateUniqueIdInMessage XDSRepositoryError XDSRepositoryMetadataError XDSRepositoryOutOfResources`)
	updateCodes = strings.Fields(`ReferencesExistException UnmodifiableMetadataError XDSMetadataAnnotationError XDSMetadataIdentifierError
		XDSMetadataUpdateError XDSMetadataUpdateOperationError XDSMetadataVersionError XDSPatientIDReconciliationError XDSUnreferencedObjectException`)
	retrievalCodes = strings.Fields(`XDSDocumentUniqueIdError XDSMissingHomeCommunityId XDSRepositoryBusy XDSRepositoryError
		XDSRepositoryOutOfResources XDSUnavailableCommunity XDSUnknownCommunity XDSUnknownRepositoryId`)
	queryingCodes = strings.Fields(`XDSMissingHomeCommunityId XDSRegistryBusy XDSRegistryError XDSRegistryOutOfResources XDSResultNotSinglePatient
		XDSStoredQueryMissingParam XDSStoredQueryParamNumber XDSTooManyResults XDSUnavailableCommunity XDSUnknownCommunity XDSUnknownPatientId
		XDSUnknownStoredQuery`)
)

// told are the transactions with the way each writes a finding, the codes that the
// table allows there, and the families of rows that can arise there.
var told = []struct {
	transaction string
	families    string
	allowed     []string
	write       func(xds.Errors) []byte
}{
	{"ITI-41", "ACC C META DOC REG INT", slices.Concat(submissionCodes, repositoryCodes), func(es xds.Errors) []byte {
		return ebrim.AppendRegistryResponse(nil, ebrim.Answer{Findings: es, Repository: true})
	}},
	{"ITI-42", "ACC C META REG INT", submissionCodes, func(es xds.Errors) []byte {
		return ebrim.AppendRegistryResponse(nil, ebrim.Answer{Findings: es})
	}},
	{"ITI-61", "ACC C META REG INT", submissionCodes, func(es xds.Errors) []byte {
		return ebrim.AppendRegistryResponse(nil, ebrim.Answer{Findings: es})
	}},
	{"ITI-57", "ACC C META REG UPD INT", slices.Concat(submissionCodes, updateCodes), func(es xds.Errors) []byte {
		return ebrim.AppendRegistryResponse(nil, ebrim.Answer{Findings: es})
	}},
	{"ITI-18", "ACC C META DOC REG QRY COM OPS INT", queryingCodes, func(es xds.Errors) []byte {
		return ebrim.AppendQueryResponse(nil, ebrim.QueryAnswer{Answer: ebrim.Answer{Findings: es}})
	}},
	{"ITI-43", "ACC C META DOC REG QRY COM OPS INT", retrievalCodes, func(es xds.Errors) []byte {
		return ebrim.AppendRetrieveResponse(nil, ebrim.Answer{Findings: es}, nil)
	}},
}

// elsewhereAlone are rows of a family that one transaction alone can give: the file of
// a retrieve is asked for by ITI-43, no submission names a community, a recipient is
// spoken of by MHD.
var elsewhereAlone = map[string]string{"DOC-003": "ITI-43", "DOC-004": "ITI-43 ITI-18", "DOC-005": "ITI-43 ITI-18", "REG-007": "ITI-57", "REG-008": "ITI-57", "REG-009": "ITI-57", "META-021": "ITI-65"}

// TestEveryProblemOnEveryTransaction walks the error table: each row, written by each
// transaction, has the code that the table of IHE allows there, its own code first, the
// French text, then the English one, the place, and nothing of the program.
func TestEveryProblemOnEveryTransaction(t *testing.T) {
	for _, p := range xds.Problems {
		finding := &xds.Error{ID: p.ID, Where: "DocumentEntry[Doc1].typeCode", Line: 12, Column: 7, Found: "1502-2", Expected: "un code de JDV_J66",
			Nearest: []string{"11502-2", "15508-5"}, Object: "Doc1"}
		for _, on := range told {
			if p.Registry == "" { // the message itself is refused: a Fault
				continue
			}
			root, err := xmlgate.Parse(on.write(xds.Errors{finding}), xmlgate.Envelope())
			if err != nil {
				t.Fatalf("%s on %s: %v", p.ID, on.transaction, err)
			}
			e := find(root, "RegistryError")
			checkContext(t, on.transaction, p, e.Attr("codeContext"))
			if got := e.Attr("location"); got != "DocumentEntry[Doc1].typeCode (12:7)" {
				t.Errorf("%s on %s: location %q", p.ID, on.transaction, got)
			}
			family, _, _ := strings.Cut(p.ID, "-")
			arises := slices.Contains(strings.Fields(on.families), family) && (elsewhereAlone[p.ID] == "" || slices.Contains(strings.Fields(elsewhereAlone[p.ID]), on.transaction))
			strict := on.transaction == "ITI-18" || on.transaction == "ITI-43" // whatever the row
			if code := e.Attr("errorCode"); (arises || strict) && !slices.Contains(on.allowed, code) {
				t.Errorf("%s on %s: IHE has no %s there", p.ID, on.transaction, code)
			}
			wantSeverity := "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"
			if e.Attr("severity") != wantSeverity || find(root, "RegistryErrorList").Attr("highestSeverity") != wantSeverity {
				t.Errorf("%s on %s: severity %q", p.ID, on.transaction, e.Attr("severity"))
			}
		}
		checkFault(t, p, finding)
	}
}

// checkContext is what every text of a finding must be.
func checkContext(t *testing.T, where string, p xds.Problem, text string) {
	t.Helper()
	french, english, _ := strings.Cut(text, " | ")
	if !strings.HasPrefix(text, p.ID+" "+p.French) || english != p.English || p.French == "" || p.English == "" {
		t.Errorf("%s on %s: %q", p.ID, where, text)
	}
	for _, part := range []string{"ligne 12, colonne 7", "« 1502-2 »", "un code de JDV_J66", "11502-2, 15508-5", p.Hint} {
		if !strings.Contains(french, part) {
			t.Errorf("%s on %s does not say %q: %q", p.ID, where, part, french)
		}
	}
	for _, leak := range leaks {
		if strings.Contains(text, leak) {
			t.Errorf("%s on %s shows %q: %q", p.ID, where, leak, text)
		}
	}
}

// checkFault reads the Fault of a row: Reason in French, then in English, each with the
// code first, and the whole finding in the Detail.
func checkFault(t *testing.T, p xds.Problem, finding *xds.Error) {
	t.Helper()
	w := httptest.NewRecorder()
	soap.Responder{NewID: func() string { return "urn:uuid:1" }}.WriteFault(w, "", xds.Errors{finding})
	root, err := xmlgate.Parse(w.Body.Bytes(), xmlgate.Envelope())
	if err != nil {
		t.Fatalf("%s: %v", p.ID, err)
	}
	fault := root.Find(soap.NS, "Body", "Fault")
	texts := fault.Child(soap.NS, "Reason").ChildrenNamed(soap.NS, "Text")
	if len(texts) != 2 || !strings.HasPrefix(texts[0].Text, p.ID+" "+p.French) || !strings.HasPrefix(texts[1].Text, p.ID+" "+p.English) {
		t.Errorf("%s: reasons %q", p.ID, w.Body)
	}
	detail := fault.Child(soap.NS, "Detail").Child(soap.NSFinding, "Finding")
	told := map[string]string{"Where": finding.Where, "Found": finding.Found, "Expected": finding.Expected, "Hint": p.Hint, "Nearest": "11502-2"}
	for name, want := range told {
		if got := detail.Child(soap.NSFinding, name).Trimmed(); got != want {
			t.Errorf("%s: %s %q", p.ID, name, got)
		}
	}
	if detail.Attr("code") != p.ID || detail.Attr("line") != "12" || detail.Attr("column") != "7" || w.Code < 400 {
		t.Errorf("%s: %d %s", p.ID, w.Code, w.Body)
	}
}

// find is the first element of a name.
func find(root *xmlgate.Element, local string) *xmlgate.Element {
	for e := range root.All() {
		if e.Local == local {
			return e
		}
	}
	return nil
}

// TestUnknownRowIsAnIncident: a finding that no row describes is told as an incident,
// never as an empty text or a code of nobody.
func TestUnknownRowIsAnIncident(t *testing.T) {
	for _, on := range told {
		answer := on.write(xds.Errors{{ID: "NOPE-1"}})
		if !bytes.Contains(answer, []byte(`errorCode="XDSRegistryError"`)) && !bytes.Contains(answer, []byte(`errorCode="XDSRepositoryError"`)) || !bytes.Contains(answer, []byte("Incident interne")) {
			t.Errorf("%s: %s", on.transaction, answer)
		}
	}
}

// TestEveryCodeOfIHE: each code of ITI TF-3 Table 4.2.4.1-2 is given by a row that a test
// provokes, or stands in conformance/divergences.md with the reason why it never is.
func TestEveryCodeOfIHE(t *testing.T) {
	divergences, err := os.ReadFile("../../conformance/divergences.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := sources(t)
	rows := map[string][]string{}
	for _, p := range xds.Problems {
		for _, code := range []string{p.Registry, p.Repository} {
			if code != "" {
				rows[code] = append(rows[code], p.ID)
			}
		}
	}
	for _, code := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(submissionCodes, repositoryCodes, updateCodes, retrievalCodes, queryingCodes,
		[]string{"XDSReplaceFailed", "XDSSqlError"})))) {
		never := regexp.MustCompile("(?m)^\\|[^|\n]*`" + code + "`[^|\n]*\\| never").Match(divergences)
		provoked := len(rows[code]) > 0 && slices.ContainsFunc(rows[code], func(id string) bool {
			return strings.Contains(tests, `"`+id+`"`) || strings.Contains(tests, id+" "+code)
		})
		if never == provoked {
			t.Errorf("%s: given by rows %v that a test provokes: %v; said to be never given: %v", code, rows[code], provoked, never)
		}
	}
}

// sources are the texts of the tests of the module, but for the two of the table itself.
func sources(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "bin" {
			return err
		}
		if name := d.Name(); strings.HasSuffix(name, "_test.go") && name != "errors_test.go" && name != "problems_test.go" || strings.HasSuffix(name, ".txtar") {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b.Write(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
