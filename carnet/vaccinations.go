package carnet

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/medical"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// Vaccinations are what a reader sees of the vaccination book, and what the calendar
// makes of it: done, due, late. It counts the acts that he sees and no others.
type Vaccinations struct {
	Acts      []Act // the newest first
	Forecasts []vaccination.Forecast
	Version   string // of the calendar
	Cut       bool   // there are more documents than are read
	Concerned bool   // the reader's matrix has vaccination documents

	born string
}

// Act is one vaccination, with the document that tells it.
type Act struct {
	vaccination.Entry
	ID  string // of its document, as Document.ID
	Own bool   // the patient, or who acts for him, wrote it
}

// Vaccinations reads the book with the rights of who asks.
func (d *Desk) Vaccinations(ctx context.Context, c rights.Call) (Vaccinations, error) {
	return d.vaccinations(ctx, d.Rights.Registry.Read, c)
}

func (d *Desk) vaccinations(ctx context.Context, in session, c rights.Call) (book Vaccinations, err error) {
	page, scope, err := d.find(ctx, in, c, "vaccinations", xds.EqualCodes(xds.AttrTypeCode, vaccination.Types()...))
	if err != nil {
		return book, err
	}
	book = Vaccinations{Version: d.Calendar.Version, Cut: page.Next != nil, born: scope.BirthDate()}
	book.Concerned = slices.ContainsFunc(vaccination.Types(), func(t xds.Code) bool { return scope.Concerns(t.Key()) })
	// Which of two is newer goes by their registration: a document may be dated back.
	slices.SortStableFunc(page.Documents, func(a, b authz.Visible[xds.Document]) int {
		one, _ := a.Value()
		other, _ := b.Value()
		return cmp.Compare(other.Labels.RegisteredUnix, one.Labels.RegisteredUnix)
	})
	read := make([]vaccination.Document, len(page.Documents))
	for i, v := range page.Documents {
		if read[i], _, err = d.acts.Open(ctx, d.Repository, v); err != nil {
			return book, err
		}
	}
	entries := vaccination.Gather(scope.Record(), read)
	for _, e := range entries {
		source, _ := page.Documents[e.Source].Value()
		book.Acts = append(book.Acts, Act{Entry: e, ID: strings.TrimPrefix(source.Entry.LogicalID, "urn:uuid:"), Own: e.Author.ID.Root == scope.Patient().Authority()})
	}
	slices.SortStableFunc(book.Acts, func(a, b Act) int { return strings.Compare(vaccination.Day(b.When), vaccination.Day(a.When)) })
	if book.Concerned {
		book.Forecasts = d.Calendar.Forecasts(scope.BirthDate(), entries, d.Rights.Now().UTC())
	}
	return book, nil
}

// Shot is the form of a vaccination, held to the same checks as the profile.
var Shot = medical.Kind{ID: "vaccin", Title: "Vaccination", Fields: []medical.Field{
	{Name: "vaccin", Label: "Contre quoi", Form: medical.Choice, Required: true, Options: vaccineOptions()},
	{Name: "nom", Label: "Nom du vaccin", Form: medical.Line},
	{Name: "quand", Label: "Date", Form: medical.Date, Required: true},
	{Name: "lot", Label: "Numéro de lot", Form: medical.Line, Longest: 40},
	{Name: "vaccinateur", Label: "Qui a vacciné", Form: medical.Line},
	{Name: "commentaire", Label: "Commentaire", Form: medical.Text, Longest: 500},
}}

// vaccineOptions are the vaccines of the table, by ATC code.
func vaccineOptions() (options []medical.Option) {
	for _, c := range vaccination.Vaccines() {
		if words := strings.Join(vaccination.Diseases(c), ", "); words != "" {
			options = append(options, medical.Option{Value: c.Value, Label: words, Code: c})
		}
	}
	slices.SortFunc(options, func(a, b medical.Option) int { return strings.Compare(a.Label+a.Value, b.Label+b.Value) })
	return slices.CompactFunc(options, func(a, b medical.Option) bool { return a.Label == b.Label })
}

