package sandbox

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/carnet"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/medical"
)

// bookOf is whose health book the home page fills. The seed leaves it empty: the documents
// of the cast are those of the corpus, which stories and clients count.
const bookOf = "alice"

// fillBook lets her write her medical profile, as she would on her pages.
func (s *Sandbox) fillBook(c *gin.Context) {
	if !sameOrigin(c) {
		refuse(c, &xds.Error{ID: "WEB-001"})
		return
	}
	if err := s.writeBook(c); err != nil {
		if _, told := xds.FindingsOf(err); told {
			refuse(c, err)
		} else {
			s.fail(c, err)
		}
		return
	}
	c.Redirect(http.StatusSeeOther, "/")
}

// writeBook writes the sections in which nothing stands.
func (s *Sandbox) writeBook(ctx context.Context) error {
	st := s.cast()
	holder, _ := st.patient(bookOf)
	who, err := st.who("patient:" + bookOf)
	if err != nil {
		return err
	}
	sub := who.subject()
	sub.Patient = holder.INS
	call := rights.Call{Subject: sub, Record: holder.Record, Face: rights.Web}
	desk := s.Service.Console.Carnet
	for id, entries := range book(s.clock.Now().In(s.Service.Gate.Paris)) {
		section, _ := medical.SectionOf(id)
		seen, err := desk.Profile(ctx, call, section)
		if err != nil {
			return err
		}
		if len(seen.Documents) > 0 { // filled before, or by herself
			continue
		}
		if _, err := desk.Put(ctx, call, id, "", entries); err != nil {
			return err
		}
	}
	return nil
}

// book is a medical profile, with a year of measures.
func book(now time.Time) map[string][]carnet.Draft {
	entry := func(kind string, values ...string) carnet.Draft {
		d := carnet.Draft{Kind: kind, Values: map[string]string{}}
		for i := 0; i+1 < len(values); i += 2 {
			d.Values[values[i]] = values[i+1]
		}
		return d
	}
	all := map[string][]carnet.Draft{
		medical.Allergies: {
			entry("allergie", "substance", "Pénicilline", "categorie", "medicament", "gravite", "severe", "reaction", "urticaire", "depuis", "2004"),
			entry("allergie", "substance", "Pollen de bouleau", "categorie", "environnement"),
		},
		medical.History: {
			entry("personnel", "intitule", "Appendicite", "sorte", "operation", "debut", "2009-06"),
			entry("familial", "lien", "mere", "intitule", "Diabète de type 2", "age", "52"),
		},
		medical.Treatments: {entry("traitement", "nom", "Acide folique", "posologie", "un comprimé par jour", "debut", now.AddDate(0, -6, 0).Format("2006-01"))},
		medical.Relatives: {
			entry("confiance", "nom", "Garnier", "prenom", "Léo", "lien", "fratrie", "telephone", "06 39 98 00 21", "accord", "oui"),
			entry("urgence", "nom", "Garnier", "prenom", "Martine", "lien", "parent", "telephone", "06 39 98 00 22"),
		},
	}
	for month := 12; month > 0; month-- {
		when := now.AddDate(0, -month, 0).Format("2006-01-02") + "T08:00"
		swing := month % 3
		all[medical.Measures] = append(all[medical.Measures],
			entry("tension", "quand", when, "systolique", strconv.Itoa(116+2*swing), "diastolique", strconv.Itoa(72+swing)),
			entry("poids", "quand", when, "valeur", strconv.FormatFloat(66.4-0.4*float64(month), 'f', 1, 64)))
	}
	return all
}
