package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// loincScheme is the scheme of the types of the gates.
const loincScheme = "2.16.840.1.113883.6.1"

// searchset is what the bench reads of the answer to a search.
type searchset struct {
	Entry []struct {
		Resource struct {
			ID      string
			Content []struct{ Attachment struct{ URL string } }
		}
	}
}

// memo gives the request for a patient, written the first time.
func (w *world) memo(what string, p patient, write func() (*request, error)) (*request, error) {
	key := fmt.Sprint(what, " ", p.n)
	if q := w.written[key]; q != nil {
		return q, nil
	}
	q, err := write()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	w.written[key] = q
	return q, nil
}

// iti41 deposits one document of 50 kB (MTOM).
func (w *world) iti41(p patient) (*request, error) {
	return w.memo("iti41", p, func() (*request, error) {
		return w.provide(p, asked, newOID(43), newOID(43), false, 0, w.document)
	})
}

// smallDocument is that of the gate of small deposits, in bytes (20 kB).
const smallDocument = 20_000

// iti41Small deposits one document of 20 kB (MTOM).
func (w *world) iti41Small(p patient) (*request, error) {
	return w.memo("iti41 small", p, func() (*request, error) {
		return w.provide(p, asked, newOID(43), newOID(43), false, 0, w.document[:smallDocument])
	})
}

// iti18 asks FindDocuments, LeafClass, for the documents of one type.
func (w *world) iti18(p patient) (*request, error) { return w.query(p, asked) }

// query is FindDocuments for a type.
func (w *world) query(p patient, code string) (*request, error) {
	return w.memo("iti18 "+code, p, func() (*request, error) {
		assertion, err := w.assertion(reader, p)
		if err != nil {
			return nil, err
		}
		return envelope(w.base(), "/xds/registry", actionQuery, assertion, ebrim.AppendQuery(nil, ebrim.QueryRequest{
			ID: ebrim.Lookup("FindDocuments").UUID, ReturnType: ebrim.LeafClass,
			Params: []ebrim.QueryParam{
				{Name: "$XDSDocumentEntryPatientId", Values: []string{string(xds.NewCX(p.ins, cast.TestINS, "NH").Key())}},
				{Name: "$XDSDocumentEntryStatus", Values: []string{string(xds.Approved)}},
				{Name: "$XDSDocumentEntryTypeCode", Values: []string{code + "^^" + loincScheme}},
			},
		}))
	})
}

// iti67 is the same question in FHIR.
func (w *world) iti67(p patient) (*request, error) {
	return w.memo("iti67", p, func() (*request, error) {
		token, err := w.token(reader, p)
		if err != nil {
			return nil, err
		}
		search := url.Values{"patient": {p.record}, "status": {"current"}, "type": {"http://loinc.org|" + asked}, "_count": {"50"}}
		return get("/fhir/DocumentReference?"+search.Encode(), token, fmt.Sprintf(`"total":%d`, visiblePerType)), nil
	})
}

// iti65 provides one document of 50 kB in a transaction.
func (w *world) iti65(p patient) (*request, error) {
	return w.memo("iti65", p, func() (*request, error) {
		token, err := w.token(author, p)
		if err != nil {
			return nil, err
		}
		h := http.Header{"Accept": {fhirType}, "Content-Type": {fhirType}, "Authorization": {"Bearer " + token}}
		l := &peerLoad{header: h, document: w.document, o: options{birth: templateBirth}}
		q, ids := l.transaction(p.record)
		q.path, q.ids, q.want = "/fhir", ids, []byte("201")
		return q, q.share([]byte(base64.StdEncoding.EncodeToString(w.document)))
	})
}

// readReference reads a DocumentReference by its id.
func (w *world) readReference(p patient, id string) (*request, error) {
	return w.memo("read "+id, p, func() (*request, error) {
		token, err := w.token(reader, p)
		if err != nil {
			return nil, err
		}
		return get("/fhir/DocumentReference/"+id, token, `"resourceType":"DocumentReference"`), nil
	})
}

// iti43 reads a document by its uniqueId.
func (w *world) iti43(p patient, uid string, size int64) (*request, error) {
	return w.memo("iti43 "+uid, p, func() (*request, error) {
		assertion, err := w.assertion(reader, p)
		if err != nil {
			return nil, err
		}
		q, err := envelope(w.base(), "/xds/repository", actionRetrieve, assertion,
			ebrim.AppendRetrieveRequest(nil, []ebrim.RetrieveRequest{{RepositoryUniqueID: sandbox.RepositoryID, DocumentUniqueID: uid}}))
		if q != nil {
			q.least = size
		}
		return q, err
	})
}

// iti68 reads the same document at the address that a search gives.
func (w *world) iti68(ctx context.Context, p patient, uid string, size int64) (*request, error) {
	return w.memo("iti68 "+uid, p, func() (*request, error) {
		token, err := w.token(reader, p)
		if err != nil {
			return nil, err
		}
		search := url.Values{"patient": {p.record}, "identifier": {"urn:ietf:rfc:3986|urn:oid:" + uid}}
		var found searchset
		answer, err := w.once(ctx, w.base(), get("/fhir/DocumentReference?"+search.Encode(), token, ""))
		if err == nil {
			err = json.Unmarshal(answer, &found)
		}
		if err != nil || len(found.Entry) != 1 || len(found.Entry[0].Resource.Content) != 1 {
			return nil, fmt.Errorf("the document that was deposited is not found: %d entries, %w", len(found.Entry), err)
		}
		address, err := url.Parse(found.Entry[0].Resource.Content[0].Attachment.URL)
		if err != nil {
			return nil, err
		}
		q := get(address.RequestURI(), token, "")
		q.header.Del("Accept")
		q.least = size
		return q, nil
	})
}
