package conformance_test

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // XDS defines the hash attribute as SHA-1 (ITI TF-3 4.2.3.2.10)
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// drawn is a drawn world in a running sandbox, built by public calls, with the oracle
// that follows it step by step.
type drawn struct {
	*kit
	*oracle
	t       *testing.T
	random  *rand.Rand
	name    string
	ahead   time.Duration // of the sandbox's clock
	began   time.Time
	records []*oracleRecord
	people  []*oracleActor // professionals, structures, others
	persons []*oracleActor // holders, representatives, the delegate
	bearers map[string]*kitBearer
	story   []string
	asked   int
	wrong   int
	counts  map[string]int // refusals seen, so that a world that asks nothing is noticed
}

// newWorld opens an empty world in the sandbox.
func (k *kit) newWorld(t *testing.T, name string, seed uint64, matrix oracleMatrix) *drawn {
	t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	w := &drawn{kit: k, t: t, name: name, random: rand.New(rand.NewPCG(seed, 4)), counts: map[string]int{}}
	w.oracle = &oracle{matrix: matrix, paris: paris, instant: func() time.Time { return time.Now().Add(w.ahead) }}
	w.readClock()
	w.began = w.instant()
	return w
}

func (w *drawn) readClock() {
	var clock struct{ Now time.Time }
	w.must(w.t, http.MethodGet, "/sandbox/clock", "", nil, &clock)
	w.ahead, w.bearers = time.Until(clock.Now), map[string]*kitBearer{}
}

// pass moves the clock.
func (w *drawn) pass(by string) {
	w.advance(w.t, by)
	w.readClock()
	w.tell("clock +%s", by)
}

func (w *drawn) tell(format string, args ...any) {
	w.story = append(w.story, fmt.Sprintf(format, args...))
}

func (w *drawn) one(n int) bool { return w.random.IntN(n) == 0 }

func pick[T any](w *drawn, all []T) T { return all[w.random.IntN(len(all))] }

// holder adds a patient with a record of his own.
func (w *drawn) holder(suffix string, age int, state string, s oracleSettings, representatives ...string) *oracleRecord {
	born := w.instant().In(w.paris).AddDate(-age, 0, -w.random.IntN(300)-2)
	return w.bornOn(suffix, born, state, s, representatives...)
}

func (w *drawn) bornOn(suffix string, born time.Time, state string, s oracleSettings, representatives ...string) *oracleRecord {
	like := cast.Patient{Family: "LE GOFF-NÈGRE", Given: "Zoé-" + suffix, Sex: "F", BirthDate: born.Format(time.DateOnly)}
	for _, given := range representatives {
		like.Representatives = append(like.Representatives, cast.Person{Family: "PARENT", Given: given + "-" + suffix})
	}
	p := w.create(w.t, w.name+suffix, like, state, map[string]bool{"maskAll": s.maskAll, "samuOK": s.samuOK, "bdgOK": s.bdgOK, "maskedOK": s.maskedOK})
	s.maskedOK = s.maskedOK && (s.samuOK || s.bdgOK)
	r := &oracleRecord{kitPatient: p, born: born, settings: s, admin: "dr-traitant"}
	w.enter(r)
	w.person("patient:"+p.Name, "patient", r, like.Given)
	for i, x := range like.Representatives {
		w.person(strings.TrimSuffix(fmt.Sprintf("rep:%s:%d", p.Name, i+1), ":1"), "rep", r, x.Given)
	}
	return r
}

func (w *drawn) enter(r *oracleRecord) {
	r.links, r.blocked, r.connected = map[string]time.Time{}, map[string]bool{}, map[string]bool{}
	w.records = append(w.records, r)
	w.tell("%s: born %s, %s, %+v", r.Name, r.born.Format(time.DateOnly), r.State, r.settings)
}

func (w *drawn) person(as, role string, r *oracleRecord, given string) {
	w.persons = append(w.persons, &oracleActor{as: as, role: role, of: r.Name, given: given})
}

// professional adds somebody to the directory; structure is the name of one of the
// world, "" for none.
func (w *drawn) professional(suffix, kind, profession, specialty, structure string, regulator bool) *oracleActor {
	name := w.name + suffix
	body := map[string]any{
		"name": name, "kind": kind, "profession": profession, "specialty": specialty, "structure": structure, "regulator": regulator,
		"family": strings.ToUpper(name), "given": "Test",
	}
	var made struct{ ID, Structure, Family, Given string }
	w.must(w.t, http.MethodPost, "/sandbox/professionals", "", body, &made)
	a := &oracleActor{as: name, role: kind, id: made.ID, family: made.Family, given: made.Given, profession: profession, specialty: specialty, structure: made.Structure, regulator: regulator}
	w.people = append(w.people, a)
	w.tell("%s: %s %s/%s structure %q regulator %v", name, kind, profession, specialty, made.Structure, regulator)
	return a
}

