package corpus

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/xds"
)

//go:embed cda.xml.tmpl
var source string

var documentTemplate = template.Must(template.New("cda").Funcs(template.FuncMap{
	"x": escape, "ts": timestamp, "day": func(t time.Time) string { return t.Format("20060102") },
	"fr": func(t time.Time) string { return t.Format("02/01/2006") }, "comma": func(s string) string { return strings.Replace(s, ".", ",", 1) },
	"unit": func(s string) string { return units.Replace(s) }, "lines": wrapped,
}).Parse(source))

// view is what the template sees: a document with its persons.
type view struct {
	d          document
	cast       cast.Cast
	at         time.Time
	err        error
	ID, SetID  string
	Version    int
	Parent     string
	Templates  []string
	Type       xds.Code
	Title      string
	At         time.Time
	Patient    cast.Patient
	LocalRoot  string // authority of the local number by which the depositor knows the patient, "" = none
	Authors    []actor
	Signer     actor
	Custodian  cast.Structure
	Order      string // number of the order fulfilled, "" = none
	OrderRoot  string
	Events     []xds.Code
	Start      time.Time
	Stop       *time.Time
	Facility   xds.Code
	Setting    xds.Code
	MediaType  string
	Body       string
	Sections   []sectionView
	Guardians  []cast.Person
	PatientINS string
}

// actor is an author or a signer.
type actor struct {
	Root, ID      string
	Specialty     xds.Code
	Role          xds.Code // functionCode
	Family, Given string
	Device        bool
	Structure     *cast.Structure
}

type sectionView struct {
	Number   int
	Code     string
	Title    string
	Blocks   []block
	Results  []result
	Drugs    []drug
	Vaccines []vaccineView
}

type vaccineView struct {
	vaccine
	On time.Time
}

// expression is the code of what a patient says himself (TRE_A00).
var expression = xds.Code{Value: "EXP_PATIENT", Scheme: cast.ProducerOID, Display: "Expression personnelle du patient"}

