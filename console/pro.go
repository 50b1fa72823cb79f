package console

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
)

// proRoutes are the pages of professionals (users §3 rows 57…61). Whoever signs in here
// is a professional; what he may do on a record each page asks the Gate.
var proRoutes = []route{
	{method: http.MethodGet, path: "/pro", handle: (*Server).proHome},
	{method: http.MethodPost, path: "/pro/recherche", handle: (*Server).proSearch},
	{method: http.MethodGet, path: "/pro/{record}", handle: (*Server).proRecord},
	{method: http.MethodPost, path: "/pro/{record}/lien", handle: (*Server).proLink},
	{method: http.MethodPost, path: "/pro/{record}/lien/fin", handle: (*Server).proUnlink},
}

// proStart is the first page: the records that the professional may enter, and the search
// of another one.
type proStart struct {
	Known    []registry.Known
	Findings []finding
}

func (s *Server) proHome(v *visit) error { return v.proStart(http.StatusOK, nil) }

func (v *visit) proStart(status int, refused error) error {
	known, err := v.server.Rights.Known(v.context(), v.call, time.Time{}, registry.ByAuthorization)
	if err != nil {
		return err
	}
	return v.render(status, "pro-home", v.T("Mes patients"), proStart{known, v.findings(refused)})
}

// tries is what bounds the searches that find nobody, of each professional: a wrong
// number now and then is human, a hundred are a list being tried.
func (v *visit) tries() account.Tried {
	return account.Tried{Kind: "pro-search", Value: v.call.Subject.ID, Limit: account.Limit{Free: 10, First: time.Minute, Longest: time.Hour, Memory: 15 * time.Minute}}
}

// proSearch finds a record by its INS or by the five traits, and answers as an existence
// test does: one record, or none; no list of people who are nearly so. What
// was typed stands in no address and is not shown again.
func (s *Server) proSearch(v *visit) error {
	var until time.Time
	err := s.Registry.Write(v.context(), func(in *registry.Session) (err error) {
		until, err = account.ShutUntil(v.context(), in.Handle(), s.Now(), v.tries())
		return err
	})
	if err != nil {
		return err
	}
	if !until.IsZero() {
		return v.proStart(http.StatusTooManyRequests, &xds.Error{ID: "WEB-010", Expected: v.T("dans %d minutes", int(until.Sub(s.Now()).Minutes())+1)})
	}
	id, err := v.proSought()
	if err == nil {
		v.redirect("/pro/" + id)
		return nil
	}
	all, known := xds.FindingsOf(err)
	if !known {
		return err
	}
	if all[0].ID == "REG-001" {
		if err := s.Registry.Write(v.context(), func(in *registry.Session) error {
			_, err := account.Fail(v.context(), in.Handle(), v.tries(), s.Now())
			return err
		}); err != nil {
			return err
		}
	}
	return v.proStart(all[0].Problem().Status, all)
}

var insLike = regexp.MustCompile(`^[0-9]{6}[0-9AB][0-9]{8}$`)

// proSought is the record that the form asks for.
func (v *visit) proSought() (id string, err error) {
	desk, ctx := v.server.Rights, v.context()
	if ins := strings.ToUpper(strings.Join(strings.Fields(v.form("ins")), "")); ins != "" {
		if !insLike.MatchString(ins) || !keyHolds(ins) {
			return "", &xds.Error{ID: "JSON-002", Where: v.T("INS"), Expected: v.T("15 caractères, clé comprise")}
		}
		for _, authority := range v.server.insAuthorities() {
			id, err = desk.Find(ctx, v.call, xds.NewCX(ins, authority, "NH"))
			if all, told := xds.FindingsOf(err); !told || all[0].ID != "REG-001" {
				return id, err
			}
		}
		return "", err
	}
	traits := authz.Traits{Family: v.form("nom"), Given: v.form("prenom")}
	var findings xds.Errors
	missing := func(name, field string) {
		if v.form(field) == "" {
			findings.Add(&xds.Error{ID: "JSON-002", Where: v.T(name), Expected: v.T("à remplir")})
		}
	}
	missing("Nom de naissance", "nom")
	missing("Prénom", "prenom")
	missing("Sexe", "sexe")
	if traits.BirthDate, err = birthDate(v.form("naissance")); err != nil {
		findings.Add(&xds.Error{ID: "JSON-002", Where: v.T("Date de naissance"), Expected: v.T("jour, mois et année")})
	}
	if len(findings) > 0 {
		return "", findings
	}
	return desk.FindByTraits(ctx, v.call, traits, v.form("sexe"))
}

// insAuthorities are those under which a number may be registered (domain §3.1).
func (s *Server) insAuthorities() []string {
	if s.Sandbox {
		return []string{"1.2.250.1.213.1.4.10"}
	}
	return []string{"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9"}
}

// keyHolds checks the last two digits of an INS, 97 − n mod 97 (INSEE; Corsica counts
// 2A as 19 and 2B as 18).
func keyHolds(ins string) bool {
	body := strings.NewReplacer("2A", "19", "2B", "18").Replace(ins[:13])
	n, err := strconv.ParseInt(body, 10, 64)
	return err == nil && strconv.Itoa(int(197 - n%97))[1:] == ins[13:]
}