// asking draws nothing: it is somebody in normal mode, with a token for the record.
func asking(a *oracleActor, r *oracleRecord) oracleAsk {
	return oracleAsk{who: a, mode: "normal", bound: r.Name, attested: true}
}

// bearerOf is the identity of an ask in both forms; traits are the patient's, or
// another's when the ask is not justified.
func (w *drawn) bearerOf(q oracleAsk, r *oracleRecord) *kitBearer {
	key := fmt.Sprint(q.who.as, q.mode, q.justified, q.bound, q.secret, q.air)
	if q.mode == "bris_de_glace" {
		key += r.Name
	}
	if b, ok := w.bearers[key]; ok {
		return b
	}
	c := kitClaims{As: q.who.as, Patient: q.bound, Mode: q.mode, Secret: q.secret, AIR: q.air}
	if q.mode == "bris_de_glace" {
		c.Reason, c.Traits = "détresse vitale", &kitTraits{r.Family, r.Given, r.BirthDate}
		switch {
		case !q.justified:
			w.spoil(&c)
		case w.one(2): // without case, accents, hyphens, spaces (§1.9)
			loose := strings.NewReplacer("é", "E", "È", "e", "É", "E", "-", " ", " ", "")
			c.Traits.Family, c.Traits.Given = strings.ToLower(loose.Replace(r.Family)), strings.ToUpper(loose.Replace(r.Given))
		}
	}
	b := w.bearer(c)
	w.bearers[key] = b
	return b
}

// spoil takes away one of the four values of bris de glace.
func (w *drawn) spoil(c *kitClaims) {
	switch w.random.IntN(5) {
	case 0:
		c.Reason = ""
	case 1:
		c.Reason = " \t "
	case 2:
		c.Traits.Family += "X"
	case 3:
		c.Traits.Given = ""
	default:
		c.Traits.BirthDate = "1950-01-01"
	}
}

// disagree reports what is needed to judge a difference by hand.
func (w *drawn) disagree(q oracleAsk, r *oracleRecord, d *oracleDoc, what, want, got string) {
	w.t.Helper()
	w.wrong++
	if w.wrong > 12 {
		return
	}
	facts := fmt.Sprintf("kind %s, link %s, blocked %v, admin %v, state %s, minor %v, %+v", w.kind(q.who, r), w.linked(q.who, r),
		r.blocked[q.who.as], r.isAdmin(q.who), r.State, w.minor(r), r.settings)
	var story []string
	for _, line := range w.story {
		if strings.Contains(line, r.Name) || strings.HasPrefix(line, "clock") || d != nil && strings.Contains(line, kitBare(d.logicalID)[:8]) {
			story = append(story, line)
		}
	}
	about := "-"
	if d != nil {
		about = fmt.Sprintf("%s type %s %s v%d origin %s labels %v authors %v structure %q by %s, cell %v", d.logicalID, d.typeCode, d.status, d.version,
			d.origin, d.labels(), d.authors, d.structure, d.depositor.as, w.matrix.types[d.typeCode][w.matrix.column(q.who.profession, q.who.specialty)])
	}
	w.t.Errorf("%s\n  subject  %s (%s/%s id %s, structure %q, regulator %v) mode %s justified %v bound %q secret %v air %v\n  record   %s: %s\n  document %s\n  oracle   %s\n  product  %s\n  story:\n    %s",
		what, q.who.as, q.who.profession, q.who.specialty, q.who.id, q.who.structure, q.who.regulator, q.mode, q.justified, q.bound, q.secret, q.air, r.Name, facts, about, want, got, strings.Join(story[max(0, len(story)-30):], "\n    "))
}

// agreed compares a refusal, "" for none, with a verdict; either its code or its
// status will do.
func (w *drawn) agreed(q oracleAsk, r *oracleRecord, d *oracleDoc, what string, v oracleVerdict, code string, status int) bool {
	w.t.Helper()
	w.asked++
	w.counts[code]++
	if slices.Contains(v.refusals, code) || code != "" && slices.Contains(v.refusals, fmt.Sprint(status)) {
		return true
	}
	w.disagree(q, r, d, what, fmt.Sprintf("%q by %s", v.refusals, v.why), fmt.Sprintf("%q HTTP %d", code, status))
	return false
}

