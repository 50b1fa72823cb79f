package xds

import "slices"

// The codes of ITI TF-3 Table 4.2.4.1-2 that stand beside the stored query (SQ, XGQ)
// and beside the retrieve (RS, XGR). Clients refuse an answer with another one.
var (
	queryCodes = []string{
		"XDSMissingHomeCommunityId", "XDSRegistryBusy", "XDSRegistryError", "XDSRegistryOutOfResources", "XDSResultNotSinglePatient",
		"XDSStoredQueryMissingParam", "XDSStoredQueryParamNumber", "XDSTooManyResults", "XDSUnavailableCommunity", "XDSUnknownCommunity",
		"XDSUnknownPatientId", "XDSUnknownStoredQuery",
	}
	retrieveCodes = []string{
		"XDSDocumentUniqueIdError", "XDSMissingHomeCommunityId", "XDSRepositoryBusy", "XDSRepositoryError", "XDSRepositoryOutOfResources",
		"XDSUnavailableCommunity", "XDSUnknownCommunity", "XDSUnknownRepositoryId",
	}
)

// QueryCode is the code of the problem in the answer to a stored query (ITI-18, ITI-38,
// ITI-51): its own where the table has it for a query, else XDSRegistryError.
func (p Problem) QueryCode() string {
	return oneOf(queryCodes, p.Code(false), codeRegistry)
}

// RetrieveCode is the code of the problem in the answer to a retrieve (ITI-43, ITI-39):
// its own where the table has it for a retrieve, else XDSRepositoryError.
func (p Problem) RetrieveCode() string {
	return oneOf(retrieveCodes, p.Code(true), codeRepository)
}

// SubmissionCode is the code of the problem in an rs:RegistryResponse.
func (p Problem) SubmissionCode(repository bool) string {
	general := codeRegistry
	if repository {
		general = codeRepository
	}
	if code := p.Code(repository); code != "" {
		return code
	}
	return general
}

func oneOf(allowed []string, code, general string) string {
	if slices.Contains(allowed, code) {
		return code
	}
	return general
}
