package xds_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

// The closed vocabularies of the error table: what stands in a row is a word that a
// client of the face knows.
var (
	// http://hl7.org/fhir/issue-type, R4.
	issueTypes = strings.Fields(`invalid structure required value invariant security login unknown expired forbidden suppressed processing
		not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly business-rule conflict transient
		lock-error no-store exception timeout incomplete throttled informational`)
	// ITI TF-3 Table 4.2.4.1-2, and what MHD adds to it.
	iheCodes = strings.Fields(`DocumentQueued FHIRDocumentNotSupported InvalidDocumentContent PartialAppendContentNotProcessed
		PartialFolderContentNotProcessed PartialRelationshipContentNotProcessed PartialReplaceContentNotProcessed
		PartialTransformNotProcessed PartialTransformReplaceNotProcessed UnknownPolicyId UnresolvedReferenceException
		UnavailableRecipient XDSDocumentUniqueIdError XDSDuplicateUniqueIdInRegistry XDSExtraMetadataNotSaved XDSMissingDocument XDSMissingDocumentMetadata
		XDSMissingHomeCommunityId XDSNonIdenticalHash XDSNonIdenticalSize XDSPatientIdDoesNotMatch XDSRegistryBusy XDSRegistryDeprecatedDocumentError
		XDSRegistryDuplicateUniqueIdInMessage XDSRegistryError XDSRegistryMetadataError XDSRegistryNotAvailable XDSRegistryOutOfResources
		XDSRepositoryBusy XDSRepositoryDuplicateUniqueIdInMessage XDSRepositoryError XDSRepositoryMetadataError XDSRepositoryOutOfResources
		XDSResultNotSinglePatient XDSStoredQueryMissingParam XDSStoredQueryParamNumber XDSTooManyResults XDSUnavailableCommunity
		XDSUnknownCommunity XDSUnknownPatientId XDSUnknownRepositoryId XDSUnknownStoredQuery
		ReferencesExistException UnmodifiableMetadataError XDSMetadataAnnotationError XDSMetadataIdentifierError XDSMetadataUpdateError
		XDSMetadataUpdateOperationError XDSMetadataVersionError XDSPatientIDReconciliationError XDSUnreferencedObjectException`)
	// SOAP 1.2 part 1 §5.4.6; WS-Security 1.1 §12; WS-Addressing 1.0 SOAP binding §6.4.
	faultCodes = strings.Fields(`Sender Receiver MustUnderstand VersionMismatch`)
	subcodes   = strings.Fields(`wsse:UnsupportedSecurityToken wsse:UnsupportedAlgorithm wsse:InvalidSecurity wsse:InvalidSecurityToken
		wsse:FailedAuthentication wsse:FailedCheck wsse:SecurityTokenUnavailable wsse:MessageExpired
		wsa:InvalidAddressingHeader wsa:MessageAddressingHeaderRequired wsa:DestinationUnreachable wsa:ActionNotSupported
		wsa:EndpointUnavailable wsa:ActionMismatch wsa:OnlyAnonymousAddressSupported wsa:OnlyNonAnonymousAddressSupported
		wsnt:TopicNotSupportedFault wsnt:InvalidFilterFault wsnt:SubscribeCreationFailedFault wsnt:UnacceptableInitialTerminationTimeFault
		wsrf-rw:ResourceUnknownFault`)  // WS-BaseNotification 1.3; WS-ResourceFramework 1.2
)

// TestProblemsSpeakKnownWords: codes, issue types and statuses are those of the
// standards, and those of one row agree.
func TestProblemsSpeakKnownWords(t *testing.T) {
	known := func(id, what, word string, words []string) {
		if word != "" && !slices.Contains(words, word) {
			t.Errorf("%s: %s %q", id, what, word)
		}
	}
	for _, p := range xds.Problems {
		known(p.ID, "issue type", p.Issue, issueTypes)
		known(p.ID, "registry code", p.Registry, iheCodes)
		known(p.ID, "repository code", p.Repository, iheCodes)
		known(p.ID, "fault", p.Fault, faultCodes)
		known(p.ID, "subcode", p.Subcode, subcodes)
		if http.StatusText(p.Status) == "" {
			t.Errorf("%s: status %d", p.ID, p.Status)
		}
		if p.Registry != "" && p.Fault != "" && p.ID != "INT-001" || p.Subcode != "" && p.Fault == "" || p.Repository != "" && p.Registry == "" {
			t.Errorf("%s is a fault or a registry error, not both, and its parts belong together: %+v", p.ID, p)
		}
		if client := p.Status >= 400 && p.Status < 500; client && p.Fault == "Receiver" || p.Status >= 500 && p.Fault == "Sender" {
			t.Errorf("%s: status %d and fault %s blame different sides", p.ID, p.Status, p.Fault)
		}
		if issue, ok := issueOf[p.Status]; ok && p.Issue != issue {
			t.Errorf("%s: status %d with issue type %s", p.ID, p.Status, p.Issue)
		}
		if family, _, _ := strings.Cut(p.ID, "-"); (family == "SOAP" || family == "XML" || family == "SAML") && p.Fault == "" && p.Registry == "" || family == "META" && p.Registry == "" {
			t.Errorf("%s is found in SOAP messages, and no SOAP client would learn of it", p.ID)
		}
		if door := strings.HasPrefix(p.ID, "ACC-"); door && (p.Status != http.StatusForbidden || p.Issue != "forbidden" || p.Code(false) != "XDSRegistryError" || p.Code(true) != "XDSRepositoryError") {
			t.Errorf("%s is a refusal of the policy (§0.1, §0.3) and answers otherwise: %+v", p.ID, p)
		}
	}
}

// issueOf are the statuses that have one issue type.
var issueOf = map[int]string{http.StatusForbidden: "forbidden", http.StatusNotFound: "not-found"}

// TestEveryCodeInTheSourceStandsInTheTable: a code that the table lacks would be told
// as an internal incident. The other way round, a row that no source names is told by
// nobody: but the doors, whose codes the gate makes of their numbers.
func TestEveryCodeInTheSourceStandsInTheTable(t *testing.T) {
	families, ids := map[string]bool{}, map[string]bool{}
	for _, p := range xds.Problems {
		family, _, _ := strings.Cut(p.ID, "-")
		families[family], ids[p.ID] = true, true
	}
	named := map[string]bool{}
	code := regexp.MustCompile(`"([A-Z][A-Z0-9]*)-[0-9]{2,3}"`)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || filepath.Base(path) == "problems.go" {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range code.FindAllSubmatch(source, -1) {
			id := strings.Trim(string(m[0]), `"`)
			if families[string(m[1])] && !ids[id] {
				t.Errorf("%s names %s, which is no row", path, id)
			}
			named[id] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for id := range ids {
		if unused := !named[id] && !slices.Contains(doors, id); unused == (untold[id] == "") {
			t.Errorf("%s: named nowhere %v, reason %q", id, unused, untold[id])
		}
	}
}

// doors are the codes of policy §0.1.
var doors = strings.Fields("ACC-01 ACC-02 ACC-03 ACC-04 ACC-05 ACC-06 ACC-07 ACC-11 ACC-23 ACC-24 ACC-25 ACC-29 ACC-67")

// untold are the rows that nothing tells yet.
var untold = map[string]string{
	"FHIR-010": "a 304 has no body to tell it in",
}