// json calls the JSON API as the ask says.
func (w *drawn) json(q oracleAsk, r *oracleRecord, method, path string, body any) kitResponse {
	return w.call(w.t, method, "/api/v1/records/"+r.Record+path, w.bearerOf(q, r).jwt(w.t), body)
}

// note adds the trace that a request must leave (J-1): on the record of the token,
// else on the one that is asked for.
func (w *drawn) note(q oracleAsk, r *oracleRecord, outcome, what string, about ...*oracleDoc) {
	for _, on := range w.records {
		if on.Name == cmp.Or(q.bound, r.Name) {
			byID := len(about) > 0
			if on != r || byID && w.closed(q, r, what) {
				about = nil // an unknown id to that record, or a door before any id is looked up
			}
			on.lines = append(on.lines, &oracleLine{actor: q.who, outcome: outcome, about: about, secret: q.secret, what: what,
				quiet: q.bound == "" && outcome == "deny" && byID && !oracleIn(what, worldVerbs...)})
			return
		}
	}
}

// closed: whether the door for a request was shut.
func (w *drawn) closed(q oracleAsk, r *oracleRecord, what string) bool {
	action := map[string]string{"ITI-41": "submit", "ITI-65": "submit", "reveal-patient": "revealPat", "reveal-representatives": "revealRep", "unarchive": "archive"}[what]
	if action == "" {
		action = "retrieve"
		if oracleIn(what, worldVerbs...) {
			action = what
		}
	}
	return w.door(q, r, action) != ""
}

// outcome is that of a verdict which came true.
func outcome(code string) string {
	if code == "" {
		return "permit"
	}
	if strings.HasPrefix(code, "ACC-") && code != "ACC-31" {
		return "deny"
	}
	return "any" // refused after the decision, or by it: both stand in one row
}

// entry makes a document that somebody deposits on a record.
func (w *drawn) entry(r *oracleRecord, by *oracleActor, typeCode string) (*oracleDoc, xds.DocumentEntry) {
	d := w.document(w.t, r.kitPatient, w.castName(by), "", typeCode)
	d.entry.Authors[0].Specialties = nil
	return &oracleDoc{logicalID: d.entry.EntryUUID, entryUUID: d.entry.EntryUUID, uniqueID: d.entry.UniqueID, typeCode: typeCode,
		content: string(d.content), authors: map[string]bool{}}, d.entry
}

// castName makes the kit's writers know a member of the world.
func (w *drawn) castName(a *oracleActor) string {
	if _, ok := w.kit.people.Professional(a.as); ok || a.role != "pro" && a.role != "struct" && a.role != "other" {
		return a.as
	}
	home, _ := w.kit.people.Professional("chu-lille")
	home.Structure.ID, home.Structure.Name = a.structure, "STRUCTURE "+a.structure
	kind := a.role
	if kind == "other" {
		kind = "pro"
	}
	w.kit.people.Professionals = append(w.kit.people.Professionals, cast.Professional{
		Name: a.as, Kind: kind, ID: a.id, Family: a.family, Given: a.given, Profession: cmp.Or(a.profession, "10"), Structure: home.Structure,
	})
	return a.as
}

// named is somebody as an author in metadata, at a structure.
func named(a *oracleActor, structure, structureName string) xds.Author {
	x := xds.Author{Person: xds.NewXCN(a.id, cmp.Or(a.family, "DR"), cmp.Or(a.given, "Test"), cast.PersonOID, "IDNPS")}
	if structure != "" {
		x.Institutions = []xds.XON{xds.NewXON(structureName, cast.StructOID, "IDNST", structure)}
	}
	return x
}

func marked(e *xds.DocumentEntry, mark string) {
	e.Confidentiality = append(slices.Clone(e.Confidentiality), xds.Code{Value: mark, Scheme: xds.MarkScheme, Display: mark})
}

