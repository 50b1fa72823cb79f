package conformance_test

import (
	"crypto/sha1" //nolint:gosec // XDS defines the hash attribute as SHA-1 (ITI TF-3 4.2.3.2.10)
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// secretWord stands in all that is told of a hidden document: its title, its
// comments, the title of its set, its bytes. No answer to a reader may hold it.
const secretWord = "Cachotterie"

// world is one of two records that are the same but for a document that some
// readers may not see.
type world struct {
	*kit
	patient kitPatient
	like    string // patient of the cast whose age and representatives this one has
	with    bool   // the hidden document is here
	twins   *twins
	base    time.Time // what the metadata tell of times, the same in both worlds
	ids     map[string]string
	held    map[string]kitDocument
}

// twins makes the ids of two worlds: of one length and of one order, so that no
// answer may differ in either.
type twins struct{ stems map[string]string }

func (tw *twins) stem(name string, fresh func() string) string {
	if tw.stems[name] == "" {
		s := fresh()
		tw.stems[name] = s[:len(s)-1]
	}
	return tw.stems[name]
}

// letter tells the ids of the worlds apart.
func (w *world) letter() string {
	if w.with {
		return "1"
	}
	return "2"
}

// uuid and oid are the id of an object in this world; the normaliser knows its name.
func (w *world) uuid(name string) string {
	id := w.twins.stem(name, kitUUID) + w.letter()
	w.ids[name] = kitBare(id)
	return id
}

func (w *world) oid(name string) string {
	id := w.twins.stem(name, kitOID) + w.letter()
	w.ids[name] = id
	return id
}

// who is somebody of the cast; "patient", "rep" and "rep:2" are of this world.
func (w *world) who(as string) string {
	switch kind, number, _ := strings.Cut(as, ":"); kind {
	case "patient", "rep", "delegate":
		return strings.TrimSuffix(kind+":"+w.patient.Name+":"+number, ":")
	}
	return as
}

// relatives names the ids of the representatives.
func (w *world) relatives(t *testing.T) {
	t.Helper()
	var answer struct {
		Patients []struct {
			Name            string
			Representatives []struct{ As, ID string }
		}
	}
	w.must(t, http.MethodGet, "/sandbox/cast", "", nil, &answer)
	for _, p := range answer.Patients {
		for i, r := range p.Representatives {
			if p.Name == w.patient.Name {
				w.ids[fmt.Sprint("rep", i+1)] = r.ID
			}
		}
	}
}

// holder acts for the record.
func (w *world) holder() string {
	if w.like == "chloe" {
		return "rep"
	}
	return "patient"
}

func (w *world) as(who string) *kitBearer {
	return w.bearer(kitClaims{As: w.who(who), Patient: w.patient.Name})
}

// api calls the JSON API on the record; it must succeed.
func (w *world) api(t *testing.T, as, method, path string, body any) {
	t.Helper()
	w.must(t, method, "/api/v1/records/"+w.patient.Record+path, w.as(as).jwt(t), body, nil)
}

// act is an act on a document; professionals attest the patient's request.
func (w *world) act(t *testing.T, as, act, name string) {
	t.Helper()
	var body any
	if !strings.Contains(w.who(as), ":") {
		body = map[string]bool{"attested": true}
	}
	w.api(t, as, http.MethodPost, "/documents/urn:uuid:"+w.ids[name]+"/"+act, body)
}

// member is a document to deposit.
type member struct {
	name   string
	typ    string // "" = a biology report that everybody's matrix has
	author string // whom the metadata name, "" = the depositor
	marks  []string
	relate xds.AssociationType // to target, "" = to nothing
	target string
	folder string // that it is put into, "" = none
}

// prepare makes the document of a member, the same in both worlds but for its ids.
func (w *world) prepare(t *testing.T, by string, m member) kitDocument {
	t.Helper()
	if m.typ == "" {
		m.typ = "11502-2"
	}
	d := w.document(t, w.patient, w.who(by), m.author, m.typ, m.marks...)
	order := slices.Index([]string{"one", "two", "own", "shared", "late"}, m.name)
	if !strings.HasPrefix(m.name, "hidden") {
		d.entry.Title, d.entry.Comments = "Document "+m.name, "Remarque "+m.name
	} else {
		d.entry.Title, d.entry.Comments = secretWord+" "+m.name, secretWord
		d.entry.EventCodes = []xds.Code{{Value: "H4A0", Scheme: "2.25.7", Display: secretWord}}
		order = 90
	}
	d.content = []byte("contenu de " + d.entry.Title)
	sum := sha1.Sum(d.content) //nolint:gosec // see the import
	d.entry.Hash, d.entry.Size = hex.EncodeToString(sum[:]), int64(len(d.content))
	at := w.base.Add(-time.Duration(order+1) * time.Hour)
	d.entry.CreationTime, d.entry.ServiceStart = xds.NewDTM(at), xds.NewDTM(at.Add(-time.Hour))
	d.entry.EntryUUID, d.entry.UniqueID = w.uuid(m.name), w.oid(m.name+".uid")
	w.uuid(m.name + ".folder")
	return d
}

// lotOf is the submission of members, not yet sent.
func (w *world) lotOf(t *testing.T, by string, members ...member) (xds.Submission, map[string][]byte) {
	t.Helper()
	var documents []kitDocument
	for _, m := range members {
		d := w.prepare(t, by, m)
		w.held[m.name] = d
		documents = append(documents, d)
	}
	name := members[0].name
	lot, content := w.lot(w.patient, w.who(by), documents...)
	lot.Set.EntryUUID, lot.Set.UniqueID, lot.Set.SubmissionTime = w.uuid(name+".set"), w.oid(name+".setuid"), xds.NewDTM(w.base)
	lot.Set.Title = "Lot de " + documents[0].entry.Title
	for i, m := range members {
		a := &lot.Associations[i]
		a.EntryUUID, a.Source = w.uuid(m.name+".member"), lot.Set.EntryUUID
		if m.relate != "" {
			kitRelate(&lot, m.relate, documents[i].entry.EntryUUID, "urn:uuid:"+w.ids[m.target])
			lot.Associations[len(lot.Associations)-1].EntryUUID = w.uuid(m.name + ".relation")
		}
		if strings.HasPrefix(m.name, "hidden") {
			w.shelve(&lot, m.name)
		}
		if m.folder != "" {
			w.enfold(&lot, m, documents[i].entry.EntryUUID)
		}
	}
	return lot, content
}

// enfold puts a document of a lot into a folder, which it makes the first time, as IHE
// has it: the folder and the membership are members of the set.
func (w *world) enfold(lot *xds.Submission, m member, document string) {
	_, there := w.ids[m.folder]
	f := xds.Folder{EntryUUID: w.uuid(m.folder), UniqueID: w.oid(m.folder + ".uid"), Title: "Classeur " + m.folder, PatientID: lot.Set.PatientID,
		Codes: []xds.Code{{Value: "C", Scheme: "1.2.3"}}}
	add := func(name, source, target string) {
		kitRelate(lot, xds.HasMember, source, target)
		lot.Associations[len(lot.Associations)-1].EntryUUID = w.uuid(name)
	}
	if !there {
		lot.Folders = append(lot.Folders, f)
		add(m.folder+".held", lot.Set.EntryUUID, f.EntryUUID)
	}
	add(m.name+".in", f.EntryUUID, document)
	add(m.name+".inheld", lot.Set.EntryUUID, "urn:uuid:"+w.ids[m.name+".in"])
}

// shelve puts a hidden document into a folder of its own.
func (w *world) shelve(lot *xds.Submission, name string) {
	f := xds.Folder{EntryUUID: w.uuid(name + ".folder"), UniqueID: w.oid(name + ".folder.uid"), PatientID: lot.Set.PatientID, Title: secretWord,
		Codes: []xds.Code{{Value: secretWord, Scheme: "2.25.7"}}}
	lot.Folders = append(lot.Folders, f)
	for i, ends := range [][2]string{{lot.Set.EntryUUID, f.EntryUUID}, {f.EntryUUID, "urn:uuid:" + w.ids[name]}} {
		kitRelate(lot, xds.HasMember, ends[0], ends[1])
		lot.Associations[len(lot.Associations)-1].EntryUUID = w.uuid(fmt.Sprintf("%s.folder.link%d", name, i))
	}
}

// deposit sends members together by ITI-41; it must succeed.
func (w *world) deposit(t *testing.T, by string, members ...member) {
	t.Helper()
	lot, content := w.lotOf(t, by, members...)
	if answer := w.provide(t, w.as(by), lot, content); answer.code != "" {
		t.Fatalf("%s deposits %s: %s", by, members[0].name, answer.whole)
	}
}

// scenario says how a document is hidden from whom.
type scenario struct {
	name     string
	like     string // patient of the cast, "" = alice
	settings map[string]bool
	readers  []string                 // who must not see the difference
	hidden   []string                 // names of what they may not see; "hidden" when there is none
	stage    func(*testing.T, *world) // while the visible documents are deposited
	hide     func(*testing.T, *world) // an hour later, in the world with the document alone
	asks     func(question) bool      // nil = everything
	history  func(reader string) bool // whose history must not differ, nil = everybody's
	apart    bool                     // its worlds differ in more: for the channels alone
}

// hospital deposits as chu-lille; members that only the world with the hidden
// document has are left out of the other one.
func hospital(t *testing.T, w *world, members ...member) {
	t.Helper()
	var sent []member
	for _, m := range members {
		if m.author = "dr-hopital"; strings.HasPrefix(m.name, "hidden") && !w.with {
			w.prepare(t, "chu-lille", m) // its ids belong to nothing here
			continue
		}
		sent = append(sent, m)
	}
	if len(sent) > 0 {
		w.deposit(t, "chu-lille", sent...)
	}
}

func professionals(reader string) bool {
	return !strings.HasPrefix(reader, "patient") && !strings.HasPrefix(reader, "rep") && reader != "dr-traitant"
}

// byList tells the questions that an archived document must not show in. Its set and
// its folder do: they can be seen by it.
func byList(q question) bool {
	for _, query := range []string{"FindSubmissionSets", "FindFolders", "GetAll", "/fhir/List"} {
		if strings.Contains(q.route, query) {
			return false
		}
	}
	return !strings.Contains(q.name(), "hidden") && !strings.Contains(q.name(), "rchived") && !strings.Contains(q.route, "/history") && !strings.HasSuffix(q.route, "/export")
}

// offMatrix is a type that a podologist's matrix has not, everybody's that "" has.
const offMatrix = "15508-5"

// scenarios are the ways in which a document is invisible (policy §1.2, §1.3).
var scenarios = []scenario{
	{name: "masked", readers: []string{"dr-durand", "ide-nadia", "dr-inconnu", "chu-other", "insurer"},
		hide: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "hidden", marks: []string{xds.MarkMaskedPS}})
		}},
	{name: "masked by an act", readers: []string{"dr-durand"},
		hide: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "hidden"})
			w.act(t, w.holder(), "mask", "hidden")
		}},
	{name: "mask-all", readers: []string{"dr-durand"}, settings: map[string]bool{"maskAll": true},
		hide: func(t *testing.T, w *world) { hospital(t, w, member{name: "hidden"}) }},
	{name: "hidden from the patient", readers: []string{"patient"},
		hide: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "hidden", marks: []string{xds.MarkHiddenPatient}})
			w.read(t, "dr-hopital", "hidden")
		}},
	{name: "hidden from the patient, one of two members", readers: []string{"patient"},
		stage: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "shared"}, member{name: "hidden", marks: []string{xds.MarkHiddenPatient}})
		}},
	{name: "hidden from representatives", like: "chloe", readers: []string{"rep", "rep:2"},
		hide: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "hidden", marks: []string{xds.MarkHiddenReps}})
			w.read(t, "dr-hopital", "hidden")
		}},
	{name: "off the matrix", readers: []string{"podo-paul"},
		hide: func(t *testing.T, w *world) { hospital(t, w, member{name: "hidden", typ: offMatrix}) }},
	{name: "deleted", readers: []string{"dr-durand", "dr-hopital", "patient", "dr-traitant"}, history: professionals,
		// dr-hopital is of the structure that brought the folder, and may put documents into it.
		asks: func(q question) bool { return q.text != string(xds.HasMember)+" {hidden.folder}" },
		hide: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "hidden"})
			w.act(t, "chu-lille", "delete", "hidden")
		}},
	{name: "archived", readers: []string{"dr-durand", "patient"}, asks: byList, history: professionals,
		hide: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "hidden"})
			w.act(t, w.holder(), "archive", "hidden")
		}},
	{name: "masked, then replaced", readers: []string{"dr-durand"}, hidden: []string{"hidden", "hidden2"},
		hide: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "hidden", marks: []string{xds.MarkMaskedPS}})
			hospital(t, w, member{name: "hidden2", relate: xds.Replaces, target: "hidden"})
		}},
	{name: "replaced, then masked", readers: []string{"dr-durand"}, hidden: []string{"hidden", "hidden2"},
		hide: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "hidden"})
			hospital(t, w, member{name: "hidden2", relate: xds.Replaces, target: "hidden"})
			w.act(t, w.holder(), "mask", "hidden2")
		}},
	{name: "addendum off the matrix", readers: []string{"podo-paul"},
		hide: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "hidden", typ: offMatrix, relate: xds.Appends, target: "one"})
		}},
	{name: "transform off the matrix", readers: []string{"podo-paul"},
		hide: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "hidden", typ: offMatrix, relate: xds.Transforms, target: "one"})
		}},
	{name: "addendum of a hidden parent", readers: []string{"podo-paul"},
		stage: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "hidden", typ: offMatrix})
			late := member{name: "late"}
			if w.with {
				late.relate, late.target = xds.Appends, "hidden"
			}
			hospital(t, w, late)
		}},
	{name: "one of two members", readers: []string{"dr-durand"},
		stage: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "shared"}, member{name: "hidden", marks: []string{xds.MarkMaskedPS}})
		}},
	{name: "one of two in a folder", readers: []string{"dr-durand"},
		stage: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "shared", folder: "box"}, member{name: "hidden", marks: []string{xds.MarkMaskedPS}, folder: "box"})
		}},
	{name: "put into a folder", readers: []string{"dr-durand"},
		stage: func(t *testing.T, w *world) { hospital(t, w, member{name: "shared", folder: "box"}) },
		hide: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "hidden", marks: []string{xds.MarkMaskedPS}, folder: "box"})
		}},
	{name: "replaced off the matrix", apart: true,
		hide: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "hidden", typ: offMatrix, relate: xds.Replaces, target: "two"})
		}},
	{name: "residuals", apart: true,
		hide: func(t *testing.T, w *world) {
			hospital(t, w, member{name: "hidden", marks: []string{xds.MarkMaskedPS}})
		}},
}

