package console

import (
	"net/http"
	"time"
)

var proAnnounceRoutes = []route{
	{method: http.MethodGet, path: "/pro/annonces", handle: (*Server).proAnnouncements},
}

// proAnnouncement is a document that waits for its announcement.
type proAnnouncement struct {
	proRow
	Patient string
	Born    string
	Path    string
	Since   time.Time
	Days    int
}

// proAnnouncements lists what the visitor hid from his patients: nothing lifts it but he,
// or the médecin traitant.
func (s *Server) proAnnouncements(v *visit) error {
	all, err := s.Rights.Announcements(v.context(), v.call)
	if err != nil {
		return err
	}
	var page []proAnnouncement
	for _, a := range all {
		d, _ := a.Document.Value()
		row := v.proRowOf(d)
		page = append(page, proAnnouncement{proRow: row, Patient: a.Traits.Given + " " + a.Traits.Family, Born: a.Traits.BirthDate,
			Path: "/pro/" + a.Record + "/documents/" + row.ID, Since: a.At, Days: int(s.Now().Sub(a.At).Hours() / 24)})
	}
	return v.show("pro-annonces", v.T("Annonces à faire"), page)
}