// birthDate reads the date of a form, as browsers send it or as people write it, as
// YYYYMMDD.
func birthDate(text string) (string, error) {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		at, err = time.Parse("2/1/2006", text)
	}
	return at.Format("20060102"), err
}

// proSheet is what stands above every page of a record: whose it is, when the
// professional may know, and how he is here.
type proSheet struct {
	rights.Position
	Emergency *emergencyAccess
}

// Known tells whether he may know whose record it is.
func (p proSheet) Named() bool { return p.Traits != authz.Traits{} }

// sheet is that of a page whose own reading does not say it: nothing on the patient's side.
func (v *visit) sheet() (sheet proSheet, err error) {
	if v.side == proSide {
		sheet.Position, err = v.server.Rights.Heading(v.context(), v.call)
	}
	return sheet, err
}

// Access words, as the page of the record says them.
var accessWords = map[authz.Access]string{
	authz.AccessValid:     "Vous pouvez consulter ce dossier.",
	authz.AccessNone:      "Vous n'avez pas déclaré de lien avec ce dossier : vous pouvez y déposer, pas le consulter.",
	authz.AccessExpired:   "Votre autorisation a expiré : recueillez de nouveau l'accord du patient pour consulter ce dossier.",
	authz.AccessForbidden: "Accès non autorisé. Vous pouvez déposer des documents et supprimer les vôtres.",
	authz.AccessClosed:    "Ce dossier est clos : personne ne le consulte ni ne l'alimente.",
}

var basisWords = map[authz.Value]string{
	authz.ConsentLink: "avec le consentement du patient", authz.TeamLink: "comme membre de l'équipe de soins",
}

// proRecordPage is the page of a record.
type proRecordPage struct {
	proSheet
	Status   string
	Basis    string
	Team     bool // his token names the structure of a team
	Findings []finding
	Basis0   string // as it was typed
	Expires  string
}

func (s *Server) proRecord(v *visit) error { return v.proRecord(http.StatusOK, nil) }

func (v *visit) proRecord(status int, refused error) error {
	at, err := v.server.Rights.Position(v.context(), v.call)
	if err != nil {
		return err
	}
	page := proRecordPage{proSheet: proSheet{Position: at}, Status: v.T(accessWords[at.Access]), Basis: v.T(basisWords[at.Link]), Team: v.call.Subject.Structure != "",
		Findings: v.findings(refused), Basis0: v.form("basis"), Expires: v.form("expires")}
	return v.render(status, "pro-record", v.proTitle(page.proSheet), page)
}

// proTitle names the record for who may know whose it is.
func (v *visit) proTitle(p proSheet) string {
	if p.Named() {
		return p.Traits.Given + " " + p.Traits.Family
	}
	return v.T("Dossier trouvé")
}

// proLink is the ticked box (S0, C-08): with it, and its end, the record opens.
func (s *Server) proLink(v *visit) error {
	l, err := s.Rights.DeclareLink(v.context(), v.call, v.call.Subject.ID, rights.Declaration{Basis: v.form("basis"), Attested: v.ticked("attested"), Expires: v.form("expires")})
	if told(err) && !isDoor(err) {
		return v.proRecord(http.StatusUnprocessableEntity, err)
	}
	if err != nil {
		return err
	}
	return v.done(v.at(), v.T("Votre déclaration est enregistrée. Vous pouvez consulter ce dossier jusqu'au %s.", tellDay(v.lang, l.Expires.In(s.pages.paris))))
}

func (s *Server) proUnlink(v *visit) error {
	if err := s.Rights.Unlink(v.context(), v.call, v.call.Subject.ID); err != nil {
		return err
	}
	return v.done(v.at(), v.T("Votre déclaration est retirée : vous ne consultez plus ce dossier."))
}

// isDoor tells a refusal of the whole record, which is a page of its own.
func isDoor(err error) bool {
	all, ok := xds.FindingsOf(err)
	return ok && len(all) > 0 && strings.HasPrefix(all[0].ID, "ACC-")
}

// proDoorWords say what a professional can do before a closed door: no more than its code
// says, in words that are no integrator's.
var proDoorWords = map[string]string{
	"ACC-01": "Le titulaire a clos son dossier : personne ne le consulte ni ne l'alimente.",
	"ACC-04": "Vous pouvez encore déposer des documents dans ce dossier, et supprimer les vôtres.",
	"ACC-11": "Un médecin du travail dépose des documents, il n'en consulte pas.",
	"ACC-23": "Recueillez l'accord du patient, puis déclarez-le sur la page du dossier.",
	"ACC-24": "Ce mode est celui du médecin régulateur du centre 15, si le patient l'a permis.",
	"ACC-25": "Vérifiez le nom, le prénom et la date de naissance, et justifiez l'accès. Le patient peut aussi s'être opposé à ce mode.",
	"ACC-29": "Recueillez de nouveau l'accord du patient, puis déclarez-le sur la page du dossier.",
	"C-08":   "Choisissez à quel titre, et cochez la déclaration : sans elle, le dossier ne s'ouvre pas.",
}

// RecordPage is the page of the record that a professional is in, "" elsewhere.
func (v *visit) RecordPage() string {
	if v.side != proSide || v.call.Record == "" {
		return ""
	}
	return v.at()
}