// read lets somebody read a document, so that the trail has a line of it.
func (w *world) read(t *testing.T, as, name string) {
	t.Helper()
	if answer := w.readBinary(t, w.as(as), w.ids[name]); answer.code != "" {
		t.Fatalf("%s reads %s: %s", as, name, answer.whole)
	}
}

// pair are the two worlds of a scenario.
type pair struct {
	scenario
	worlds [2]*world // with the hidden document, without it
}

// build makes the two records of a scenario, empty.
func (k *kit) build(t *testing.T, s scenario, number int, base time.Time) *pair {
	t.Helper()
	p := &pair{scenario: s}
	if p.like == "" {
		p.like = "alice"
	}
	if p.scenario.hidden == nil {
		p.scenario.hidden = []string{"hidden"}
	}
	tw := &twins{map[string]string{}}
	for i := range p.worlds {
		like, _ := k.people.Patient(p.like)
		w := &world{kit: k, like: p.like, with: i == 0, twins: tw, base: base, ids: map[string]string{}, held: map[string]kitDocument{}}
		w.patient = k.create(t, fmt.Sprintf("monde-%02d-%s", number, w.letter()), like, "active", s.settings)
		w.relatives(t)
		w.uuid("never")
		w.oid("never.uid")
		for _, professional := range []string{"dr-durand", "dr-hopital", "ide-nadia", "podo-paul"} {
			w.api(t, professional, http.MethodPut, "/links/"+professional, map[string]any{"basis": "consent", "attested": true})
		}
		p.worlds[i] = w
	}
	return p
}

