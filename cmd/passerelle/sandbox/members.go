package sandbox

import (
	"encoding/pem"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/xds"
)

// patientBody is the body of POST /sandbox/patients.
type patientBody struct {
	Name            string         `json:"name"`
	Family          string         `json:"family"`
	Given           string         `json:"given"`
	Sex             string         `json:"sex"`
	BirthDate       string         `json:"birthDate"`
	INS             xds.CX         `json:"ins"`
	State           string         `json:"state"`
	Settings        *settingsBody  `json:"settings"`
	Representatives []relativeBody `json:"representatives"`
}

type settingsBody struct {
	MaskAll  *bool `json:"maskAll"`
	SamuOK   *bool `json:"samuOK"`
	BdgOK    *bool `json:"bdgOK"`
	MaskedOK *bool `json:"maskedOK"`
}

type relativeBody struct {
	Family string `json:"family"`
	Given  string `json:"given"`
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// addPatient adds a patient to the cast: active, with a test INS, default settings
// and dr-traitant as administrator unless the body says otherwise.
func (s *Sandbox) addPatient(c *gin.Context) {
	var body patientBody
	if !read(c, &body) {
		return
	}
	st := s.cast()
	p, err := st.newPatient(body)
	if err != nil {
		refuse(c, err)
		return
	}
	if err := errors.Join(s.createRecord(c, &st, p), s.reach(c, p)); err != nil {
		s.fail(c, err)
		return
	}
	alone := state{Patients: []patient{p}}
	if err := s.seedAccounts(c, &alone); err != nil {
		s.fail(c, err)
		return
	}
	s.keep(c, p, func(st *state) { st.Patients = append(st.Patients, p) })
}

// newPatient checks the body, all findings at once, and completes it.
func (st *state) newPatient(b patientBody) (patient, error) {
	born, bad := parseBirth(b.BirthDate)
	var findings xds.Errors
	check := func(ok bool, where, found, expected string) {
		if !ok {
			findings.Add(&xds.Error{ID: "JSON-002", Where: where, Found: found, Expected: expected})
		}
	}
	_, taken := st.patient(b.Name)
	check(nameForm.MatchString(b.Name) && !taken, "name", b.Name, "un nom libre : lettres, chiffres, point, tiret")
	check(bad == nil, "birthDate", b.BirthDate, "AAAA-MM-JJ")
	check(b.Sex == "F" || b.Sex == "M" || b.Sex == "U" || b.Sex == "", "sex", b.Sex, "F, M ou U")
	check(b.INS == "" || b.INS.Valid(), "ins", "", "valeur^^^&oid&ISO^NH")
	_, known := st.patientOf(b.INS)
	check(b.INS == "" || !known, "ins", "", "un INS qu'aucun patient du bac à sable ne porte")
	check(b.State == "" || b.State == "none" || profileValue(b.State) != authz.ProfileNone, "state", b.State,
		"none, notified, opposed, open, active, closed ou erased")
	if err := findings.Err(); err != nil {
		return patient{}, err
	}
	p := patient{
		Name: b.Name, Record: recordID(b.Name), INS: b.INS, Family: b.Family, Given: b.Given, Sex: b.Sex, BirthDate: born,
		State: b.State, Settings: authz.DefaultSettings, Administrator: "dr-traitant", Representatives: []person{}, Delegates: []person{},
	}
	if p.Family == "" {
		p.Family = strings.ToUpper(b.Name)
	}
	if p.Given == "" {
		p.Given = "Test"
	}
	if p.State == "" {
		p.State = "active"
	}
	if p.INS == "" {
		p.INS = st.freeINS(p)
	}
	b.Settings.apply(&p.Settings)
	p.Settings.MaskedOK = p.Settings.MaskedOK && (p.Settings.SamuOK || p.Settings.BdgOK)
	for i, r := range b.Representatives {
		as := repName(p.Name, i)
		p.Representatives = append(p.Representatives, person{As: as, ID: personID(as), Family: r.Family, Given: r.Given})
	}
	return p, nil
}

// parseBirth reads AAAA-MM-JJ or AAAAMMJJ and gives the first form.
func parseBirth(text string) (string, error) {
	t, err := time.Parse("20060102", compact(text))
	if err != nil {
		return "", err
	}
	return t.Format(time.DateOnly), nil
}

func (b *settingsBody) apply(to *authz.Settings) {
	if b == nil {
		return
	}
	for _, f := range []struct {
		from *bool
		to   *bool
	}{{b.MaskAll, &to.MaskAll}, {b.SamuOK, &to.SamuOK}, {b.BdgOK, &to.BdgOK}, {b.MaskedOK, &to.MaskedOK}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
}

// freeINS is a test INS that nobody of the cast has.
func (st *state) freeINS(p patient) xds.CX {
	for {
		sex := p.Sex
		if sex != "M" {
			sex = "F"
		}
		commune, order := fmt.Sprintf("59%03d", 900+rand.IntN(100)), fmt.Sprintf("%03d", 1+rand.IntN(999))
		ins := xds.NewCX(cast.NIR(sex, p.BirthDate, commune, order), cast.TestINS, "NH")
		if _, known := st.patientOf(ins); !known {
			return ins
		}
	}
}

// professionalBody is the body of POST /sandbox/professionals.
type professionalBody struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	Profession string `json:"profession"`
	Specialty  string `json:"specialty"`
	Structure  string `json:"structure"`
	Regulator  bool   `json:"regulator"`
	Family     string `json:"family"`
	Given      string `json:"given"`
}

// addProfessional adds a professional, a structure or another kind of bearer.
func (s *Sandbox) addProfessional(c *gin.Context) {
	var body professionalBody
	if !read(c, &body) {
		return
	}
	st := s.cast()
	p, err := st.newProfessional(body)
	if err != nil {
		refuse(c, err)
		return
	}
	if err := s.putProfessional(c, p); err != nil {
		s.fail(c, err)
		return
	}
	s.keep(c, p, func(st *state) { st.Professionals = append(st.Professionals, p) })
}

func (st *state) newProfessional(b professionalBody) (professional, error) {
	p := professional{Name: b.Name, Kind: b.Kind, Profession: b.Profession, Specialty: b.Specialty, Structure: b.Structure,
		Regulator: b.Regulator, Family: b.Family, Given: b.Given}
	if p.Kind == "" {
		p.Kind = "pro"
	}
	_, taken := st.professional(b.Name)
	switch {
	case !nameForm.MatchString(b.Name) || taken:
		return p, &xds.Error{ID: "JSON-002", Where: "name", Found: b.Name, Expected: "un nom libre : lettres, chiffres, point, tiret"}
	case p.Kind != "pro" && p.Kind != "struct" && p.Kind != "other":
		return p, &xds.Error{ID: "JSON-002", Where: "kind", Found: b.Kind, Expected: "pro, struct ou other"}
	case p.Kind == "pro" && p.Profession == "":
		return p, &xds.Error{ID: "JSON-002", Where: "profession", Expected: "un code de TRE_G15 (10 médecin, 60 infirmier…)"}
	}
	if known, ok := st.professional(p.Structure); ok && p.Structure != "" {
		p.StructureName, p.Structure = known.StructureName, known.Structure
	}
	p.complete(st)
	return p, nil
}

// complete gives ids and names to what the body left out.
func (p *professional) complete(st *state) {
	for p.ID == "" {
		p.ID = fmt.Sprintf("8999%08d", rand.IntN(100_000_000))
		if p.Kind == "struct" {
			if p.Structure == "" {
				p.Structure = fmt.Sprintf("1%02d999%04d", 1+rand.IntN(95), rand.IntN(10_000))
			}
			p.ID = p.Structure
			break
		}
		if _, taken := st.professional(p.ID); taken {
			p.ID = ""
		}
	}
	if p.StructureName == "" && p.Structure != "" {
		p.StructureName = "STRUCTURE " + p.Structure
		if p.Kind == "struct" {
			p.StructureName = strings.ToUpper(p.Name)
		}
	}
	if p.Family == "" && p.Kind != "struct" {
		p.Family, p.Given = strings.ToUpper(p.Name), "Test"
	}
}

// keep stores a change of the cast and answers with the new member.
func (s *Sandbox) keep(c *gin.Context, member any, change func(*state)) {
	s.mutex.Lock()
	change(&s.state)
	err := s.state.save(s.Dir)
	s.mutex.Unlock()
	if err != nil {
		s.fail(c, err)
		return
	}
	c.PureJSON(http.StatusOK, member)
}

// authority gives the root certificate, for clients that check signatures.
func (s *Sandbox) authority(c *gin.Context) {
	c.Data(http.StatusOK, "application/x-pem-file", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.rootCert.Raw}))
}
