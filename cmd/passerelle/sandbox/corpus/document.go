package corpus

import (
	"crypto/sha256"
	"math/big"
	"strings"
	"time"
	_ "time/tzdata" // documents are dated in Europe/Paris wherever the sandbox runs

	"github.com/passerelle-sante/passerelle/xds"
)

// document is one document as its writer sees it. In its texts {-12j} is the date
// twelve days before the document, {dr-durand} a professional, {age} the patient's age.
type document struct {
	key      string
	patient  string
	as       string // depositor
	author   string // cast or staff name, "" = the depositor
	days     int    // age of the document at the seed
	clock    string // local time of the day, 15:04
	lasted   time.Duration
	kind     kind
	title    string
	events   []xds.Code // coded acts, the first is the main one
	order    string     // number of the order that it fulfils
	sections []section
	file     *attachment // level 1 body, instead of sections
	replaces string      // key of the document that it replaces
	marks    xds.Marks
	content  string // contentTypes
	comments string

	at       time.Time // set: the instant itself, instead of days and clock
	uniqueID string    // set: instead of the one that the key gives
}

// section is one titled part of a structured body. Its text is blocks, then the
// tables that its coded entries give.
type section struct {
	code     string // LOINC
	title    string
	blocks   []block
	results  []result
	drugs    []drug
	vaccines []vaccine
}

// block is a paragraph, a list or a table: exactly one field is set.
type block struct {
	Paragraph string
	Items     []string
	Table     [][]string // first row is the head
}

// result is one biological observation, its unit in UCUM; without unit the value is text.
type result struct{ LOINC, Name, Value, Unit, Low, High, Flag string }

// drug is one line of a prescription or of a treatment, coded in ATC.
type drug struct{ ATC, Name, Dose, Duration string }

// vaccine is one injection, years and days before the document.
type vaccine struct {
	Years, Days              int
	ATC, Name, Lot, Dose, By string
}

// attachment is the body of a level 1 document.
type attachment struct {
	mediaType string
	bytes     []byte
}

// kind is a type of document: its code, and the templates that give its format.
type kind struct {
	code      string
	display   string
	templates string // space separated, beside those of every French document
}

// The types of the corpus (JDV_J66, names of JDV_J07).
var (
	consultation    = kind{"11488-4", "CR ou fiche de consultation ou de visite", ""}
	biology         = kind{"11502-2", "CR d'examens biologiques", "1.3.6.1.4.1.19376.1.3.3 1.2.250.1.213.1.1.1.55"}
	imaging         = kind{"18748-4", "CR d'imagerie médicale", "1.2.250.1.213.1.1.1.45"}
	dischargeLetter = kind{"11490-0", "Lettre de liaison à la sortie d'un établissement de soins", "1.2.250.1.213.1.1.1.29"}
	hospitalStay    = kind{"34112-3", "CR hospitalier (séjour)", ""}
	emergencyVisit  = kind{"15507-7", "CR de passage aux urgences", ""}
	anaesthesia     = kind{"34749-2", "CR de consultation pré-anesthésique", ""}
	deliveryReport  = kind{"15508-5", "CR d'accouchement", ""}
	pathology       = kind{"11526-1", "CR d'anatomie et de cytologie pathologiques", "1.2.250.1.213.1.1.1.57"}
	careSheet       = kind{"11506-3", "CR ou fiche de suivi de soins par auxiliaire médical", ""}
	functional      = kind{"47420-5", "CR de bilan fonctionnel", ""}
	childExam       = kind{"59283-2", "CR d'examen de l'enfant", ""}
	certificate     = kind{"89601-9", "Certificat médical", ""}
	referral        = kind{"96349-6", "Lettre d'adressage", ""}
	teleconsult     = kind{"85208-7", "CR de télémédecine", ""}
	prescription    = kind{"57833-6", "Prescription de produits de santé", "1.3.6.1.4.1.19376.1.9.1.1.1 1.2.250.1.213.1.1.1.39"}
	physiotherapy   = kind{"PRESC-KINE", "Prescription d'actes de kinésithérapie", ""}
	dispensation    = kind{"60593-1", "Dispensation médicamenteuse", "1.3.6.1.4.1.19376.1.9.1.1.3 1.2.250.1.213.1.1.1.54"}
	vaccineNote     = kind{"87273-9", "Note de vaccination", "1.3.6.1.4.1.19376.1.5.3.1.1.18.1.2 1.2.250.1.213.1.1.1.46"}
	vaccineHistory  = kind{"11369-6", "Historique des vaccinations", "1.3.6.1.4.1.19376.1.5.3.1.1.18.1.2 1.2.250.1.213.1.1.1.37"}
	synthesis       = kind{"SYNTH", "Synthèse", "1.2.250.1.213.1.1.1.13"}
	longTermPlan    = kind{"PROT_ALD", "Protocole de soins ALD", ""}
	wishes          = kind{"EXPPAT_1", "Volontés et droits du patient", ""}
	directives      = kind{"EXPPAT_3", "Directives anticipées", "1.2.250.1.213.1.1.1.9"}
	patientImage    = kind{"DOCPAT04", "Imagerie déposée par le patient", ""}
	reimbursements  = kind{"REMB", "Données de remboursement", "1.2.250.1.213.1.1.1.36"}
)