// acts is what happens in the worlds, each an hour after the one before.
var acts = []func(*testing.T, *pair){
	func(t *testing.T, p *pair) {
		p.both(t, func(t *testing.T, w *world) { hospital(t, w, member{name: "one"}) })
	},
	func(t *testing.T, p *pair) {
		p.both(t, func(t *testing.T, w *world) { hospital(t, w, member{name: "two", relate: xds.Appends, target: "one"}) })
	},
	func(t *testing.T, p *pair) {
		p.both(t, func(t *testing.T, w *world) { w.deposit(t, "dr-durand", member{name: "own"}) })
	},
	func(t *testing.T, p *pair) {
		if p.stage != nil {
			p.both(t, p.stage)
		}
	},
	func(t *testing.T, p *pair) { p.obscure(t) },
}

func (p *pair) both(t *testing.T, do func(*testing.T, *world)) {
	t.Helper()
	for _, w := range p.worlds {
		do(t, w)
	}
}

// obscure hides the document, in the world that has it.
func (p *pair) obscure(t *testing.T) {
	t.Helper()
	w, without := p.worlds[0], p.worlds[1]
	if p.hide != nil {
		p.hide(t, w)
	}
	for _, name := range p.scenario.hidden { // the same names stand for nothing in the other world
		without.held[name] = w.held[name]
		for _, of := range []string{"", ".set", ".member", ".relation", ".folder", ".in"} {
			without.uuid(name + of)
			w.uuid(name + of)
		}
		for _, of := range []string{".uid", ".setuid", ".folder.uid"} {
			without.oid(name + of)
			w.oid(name + of)
		}
	}
}