func hashOf(content string) string {
	sum := sha1.Sum([]byte(content)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// found is an answer about documents in terms of logicalIds.
type found struct {
	code   string
	ids    []string            // logicalIds, sorted
	labels map[string][]string // by logicalId
	sets   []string            // uniqueIds of SubmissionSets
	links  int                 // associations
	status int
}

var ownMarks = []string{xds.MarkMaskedPS, xds.MarkHiddenPatient, xds.MarkHiddenReps}

func onlyMarks(codes []string) []string {
	var all []string
	for _, c := range codes {
		if c == "NOPAT" {
			c = xds.MarkHiddenPatient
		}
		if slices.Contains(ownMarks, c) {
			all = append(all, c)
		}
	}
	slices.Sort(all)
	return all
}

// stored asks a stored query; ObjectRefs are told as they come.
func (w *drawn) stored(b *kitBearer, name string, rt ebrim.ReturnType, params ...ebrim.QueryParam) found {
	w.t.Helper()
	body := ebrim.AppendQuery(nil, ebrim.QueryRequest{ID: ebrim.Lookup(name).UUID, ReturnType: rt, Params: params})
	reply, fault, whole := w.post(w.t, b, kitQuery, body)
	if fault != nil {
		w.t.Fatalf("%s: %v: %s", name, fault, whole)
	}
	answer, findings := ebrim.DecodeQueryResponse(reply.Body)
	if err := findings.Err(); err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	reply.Close()
	f := found{code: registryCode(w.t, answer.Response, xds.Problem.QueryCode), ids: answer.Refs, labels: map[string][]string{}, links: len(answer.Associations), status: http.StatusOK}
	for _, d := range answer.Documents {
		id := cmp.Or(d.LogicalID, d.EntryUUID)
		f.ids = append(f.ids, id)
		var codes []string
		for _, c := range d.Confidentiality {
			codes = append(codes, c.Value)
		}
		f.labels[id] = onlyMarks(codes)
	}
	for _, s := range answer.Sets {
		f.sets = append(f.sets, s.UniqueID)
	}
	slices.Sort(f.ids)
	return f
}

// references is ITI-67 with whatever parameters.
func (w *drawn) references(b *kitBearer, query string) (found, int) {
	w.t.Helper()
	r, answer := w.fhir(w.t, b, http.MethodGet, "DocumentReference?"+query, nil)
	f := found{code: answer.code, labels: map[string][]string{}, status: r.status}
	if r.status != http.StatusOK {
		return f, 0
	}
	var set struct {
		Total int
		Entry []struct{ Resource json.RawMessage }
	}
	r.decode(w.t, &set)
	for _, e := range set.Entry {
		f.add(w.t, e.Resource)
	}
	slices.Sort(f.ids)
	return f, set.Total
}

// reference is the read of one DocumentReference.
func (w *drawn) reference(b *kitBearer, id string) found {
	w.t.Helper()
	r, answer := w.fhir(w.t, b, http.MethodGet, "DocumentReference/"+kitBare(id), nil)
	f := found{code: answer.code, labels: map[string][]string{}, status: r.status}
	if r.status == http.StatusOK {
		f.add(w.t, r.body)
	}
	return f
}

func (f *found) add(t *testing.T, raw []byte) {
	t.Helper()
	var d struct {
		ID            string
		SecurityLabel []struct{ Coding []struct{ Code string } }
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	id := "urn:uuid:" + d.ID
	f.ids = append(f.ids, id)
	var codes []string
	for _, l := range d.SecurityLabel {
		for _, c := range l.Coding {
			codes = append(codes, c.Code)
		}
	}
	f.labels[id] = onlyMarks(codes)
}

func (r *oracleRecord) query() string {
	return "patient.identifier=" + url.QueryEscape("urn:oid:"+r.INS.Authority()+"|"+r.INS.ID()) + "&_count=200"
}

func mustDate(t *testing.T, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// member is somebody of the cast.
func (w *drawn) member(name string) *oracleActor {
	p, ok := w.kit.people.Professional(name)
	if !ok {
		w.t.Fatalf("no professional %q", name)
	}
	return &oracleActor{as: name, role: p.Kind, id: p.ID, family: p.Family, given: p.Given, profession: p.Profession, specialty: p.Specialty, structure: p.Structure.ID, regulator: p.Regulator}
}

// current reads the settings of a patient of the seed, whom earlier worlds changed.
func (w *drawn) current(r *oracleRecord) {
	var got struct {
		Administrator *string
		Settings      toldSettings
	}
	w.must(w.t, http.MethodGet, "/api/v1/records/"+r.Record, w.token(w.t, kitClaims{As: "patient:" + r.Name, Patient: r.Name}), nil, &got)
	r.settings = got.Settings.oracle()
	r.admin = ""
	if got.Administrator != nil && *got.Administrator == w.member("dr-traitant").id {
		r.admin = "dr-traitant"
	}
}

// toldSettings are the settings as the JSON API tells them.
type toldSettings struct{ MaskAll, SamuOK, BdgOK, MaskedOK bool }

func (s toldSettings) oracle() oracleSettings {
	return oracleSettings{s.MaskAll, s.SamuOK, s.BdgOK, s.MaskedOK}
}

func docEntries(all ...xds.DocumentEntry) []xds.DocumentEntry { return all }