// render writes the CDA of a document.
func render(c cast.Cast, d document) ([]byte, error) {
	v := &view{d: d, cast: c, ID: d.id(), SetID: oid("set/" + d.key), Version: 1, Templates: d.templateIDs(), Type: d.kind.Code(), Order: d.order, OrderRoot: oid("orders"), Events: d.events}
	v.at = d.time(c.Seed)
	v.At = v.at
	if d.replaces != "" {
		v.Parent, v.SetID, v.Version = oid(d.replaces), oid("set/"+d.replaces), 2
	}
	patient, ok := c.Patient(d.patient)
	if !ok {
		return nil, fmt.Errorf("no patient %q", d.patient)
	}
	v.Patient, v.PatientINS, v.Guardians = patient, patient.INS.ID(), patient.Representatives
	if err := v.people(); err != nil {
		return nil, err
	}
	v.period()
	v.Title = v.expand(d.title)
	if d.file != nil {
		v.MediaType, v.Body = d.file.mediaType, base64.StdEncoding.EncodeToString(d.file.bytes)
	}
	for i, s := range d.sections {
		v.Sections = append(v.Sections, v.section(i+1, s))
	}
	if v.err != nil {
		return nil, v.err
	}
	var b bytes.Buffer
	if err := documentTemplate.Execute(&b, v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// people finds who wrote, signed and keeps the document.
func (v *view) people() error {
	if v.d.origin() == xds.FromPatient {
		self := actor{Root: v.Patient.INS.Authority(), ID: v.PatientINS, Specialty: expression, Family: v.Patient.Family, Given: v.Patient.Given}
		v.Authors, v.Signer = []actor{self}, self
		v.Custodian = cast.Structure{Name: "Mon espace santé"}
		v.Facility, v.Setting = expression, expression
		return nil
	}
	depositor, ok := v.cast.Professional(v.d.as)
	if !ok {
		return fmt.Errorf("no depositor %q", v.d.as)
	}
	v.Custodian, v.Facility, v.Setting = depositor.Structure, depositor.Structure.Facility, depositor.Structure.Setting
	if depositor.Structure.Setting.Value == "ETABLISSEMENT" {
		v.LocalRoot = oid("ipp/" + depositor.ID)
	}
	if v.d.kind == reimbursements {
		feed := actor{Root: cast.PersonOID, ID: "3" + depositor.ID[1:] + "/HR-1", Family: depositor.Structure.Name, Given: ".", Device: true, Structure: &depositor.Structure,
			Specialty: xds.Code{Value: "ALIM_AM", Scheme: cast.ProducerOID, Display: "Alimentation automatique à partir du Système d'Information de l'Assurance Maladie"}}
		v.Authors, v.Signer = []actor{feed}, feed
		return nil
	}
	writer, ok := v.professional(v.d.author)
	if v.d.author == "" {
		writer, ok = depositor, true
	}
	if !ok || writer.Kind != cast.KindPro {
		return fmt.Errorf("no author %q", v.d.author)
	}
	author := actor{Root: cast.PersonOID, ID: writer.ID, Specialty: writer.SpecialtyCode(), Family: writer.Family, Given: writer.Given, Structure: &depositor.Structure}
	if writer.Name == v.Patient.Administrator {
		author.Role = xds.Code{Value: "PCP", Scheme: "2.16.840.1.113883.5.88", Display: "Médecin traitant"}
	}
	v.Authors, v.Signer = []actor{author}, author
	return nil
}

// professional is a member of the cast or of the staff.
func (v *view) professional(name string) (cast.Professional, bool) {
	for _, p := range staff {
		if p.Name == name {
			return p, true
		}
	}
	return v.cast.Professional(name)
}

// staff sign for structures of the cast without being members of it.
var staff = []cast.Professional{
	{Name: "biologiste", Kind: cast.KindPro, ID: "899900007107", Family: "VANHOUTTE", Given: "Marc", Profession: "10", Specialty: "SM03"},
	{Name: "radiologue", Kind: cast.KindPro, ID: "899900007214", Family: "SENECHAL", Given: "Odile", Profession: "10", Specialty: "SM44"},
	{Name: "pharmacienne", Kind: cast.KindPro, ID: "899900007321", Family: "LEGRAND", Given: "Aurélie", Profession: "21", Specialty: "A"},
}

// period dates the documented act: it ends with the document when it lasted an hour or more.
func (v *view) period() {
	lasted := v.d.lasted
	if lasted == 0 {
		lasted = 20 * time.Minute
	}
	v.Start = v.at.Add(-lasted)
	if lasted >= time.Hour {
		v.Stop = &v.at
	}
}

func (v *view) section(number int, s section) sectionView {
	sv := sectionView{Number: number, Code: s.code, Title: s.title, Results: s.results, Drugs: s.drugs}
	for _, b := range s.blocks {
		e := block{Paragraph: v.expand(b.Paragraph)}
		for _, item := range b.Items {
			e.Items = append(e.Items, v.expand(item))
		}
		for _, row := range b.Table {
			cells := make([]string, len(row))
			for i, cell := range row {
				cells[i] = v.expand(cell)
			}
			e.Table = append(e.Table, cells)
		}
		sv.Blocks = append(sv.Blocks, e)
	}
	for _, x := range s.vaccines {
		x.By = v.expand(x.By)
		sv.Vaccines = append(sv.Vaccines, vaccineView{x, v.at.AddDate(-x.Years, 0, -x.Days)})
	}
	return sv
}

var marker = regexp.MustCompile(`\{[^}]*\}`)

// expand replaces the markers of a text; one that means nothing is an error.
func (v *view) expand(s string) string {
	return marker.ReplaceAllStringFunc(s, func(m string) string {
		name := m[1 : len(m)-1]
		if days, isDate := strings.CutSuffix(name, "j"); isDate {
			if n, err := strconv.Atoi(days); err == nil {
				return v.at.AddDate(0, 0, n).Format("02/01/2006")
			}
		}
		if name == "age" {
			return strconv.Itoa(age(v.Patient.Born(), v.at)) + " ans"
		}
		if p, ok := v.professional(name); ok {
			switch {
			case p.Kind == cast.KindStruct:
				return p.Structure.Name
			case p.Profession == "10" || p.Profession == "40" || p.Profession == "21":
				return "Dr " + p.Family
			default:
				return p.Given + " " + p.Family
			}
		}
		v.err = fmt.Errorf("marker %s means nothing", m)
		return m
	})
}

// age in whole years.
func age(born, at time.Time) int {
	years := at.Year() - born.Year()
	if at.YearDay() < born.AddDate(years, 0, 0).YearDay() {
		years--
	}
	return years
}

// escape makes text or an attribute value between double quotes of s.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace

// timestamp is an HL7 v3 TS with its offset.
func timestamp(t time.Time) string { return t.In(paris()).Format("20060102150405-0700") }

// wrapped cuts base64 into lines.
func wrapped(s string) []string {
	const width = 100
	var all []string
	for len(s) > width {
		all, s = append(all, s[:width]), s[width:]
	}
	return append(all, s)
}

// units are the French spellings of the UCUM units of the corpus.
var units = strings.NewReplacer("10*9/L", "G/L", "10*12/L", "T/L", "ug/L", "µg/L", "[IU]/mL", "UI/mL", "m[IU]/L", "mUI/L", "mL/min/{1.73_m2}", "mL/min/1,73 m²")