const (
	loinc     = "2.16.840.1.113883.6.1"
	typeOID   = "1.2.250.1.213.1.1.4.12" // TRE_A05
	levelOne  = "1.3.6.1.4.1.19376.1.2.20"
	baseOfAll = "2.16.840.1.113883.2.8.2.1 1.2.250.1.213.1.1.1.1"
)

// Code is the typeCode: LOINC when it is a number, else the French complement.
func (k kind) Code() xds.Code {
	if k.code[0] >= '0' && k.code[0] <= '9' {
		return xds.Code{Value: k.code, Scheme: loinc, Display: k.display}
	}
	return xds.Code{Value: k.code, Scheme: typeOID, Display: k.display}
}

// templateIDs are the templates of the document.
func (d document) templateIDs() []string {
	if d.file != nil {
		return strings.Fields(baseOfAll + " " + levelOne)
	}
	return strings.Fields(baseOfAll + " " + d.kind.templates)
}

// id is the uniqueId of the document.
func (d document) id() string {
	if d.uniqueID != "" {
		return d.uniqueID
	}
	return oid(d.key)
}

// oid derives from a key the OID of a UUID version 8 (ITU-T X.667, arc 2.25):
// nobody else can have it, and the seed has the same ones after each reset.
func oid(key string) string {
	sum := sha256.Sum256([]byte("passerelle/corpus/" + key))
	uuid := sum[:16]
	uuid[6] = uuid[6]&0x0F | 0x80
	uuid[8] = uuid[8]&0x3F | 0x80
	return "2.25." + new(big.Int).SetBytes(uuid).String()
}

// time is the instant of the document, days before the seed at a local hour.
func (d document) time(seed time.Time) time.Time {
	if !d.at.IsZero() {
		return d.at.In(paris())
	}
	clock, err := time.Parse("15:04", d.clock)
	if err != nil {
		clock = time.Time{}.Add(9 * time.Hour) // cannot be: a test reads every clock
	}
	day := seed.In(paris()).AddDate(0, 0, -d.days)
	return time.Date(day.Year(), day.Month(), day.Day(), clock.Hour(), clock.Minute(), 0, 0, paris())
}

func paris() *time.Location {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return time.FixedZone("CET", 3600) // cannot be: the zone is in the binary
	}
	return zone
}

// The writing of sections, short because it is done a hundred times.

func text(code, title string, paragraphs ...string) section {
	s := section{code: code, title: title}
	for _, p := range paragraphs {
		s.blocks = append(s.blocks, block{Paragraph: p})
	}
	return s
}

func list(code, title string, items ...string) section {
	return section{code: code, title: title, blocks: []block{{Items: items}}}
}

func rows(code, title string, table ...[]string) section {
	return section{code: code, title: title, blocks: []block{{Table: table}}}
}

func (s section) and(paragraphs ...string) section {
	for _, p := range paragraphs {
		s.blocks = append(s.blocks, block{Paragraph: p})
	}
	return s
}

func results(code, title string, all ...result) section {
	return section{code: code, title: title, results: all}
}

func drugs(code, title string, all ...drug) section {
	return section{code: code, title: title, drugs: all}
}

func vaccines(title string, all ...vaccine) section {
	return section{code: "11369-6", title: title, vaccines: all}
}

func act(value, display string) xds.Code {
	return xds.Code{Value: value, Scheme: loinc, Display: display}
}

func ccam(value, display string) xds.Code {
	return xds.Code{Value: value, Scheme: "1.2.250.1.215.300.1", Display: display}
}
