package fhir

import (
	"net/http"
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
)

// MediaType is the type of every JSON answer of the FHIR face.
const MediaType = "application/fhir+json; charset=utf-8"

// WriteOutcome answers findings as an OperationOutcome with their HTTP status. It
// is the one rendering of a refusal on the FHIR face and in the JSON API.
func WriteOutcome(w http.ResponseWriter, errs xds.Errors) {
	writeOutcome(w, errs, false)
}

// WriteRepositoryOutcome is WriteOutcome with the IHE codes of the repository actor
// (ITI-65, ITI-68).
func WriteRepositoryOutcome(w http.ResponseWriter, errs xds.Errors) {
	writeOutcome(w, errs, true)
}

func writeOutcome(w http.ResponseWriter, errs xds.Errors, repository bool) {
	body := AppendOutcome(nil, errs, repository)
	h := w.Header()
	h.Set("Content-Type", MediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "private, no-store")
	w.WriteHeader(Status(errs))
	_, _ = w.Write(body)
}
