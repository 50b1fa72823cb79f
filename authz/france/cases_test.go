package france_test

import (
	"bufio"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	a "github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/xds"
)

// row is one line of the truth table, by column name.
type row map[string]string

func readCases(t *testing.T) []row {
	t.Helper()
	f, err := os.Open("testdata/cases.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var header []string
	var rows []row
	ids := map[string]bool{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Split(lines.Text(), "\t")
		switch {
		case strings.HasPrefix(lines.Text(), "#"):
			continue
		case header == nil:
			header = fields
			continue
		case len(fields) != len(header) || ids[fields[0]] || slices.Contains(fields, ""):
			t.Fatalf("%d fields of %d, or one empty, or id twice: %q", len(fields), len(header), lines.Text())
		}
		ids[fields[0]] = true
		r := row{}
		for i, name := range header {
			if r[name] = fields[i]; fields[i] == "-" {
				r[name] = ""
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// TestSeeds asks the policy about every statement of the sources.
func TestSeeds(t *testing.T) {
	p := policy(t)
	people := cast.All(now)
	rows := readCases(t)
	if len(rows) < 200 {
		t.Errorf("%d rows", len(rows))
	}
	covered := map[string]bool{}
	for _, r := range rows {
		t.Run(r["id"], func(t *testing.T) {
			c := newScene(t, people, p, r)
			action := actionOf(t, r["action"])
			got, rules := answer(t, c.gate, c.facts, c.subject, action, c.doc)
			if want := wanted(r); got != want {
				t.Fatalf("%s: %q: %q, want %q", r["source"], r["sentence"], got, want)
			}
			if action == a.Search {
				if read, _ := answer(t, c.gate, c.facts, c.subject, a.Retrieve, c.doc); read != got {
					t.Errorf("retrieve: %q, search: %q (Q-01)", read, got)
				}
			}
			if why := unexplained(r, rules); why != "" {
				t.Errorf("%s: %q: %s", r["source"], r["sentence"], why)
			}
		})
		covered[r["rule"]] = true
	}
	for _, rule := range france.Rules {
		if rule.Effect != a.DoorOnly && !covered[rule.ID] && !slices.Contains(notInTheSeeds, rule.ID) {
			t.Errorf("no row for %s", rule.ID)
		}
	}
}

// notInTheSeeds are the rules that rest on other sources (policy §1.2, §1.3).
var notInTheSeeds = []string{"R-11", "R-43", "R-45"}

// unexplained tells what is wrong with the rule that a row names: a permit must
// hold where something is allowed and be missing where it is refused, a forbid must
// be the one that decided.
func unexplained(r row, rules []string) string {
	i := slices.IndexFunc(france.Rules, func(rule a.Rule) bool { return rule.ID == r["rule"] })
	if i < 0 {
		return "no rule " + r["rule"]
	}
	forbid := france.Rules[i].Effect == a.Forbid
	number, door := strings.CutPrefix(r["expect"], "ACC-")
	switch allowed := wanted(r) == ""; {
	case r["expect"] == "REG-001", r["expect"] == "unknown":
		return "" // decided before the table, or by what he does not see
	case allowed && (forbid || !slices.Contains(rules, r["rule"]) && r["action"] != "replace"):
		return "permitted by " + strings.Join(rules, " ") + ", not by " + r["rule"]
	case door && forbid && r["rule"] != "R-"+number, door && !forbid && number < "12":
		return r["rule"] + " does not close with ACC-" + number
	case r["expect"] == "hidden" && forbid && !slices.Contains(rules, r["rule"]):
		return "not hidden by " + r["rule"]
	default:
		return ""
	}
}

// wanted is the answer of the policy alone that a row expects.
func wanted(r row) string {
	switch expect := r["expect"]; {
	case expect == "visible", expect == "permit", strings.HasPrefix(expect, "C-"):
		return ""
	case expect == "unknown" && r["action"] == "replace":
		return "REG-004"
	case expect == "unknown":
		return "JSON-003"
	default:
		return expect
	}
}

func actionOf(t *testing.T, name string) a.Value {
	t.Helper()
	name, _, _ = strings.Cut(name, ":")
	for v := range a.Domain(a.Action) {
		if a.Action.Name(v) == name {
			return v
		}
	}
	t.Fatalf("no action %q", name)
	return 0
}

// scene is a row set up: who asks, what the record knows, the document.
type scene struct {
	gate    *a.Gate
	facts   a.Facts
	subject a.Subject
	doc     xds.Document
}

func newScene(t *testing.T, people cast.Cast, p *a.Policy, r row) *scene {
	t.Helper()
	patient, ok := people.Patient(r["patient"])
	if !ok {
		t.Fatalf("no patient %q", r["patient"])
	}
	c := &scene{gate: gate(t, p)}
	c.facts = a.Facts{
		Record: recordID, Patient: patient.INS, Settings: patient.Settings,
		Traits:      a.Traits{Family: patient.Family, Given: patient.Given, BirthDate: strings.ReplaceAll(patient.BirthDate, "-", "")},
		LinkExpires: now.AddDate(20, 0, 0),
	}
	c.facts.Profile = profileOf(t, patient.State)
	c.subject, c.facts.Role = bearer(t, people, r)
	admin := patient.Administrator
	for _, l := range people.Links {
		if l.Professional == r["as"] && l.Patient == r["patient"] {
			c.facts.Link = map[string]a.Value{"consent": a.ConsentLink, "team": a.TeamLink}[l.Basis]
		}
	}
	c.facts.Blocked = slices.Contains(people.Blocks, cast.Pair{Professional: r["as"], Patient: r["patient"]})
	for _, change := range strings.Fields(r["given"]) {
		key, value, _ := strings.Cut(change, "=")
		c.change(t, key, value, r["as"], &admin)
	}
	c.facts.Administrator = admin != "" && admin == r["as"]
	c.subject.Mode = map[string]a.Value{"normal": a.Normal, "centre_15": a.Centre15, "bris_de_glace": a.BrisDeGlace}[r["mode"]]
	if c.subject.Mode == a.BrisDeGlace && c.subject.Traits == (a.Traits{}) {
		c.subject.Traits = c.facts.Traits
	}
	if r["reason"] == "y" {
		c.subject.Reason = "détresse vitale"
	}
	if r["by"] != "" {
		c.doc = c.document(t, people, r)
	}
	return c
}

// change is one word of the column `given`.
func (c *scene) change(t *testing.T, key, value, as string, admin *string) {
	t.Helper()
	yes := value == "t"
	switch f := &c.facts; key {
	case "maskAll":
		f.Settings.MaskAll = yes
	case "samuOK":
		f.Settings.SamuOK = yes
	case "bdgOK":
		f.Settings.BdgOK = yes
	case "maskedOK":
		f.Settings.MaskedOK = yes
	case "state":
		f.Profile = profileOf(t, value)
	case "admin":
		*admin = value
	case "traits":
		c.subject.Traits = a.Traits{Family: "AUTRE", Given: "PERSONNE", BirthDate: "19500101"}
	case "clock":
		years, err := strconv.Atoi(strings.TrimSuffix(value, "y"))
		if err != nil {
			t.Fatal(err)
		}
		c.gate.Now = func() time.Time { return now.AddDate(years, 0, 0) }
	case "block", "unblock", "link", "unlink", "expired":
		if value != as {
			t.Fatalf("%s=%s does not concern %s", key, value, as)
		}
		c.relation(key)
	default:
		t.Fatalf("given %q", key)
	}
}

func (c *scene) relation(key string) {
	f := &c.facts
	switch key {
	case "block": // ends the relation (C-14)
		f.Blocked, f.Link = true, a.NoLink
	case "unblock":
		f.Blocked = false
	case "link":
		f.Link = a.ConsentLink
	case "unlink":
		f.Link = a.NoLink
	case "expired":
		f.LinkExpires = now
	}
}

func profileOf(t *testing.T, state string) a.Value {
	t.Helper()
	for v := range a.Domain(a.Profile) {
		if a.Profile.Name(v) == state {
			return v
		}
	}
	t.Fatalf("no state %q", state)
	return 0
}

// bearer is the subject of a token issued to a cast name, and his role on the record.
func bearer(t *testing.T, people cast.Cast, r row) (a.Subject, a.Role) {
	t.Helper()
	if who, ok := people.Professional(r["as"]); ok {
		sub := a.Subject{Nature: a.NaturePro, ID: who.ID, Profession: who.Profession, Specialty: who.Specialty, Structure: who.Structure.ID, Regulator: who.Regulator}
		if who.Kind == cast.KindStruct {
			sub.Nature = a.NatureStructure
		}
		return sub, a.NoRole
	}
	kind, name, _ := strings.Cut(r["as"], ":")
	name, number, second := strings.Cut(name, ":")
	whose, ok := people.Patient(name)
	representatives := 1
	if second {
		representatives = 2
	}
	role, known := map[string]a.Role{"patient": a.HolderRole, "rep": a.RepresentativeRole, "delegate": a.DelegateRole}[kind]
	switch {
	case !ok || !known,
		kind == "rep" && len(whose.Representatives) < representatives,
		kind == "delegate" && len(whose.Delegates) == 0:
		t.Fatalf("nobody is %q", r["as"])
	}
	if name != r["patient"] {
		role = a.NoRole
	}
	return a.Subject{Nature: a.NaturePerson, ID: kind + name + number}, role
}

// document is what the registry would know of the row's document: the rights of
// its authors follow from who deposited it (policy §1.1, attribute author).
func (c *scene) document(t *testing.T, people cast.Cast, r row) xds.Document {
	t.Helper()
	d := xds.Document{Record: recordID, Origin: xds.FromPro}
	depositor, ok := people.Professional(r["by"])
	switch {
	case !ok:
		d.Origin = xds.FromPatient
	case depositor.Kind == cast.KindPro:
		d.Structure, d.Authors = depositor.Structure.ID, []string{depositor.ID}
	default:
		d.Structure = depositor.Structure.ID
	}
	if author, ok := people.Professional(r["author"]); ok && author.Structure.ID == d.Structure {
		d.Authors = append(d.Authors, author.ID)
	}
	d.LineageAuthors = d.Authors
	if r["type"] == "REMB" {
		d.Origin = xds.FromInsurer
	}
	if strings.HasPrefix(r["type"], "EXPPAT") || strings.HasPrefix(r["type"], "DOCPAT") {
		d.Origin = xds.FromPatient
	}
	for _, m := range strings.Fields(r["marks"]) {
		switch m {
		case xds.MarkMaskedPS:
			d.Marks.MaskedPS = true
		case xds.MarkHiddenPatient:
			d.Marks.HiddenPatient = true
		case xds.MarkHiddenReps:
			d.Marks.HiddenReps = true
		default:
			t.Fatalf("mark %q", m)
		}
	}
	d.Entry.LogicalID = "urn:uuid:" + recordID
	d.Entry.TypeCode = typeOf(t, r["type"])
	d.Entry.AvailabilityStatus, ok = map[string]xds.Status{
		"approved": xds.Approved, "deprecated": xds.Deprecated, "archived": xds.Archived, "deleted": xds.Deleted,
	}[r["status"]]
	if !ok {
		t.Fatalf("status %q", r["status"])
	}
	return d
}

func typeOf(t *testing.T, code string) xds.Code {
	t.Helper()
	m, err := matrix.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range m.Types {
		if c, _ := xds.ParseCode(typ.Key); c.Value == code {
			return c
		}
	}
	t.Fatalf("type %q is not in the matrix", code)
	return xds.Code{}
}