// AddVaccination writes a vaccination as a note: one that the patient remembers, as his
// document; one that a professional gave, as his.
func (d *Desk) AddVaccination(ctx context.Context, c rights.Call, values map[string]string) error {
	var patient xds.CX
	err := d.Rights.Registry.Probe(ctx, func(session *registry.Session) (err error) {
		patient, err = c.Patient(ctx, session)
		return err
	})
	if err != nil {
		return err
	}
	order := entrance.Order{Transaction: c.Purpose(authz.Submit, "vaccination").Transaction}
	deposit, err := d.Entrance.Opening(ctx, c.Subject, patient, order.Transaction)
	if err != nil {
		return err
	}
	clean, findings := medical.Check(Shot, values, medical.Bounds{Born: deposit.BirthDate(), Now: d.Rights.Now(), Zone: d.Paris})
	if findings.Failed() {
		return findings
	}
	doc, err := vaccination.Write(d.note(c.Subject, deposit, clean))
	if err != nil {
		return err
	}
	_, err = d.Entrance.Take(ctx, c.Subject, bytes.NewReader(doc), order)
	if found, told := xds.FindingsOf(err); told {
		return unplaced(found)
	}
	return err
}

// note is the document of a vaccination.
func (d *Desk) note(sub authz.Subject, deposit authz.Deposit, values map[string]string) vaccination.Note {
	traits, sex := deposit.Holder()
	w := entrance.WriterOf(sub, deposit)
	n := vaccination.Note{
		UniqueID: entrance.NewOID(), SetID: entrance.NewOID(), Version: 1, SectionID: strings.ToUpper(d.NewID()), At: d.Rights.Now().UTC(),
		Patient:  vaccination.Patient{INS: deposit.Patient(), Family: traits.Family, Given: traits.Given, BirthDate: traits.BirthDate, Sex: cmp.Or(sexes[sex], "UN")},
		Author:   vaccination.Person{ID: vaccination.ID{Root: w.Root, Extension: w.ID}, Family: w.Family, Given: w.Given, Specialty: w.Specialty},
		Facility: w.Facility, Setting: w.Setting, Custodian: vaccination.Person{Structure: vaccination.ID{Root: d.Entrance.SourceID}, StructureName: "Passerelle"},
	}
	if w.Structure != "" {
		n.Author.Structure, n.Author.StructureName = vaccination.ID{Root: structureOID, Extension: w.Structure}, w.StructureName
		n.Custodian = vaccination.Person{Structure: n.Author.Structure, StructureName: w.StructureName}
	}
	vaccin, _ := Shot.Field("vaccin")
	chosen, _ := vaccin.Option(values["vaccin"])
	n.Act = vaccination.Act{
		IDs: []vaccination.ID{{Root: strings.ToUpper(d.NewID())}}, When: strings.ReplaceAll(values["quand"], "-", ""), Vaccine: []xds.Code{chosen.Code},
		Name: cmp.Or(values["nom"], chosen.Code.Display), Lot: values["lot"], Comment: values["commentaire"], Performer: vaccination.Person{Family: values["vaccinateur"]},
	}
	if deposit.Kind() == authz.Pro && n.Act.Performer.Family == "" {
		n.Act.Performer = n.Author
	}
	return n
}

// structureOID is the authority of the ids of structures (domain §3.1).
const structureOID = "1.2.250.1.71.4.2.2"

// RemoveVaccination deletes the note of a vaccination that the patient wrote.
func (d *Desk) RemoveVaccination(ctx context.Context, c rights.Call, key string) error {
	book, err := d.vaccinations(ctx, d.Rights.Registry.Peek, c)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(book.Acts, func(a Act) bool { return a.Key == key && a.Own && a.Note >= 0 })
	if i < 0 {
		return &xds.Error{ID: "JSON-003"}
	}
	_, err = d.Rights.Act(ctx, c, book.Acts[i].ID, "delete", false)
	return err
}
