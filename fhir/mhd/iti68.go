package mhd

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// read is GET DocumentReference/{id}, the current version of a document that the
// reader may see, and GET DocumentReference/{id}/_history/{vid}, one of its metadata
// versions, for who sees the current one. A hidden one answers as an unknown one (F5,
// F6, policy §0.2).
func (s *Server) read(c *call) error {
	v, relations, err := s.one(c, authz.Search)
	if err != nil {
		return err
	}
	d, _ := v.Value()
	c.w.Header().Set("Last-Modified", time.Unix(d.Labels.UpdatedUnix, 0).UTC().Format(http.TimeFormat))
	if c.unchanged(fhir.ETag(d)) {
		return nil
	}
	return c.write(fhir.AppendDocumentReference(nil, v, s.Base, relations...))
}

// one finds the document that the path names, with its relations. The door of a
// token's patient comes before any id is looked up; without such a token a closed
// record answers as an unknown id (policy §0.1).
func (s *Server) one(c *call, action authz.Value) (authz.Visible[xds.Document], []fhir.Relation, error) {
	ctx := c.r.Context()
	var ids []string
	if lid := fhir.LogicalID(c.id); lid != "" {
		ids = append(ids, lid)
	}
	var document authz.Visible[xds.Document]
	var relates []fhir.Relation
	found := false
	err := s.Registry.Read(ctx, func(session *registry.Session) error {
		found = false
		scopes, err := session.Scopes(ctx, s.Gate, c.subject, c.purpose(action, true), ids...)
		if err != nil {
			return err
		}
		for _, scope := range scopes {
			docs, err := c.versions(ctx, session, scope, ids)
			if err != nil {
				return err
			}
			for _, v := range docs {
				// An on-demand entry has no document yet, hence no DocumentReference.
				if d, _ := v.Value(); len(ids) > 0 && d.Entry.LogicalID == ids[0] && d.Entry.ObjectType != xds.OnDemandDocument {
					document, found = v, true
				}
			}
			if !found || action != authz.Search {
				continue
			}
			all, err := relations(ctx, session, scope, docs)
			if err != nil {
				return err
			}
			relates = related(all)(document)
		}
		return nil
	})
	if err == nil && !found || unseen(err) {
		err = &xds.Error{ID: "FHIR-003"}
	}
	return document, relates, err
}

// versions are the documents that ids name: the current ones, or the version of them
// that the path asks for.
func (c *call) versions(ctx context.Context, session *registry.Session, scope authz.Scope, ids []string) ([]authz.Visible[xds.Document], error) {
	if c.vid == "" {
		return session.Get(ctx, scope, ids...)
	}
	all, err := session.GetVersions(ctx, scope, xds.AttrLogicalID, ids...)
	return slices.DeleteFunc(all, func(v authz.Visible[xds.Document]) bool {
		d, _ := v.Value()
		return strconv.Itoa(d.Entry.Version) != c.vid
	}), err
}

// unseen tells a patient never seen: his objects are unknown ones (policy §0.4).
func unseen(err error) bool {
	var refusal *xds.Error
	return errors.As(err, &refusal) && refusal.ID == "REG-001"
}

// unchanged sets the ETag and answers 304 to a client that has this version already.
// It is asked after the decision: a validator opens nothing.
func (c *call) unchanged(etag string) bool {
	c.w.Header().Set("ETag", etag)
	if matches(strings.Join(c.r.Header.Values("If-None-Match"), ","), etag) {
		c.w.WriteHeader(http.StatusNotModified)
		return true
	}
	return false
}

// retrieve is ITI-68 Retrieve Document (MHD 2:3.68): the bytes as they were sent,
// streamed; or a Binary resource when the client asks for FHIR JSON (R1).
func (s *Server) retrieve(c *call) error {
	v, _, err := s.one(c, authz.Retrieve)
	if err != nil {
		return err
	}
	d, _ := v.Value()
	if d.Content.Blob == "" {
		return &xds.Error{ID: "FHIR-003", Hint: "le document est dans un autre entrepôt : ITI-43 sur " + d.Entry.RepositoryUniqueID}
	}
	kind := mediaType(d.Entry.MimeType)
	resource, err := c.wantsResource(kind)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Content-Disposition", "attachment")
	etag, size := d.Content.SHA256, d.Content.Size
	var before []byte
	var after string
	if resource {
		if before, after, err = c.binary(v); err != nil {
			return err
		}
		kind = c.form.Format.MediaType()
		etag += [...]string{fhir.JSON: "-json", fhir.XML: "-xml"}[c.form.Format]
		size = int64(len(before)) + int64(base64.StdEncoding.EncodedLen(int(size))) + int64(len(after))
	}
	if c.unchanged(`"` + etag + `"`) {
		return nil
	}
	body, err := s.Repository.Open(c.r.Context(), v)
	if err != nil {
		return err
	}
	defer body.Close()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	c.w.WriteHeader(http.StatusOK)
	if c.r.Method == http.MethodHead {
		return nil
	}
	if err := stream(c.w, body, before, after); err != nil {
		// The status is gone: an answer cut short of its length tells the client.
		s.Log.Error("incident", "request", c.request, "transaction", c.route.name, "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// binary is the Binary resource around the base64 of the bytes.
func (c *call) binary(v authz.Visible[xds.Document]) (before []byte, after string, err error) {
	if c.form.Format == fhir.XML {
		return fhir.AppendBinaryXML(nil, v)
	}
	before, after = fhir.AppendBinary(nil, v)
	return before, after, nil
}

// stream copies the bytes, or the resource around their base64.
func stream(w io.Writer, body io.Reader, before []byte, after string) error {
	if before == nil {
		_, err := io.Copy(w, body)
		return err
	}
	if _, err := w.Write(before); err != nil {
		return err
	}
	encoder := base64.NewEncoder(base64.StdEncoding, w)
	if _, err := io.Copy(encoder, body); err != nil {
		return err
	}
	if err := encoder.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(w, after)
	return err
}

// mediaType is the type of a document, when it is one at all.
func mediaType(registered string) string {
	if _, _, err := mime.ParseMediaType(registered); err != nil {
		return "application/octet-stream"
	}
	return registered
}

// wantsResource tells whether the client takes a Binary resource rather than the
// bytes: when it names FHIR JSON or XML before the document's own type or any type.
func (c *call) wantsResource(kind string) (bool, error) {
	if named := c.query["_format"]; len(named) > 0 {
		_, err := c.format(named)
		return true, err
	}
	ranges := accepts(c.r.Header.Values("Accept"))
	if len(ranges) == 0 {
		return false, nil
	}
	own, _, _ := strings.Cut(kind, ";")
	offers := []fhir.Format{fhir.JSON, fhir.XML}
	switch i := choose(ranges, []string{own}, fhir.JSON.Names()[:1], fhir.XML.Names()[:1]); i {
	case -1:
		return false, &xds.Error{ID: "FHIR-005", Where: "Accept", Expected: own + ", application/fhir+json ou application/fhir+xml"}
	case 0:
		return false, nil
	default:
		c.form.Format = offers[i-1]
		return true, nil
	}
}
