package authz_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// TestDoors: the number of each door, and the lowest when several hold (policy §0.1).
func TestDoors(t *testing.T) {
	g := newGate(t)
	closed := func(f *authz.Facts) { f.Profile = authz.ProfileClosed }
	blocked := func(f *authz.Facts) { f.Blocked = true }
	noLink := func(f *authz.Facts) { f.Link = authz.NoLink }
	expired := func(f *authz.Facts) { f.LinkExpires = noon }
	minor := func(f *authz.Facts) { f.Traits.BirthDate = "20150101" }
	role := func(r authz.Role) func(f *authz.Facts) { return func(f *authz.Facts) { f.Role = r } }
	refusing := func(f *authz.Facts) { f.Settings.SamuOK, f.Settings.BdgOK = false, false }
	mode := func(m authz.Value, reason string, regulator bool) authz.Subject {
		sub := doctor()
		sub.Mode, sub.Reason, sub.Regulator, sub.Traits = m, reason, regulator, openRecord(alice).Traits
		return sub
	}
	all := func(changes ...func(f *authz.Facts)) func(f *authz.Facts) {
		return func(f *authz.Facts) {
			for _, c := range changes {
				c(f)
			}
		}
	}
	occupational := doctor()
	occupational.Specialty = "SM25"
	stranger := doctor()
	stranger.Profession = "PLOMBIER"
	for _, c := range []struct {
		name   string
		sub    authz.Subject
		facts  func(f *authz.Facts)
		action authz.Value
		want   string
	}{
		{"linked", doctor(), nil, authz.Search, ""},
		{"closed", doctor(), closed, authz.Search, "ACC-01"},
		{"closed before blocked, no link", doctor(), all(closed, blocked, noLink), authz.Search, "ACC-01"},
		{"closed before other", stranger, closed, authz.Search, "ACC-01"},
		{"other", stranger, nil, authz.Search, "ACC-02"},
		{"nobody on this record", person(), nil, authz.Search, "ACC-02"},
		{"structure", server(), nil, authz.Search, "ACC-03"},
		{"blocked", doctor(), blocked, authz.Search, "ACC-04"},
		{"blocked before no link", doctor(), all(blocked, noLink), authz.Search, "ACC-04"},
		{"blocked before occupational", occupational, blocked, authz.Search, "ACC-04"},
		{"blocked in bris de glace", mode(authz.BrisDeGlace, "chute", false), blocked, authz.Search, "ACC-04"},
		{"minor", person(), all(role(authz.HolderRole), minor), authz.Search, "ACC-05"},
		{"delegate of a minor", person(), all(role(authz.DelegateRole), minor), authz.Search, "ACC-05"},
		{"representative of an adult", person(), role(authz.RepresentativeRole), authz.Search, "ACC-06"},
		{"representative of a minor", person(), all(role(authz.RepresentativeRole), minor), authz.Search, ""},
		{"occupational", occupational, nil, authz.Search, "ACC-11"},
		{"occupational before no link", occupational, noLink, authz.Search, "ACC-11"},
		{"no link", doctor(), noLink, authz.Retrieve, "ACC-23"},
		{"expired", doctor(), expired, authz.Search, "ACC-29"},
		{"administrator needs no link", doctor(), all(noLink, func(f *authz.Facts) { f.Administrator = true }), authz.Search, ""},
		{"centre 15, no regulator", mode(authz.Centre15, "", false), nil, authz.Search, "ACC-24"},
		{"centre 15 refused", mode(authz.Centre15, "", true), refusing, authz.Search, "ACC-24"},
		{"centre 15", mode(authz.Centre15, "", true), noLink, authz.Search, ""},
		{"centre 15, regulator of the directory", mode(authz.Centre15, "", false), func(f *authz.Facts) { f.Regulator = true }, authz.Search, ""},
		{"bris de glace", mode(authz.BrisDeGlace, "chute", false), noLink, authz.Search, ""},
		{"bris de glace refused", mode(authz.BrisDeGlace, "chute", false), refusing, authz.Search, "ACC-25"},
		{"bris de glace without reason", mode(authz.BrisDeGlace, " ", false), nil, authz.Search, "ACC-25"},
		{"never seen", doctor(), func(f *authz.Facts) { *f = authz.Facts{} }, authz.Search, "REG-001"},
		{"opposed", doctor(), func(f *authz.Facts) { f.Profile = authz.ProfileOpposed }, authz.Search, "REG-001"},
		{"erased, other", stranger, func(f *authz.Facts) { f.Profile = authz.ProfileErased }, authz.Search, "REG-001"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSession(c.facts)
			sc, err := g.Open(t.Context(), s, c.sub, alice, authz.Purpose{Action: c.action, Transaction: "ITI-18"})
			if got := refusal(t, err); got != c.want {
				t.Fatalf("%q, want %q", got, c.want)
			}
			if (sc.Record() != "") != (c.want == "") {
				t.Errorf("record %q with %q", sc.Record(), c.want)
			}
			if c.want == "REG-001" {
				return // no record, no trail
			}
			if len(s.traces) != 1 || s.traces[0].Permit != (c.want == "") || s.traces[0].Code != c.want {
				t.Errorf("trail %+v", s.traces)
			}
		})
	}
}

// TestDoorsOfActs: the doors of reading exist for no other action (policy §0.1).
func TestDoorsOfActs(t *testing.T) {
	g := newGate(t)
	stranger := func(f *authz.Facts) { f.Link = authz.NoLink }
	inMode := func(m authz.Value) authz.Subject {
		sub := doctor()
		sub.Mode = m
		return sub
	}
	for _, c := range []struct {
		name   string
		sub    authz.Subject
		facts  func(f *authz.Facts)
		action authz.Value
		want   string
	}{
		{"deletes without link", doctor(), stranger, authz.Delete, ""},
		{"deletes in centre 15, no regulator", inMode(authz.Centre15), stranger, authz.Delete, ""},
		{"deletes while blocked", doctor(), func(f *authz.Facts) { f.Blocked = true }, authz.Delete, ""},
		{"masks while blocked", doctor(), func(f *authz.Facts) { f.Blocked = true }, authz.Mask, "ACC-04"},
		{"masks in centre 15", inMode(authz.Centre15), nil, authz.Mask, "ACC-07"},
		{"masks in bris de glace", inMode(authz.BrisDeGlace), nil, authz.Mask, "ACC-07"},
		{"structure masks", server(), nil, authz.Mask, "ACC-03"},
		{"structure deletes", server(), nil, authz.Delete, ""},
		{"deletes on a closed record", doctor(), func(f *authz.Facts) { f.Profile = authz.ProfileClosed }, authz.Delete, "ACC-01"},
	} {
		_, err := g.OpenAmend(t.Context(), newSession(c.facts), c.sub, alice, authz.Purpose{Action: c.action})
		if got := refusal(t, err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestAnotherPatient: 67 comes before all, and tells nothing about the token's
// record; the door is judged on the patient of the token.
func TestAnotherPatient(t *testing.T) {
	g := newGate(t)
	for _, c := range []struct {
		name          string
		token, wanted xds.CX
		facts         func(f *authz.Facts)
		want          string
	}{
		{"same", alice, alice, nil, ""},
		{"same without type", alice.Key(), alice, nil, ""},
		{"another", alice, bruno, nil, "ACC-67"},
		{"another, closed", alice, bruno, func(f *authz.Facts) { f.Profile = authz.ProfileClosed }, "ACC-67"},
		{"another, blocked", alice, bruno, func(f *authz.Facts) { f.Blocked = true }, "ACC-67"},
		{"another, opposed", alice, bruno, func(f *authz.Facts) { f.Profile = authz.ProfileOpposed }, "ACC-67"},
		{"another, never seen", nemo, bruno, nil, "ACC-67"},
		{"none wanted", alice, "", nil, ""},
		{"none wanted, closed", alice, "", func(f *authz.Facts) { f.Profile = authz.ProfileClosed }, "ACC-01"},
	} {
		sub := doctor()
		sub.Patient = c.token
		s := newSession(c.facts)
		_, err := g.Open(t.Context(), s, sub, c.wanted, authz.Purpose{Action: authz.Search})
		if got := refusal(t, err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		for _, trace := range s.traces {
			if trace.Record != "record-of-"+alice.ID() {
				t.Errorf("%s: traced on %s", c.name, trace.Record)
			}
		}
		_, err = g.OpenDeposit(t.Context(), newSession(c.facts), sub, c.wanted, authz.Purpose{})
		if got := refusal(t, err); c.want == "ACC-67" && got != c.want {
			t.Errorf("%s, deposit: %q", c.name, got)
		}
	}
}

// TestByID: without a patient in the token a closed door is an unknown id, and is
// traced; with one it shows (policy §0.1).
func TestByID(t *testing.T) {
	g := newGate(t)
	blocked := func(f *authz.Facts) { f.Blocked = true }
	byID := authz.Purpose{Action: authz.Retrieve, ByID: true}

	s := newSession(blocked)
	sc, err := g.Open(t.Context(), s, doctor(), alice, byID)
	if err != nil || sc.Live() || sc.Record() != "" || len(s.traces) != 1 || s.traces[0].Code != "ACC-04" {
		t.Errorf("unbound: %v %+v %+v", err, sc, s.traces)
	}
	if sc, err := g.Open(t.Context(), newSession(nil), doctor(), nemo, byID); err != nil || sc.Live() {
		t.Errorf("unbound, no record: %v", err)
	}
	bound := doctor()
	bound.Patient = alice
	if _, err := g.Open(t.Context(), newSession(blocked), bound, alice, byID); refusal(t, err) != "ACC-04" {
		t.Errorf("bound: %v", err)
	}

	s = newSession(blocked)
	scopes, err := g.OpenByID(t.Context(), s, doctor(), []xds.CX{alice, nemo, bruno}, byID)
	if err != nil || len(scopes) != 1 || !scopes[0].Patient().Same(bruno) || len(s.traces) != 2 {
		t.Errorf("several records: %v %v, %d traces", scopes, err, len(s.traces))
	}
	scopes, err = g.OpenByID(t.Context(), newSession(nil), bound, []xds.CX{bruno}, byID)
	if err != nil || len(scopes) != 1 || !scopes[0].Patient().Same(alice) {
		t.Errorf("the ids of another patient under a bound token: %v %v", scopes, err)
	}
	if _, err := g.OpenByID(t.Context(), newSession(blocked), bound, nil, byID); refusal(t, err) != "ACC-04" {
		t.Errorf("bound, several records: %v", err)
	}
	mask := authz.Purpose{Action: authz.Mask, ByID: true}
	if _, err := g.OpenAmend(t.Context(), newSession(blocked), doctor(), alice, mask); refusal(t, err) != "JSON-003" {
		t.Errorf("an act by id through a closed door: %v", err)
	}
	if _, err := g.OpenAmend(t.Context(), newSession(blocked), bound, alice, mask); refusal(t, err) != "ACC-04" {
		t.Errorf("an act by id under a bound token: %v", err)
	}
}

// TestStructureFindsItsOwn: existence by id, of documents of its own house alone
// a search stays closed.
func TestStructureFindsItsOwn(t *testing.T) {
	g := newGate(t)
	sc, err := g.Open(t.Context(), newSession(nil), server(), alice, authz.Purpose{Action: authz.Exists, ByID: true})
	if err != nil {
		t.Fatal(err)
	}
	d := xds.Document{Record: sc.Record(), Structure: "1599990017", Entry: xds.DocumentEntry{AvailabilityStatus: xds.Approved}}
	if _, ok := authz.Admit(sc, d); !ok {
		t.Error("its own document is not found")
	}
	foreign := d
	foreign.Structure = "1599990025"
	deleted := d
	deleted.Entry.AvailabilityStatus = xds.Deleted
	for _, d := range []xds.Document{foreign, deleted} {
		if _, ok := authz.Admit(sc, d); ok {
			t.Errorf("admitted %+v", d)
		}
	}
	if _, err := g.Open(t.Context(), newSession(nil), doctor(), alice, authz.Purpose{Action: authz.Exists}); refusal(t, err) != "ACC-03" {
		t.Errorf("a professional opens a Scope of existence: %v", err)
	}
}

// TestDeposit: C-13, and the codes of a refused deposit.
func TestDeposit(t *testing.T) {
	g := newGate(t)
	stranger := doctor()
	stranger.Profession = ""
	reinforced := doctor()
	reinforced.Reinforced = true
	for _, c := range []struct {
		name  string
		sub   authz.Subject
		facts func(f *authz.Facts)
		want  string
	}{
		{"no link", doctor(), func(f *authz.Facts) { f.Link = authz.NoLink }, ""},
		{"blocked", doctor(), func(f *authz.Facts) { f.Blocked = true }, ""},
		{"structure", server(), nil, ""},
		{"delegate", person(), func(f *authz.Facts) { f.Role = authz.DelegateRole }, ""},
		{"other", stranger, nil, "ACC-02"},
		{"closed", doctor(), func(f *authz.Facts) { f.Profile = authz.ProfileClosed }, "ACC-01"},
		{"reinforced authentication", reinforced, nil, "C-13"},
	} {
		s := newSession(c.facts)
		dep, err := g.OpenDeposit(t.Context(), s, c.sub, alice, authz.Purpose{})
		if got := refusal(t, err); got != c.want || (dep.Record() != "") != (c.want == "") {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if len(s.traces) != 1 || s.traces[0].Action != authz.Submit || s.traces[0].Permit != (c.want == "") || s.traces[0].Code != c.want {
			t.Errorf("%s: trail %+v", c.name, s.traces[0])
		}
	}
}

// TestProfileActions: the codes of refused profile actions (policy §0.3).
func TestProfileActions(t *testing.T) {
	g := newGate(t)
	holder := func(f *authz.Facts) { f.Role = authz.HolderRole }
	delegate := func(f *authz.Facts) { f.Role = authz.DelegateRole }
	in := func(p authz.Value) func(f *authz.Facts) {
		return func(f *authz.Facts) { f.Role, f.Profile = authz.HolderRole, p }
	}
	for _, c := range []struct {
		name   string
		sub    authz.Subject
		facts  func(f *authz.Facts)
		action authz.Value
		want   string
	}{
		{"journal", doctor(), nil, authz.Journal, "ACC-41"},
		{"own journal", doctor(), nil, authz.OwnJournal, ""},
		{"block", doctor(), nil, authz.Block, "ACC-42"},
		{"params by a delegate", person(), delegate, authz.SetParams, "ACC-42"},
		{"params", person(), holder, authz.SetParams, ""},
		{"the holder declares a link", person(), holder, authz.DeclareLink, "ACC-44"},
		{"link", doctor(), nil, authz.DeclareLink, ""},
		{"exists, structure", server(), nil, authz.Exists, ""},
		{"exists, opposed", doctor(), in(authz.ProfileOpposed), authz.Exists, "REG-001"},
		{"state, opposed", person(), in(authz.ProfileOpposed), authz.ReadState, ""},
		{"activate, opposed", person(), in(authz.ProfileOpposed), authz.Activate, ""},
		{"activate, notified, delegate", person(), func(f *authz.Facts) { f.Role, f.Profile = authz.DelegateRole, authz.ProfileNotified }, authz.Activate, "REG-001"},
		{"oppose, notified", person(), in(authz.ProfileNotified), authz.Oppose, ""},
		{"journal, closed", person(), in(authz.ProfileClosed), authz.Journal, ""},
		{"journal, erased", person(), in(authz.ProfileErased), authz.Journal, "REG-001"},
		{"reopen, closed", person(), in(authz.ProfileClosed), authz.Reopen, ""},
	} {
		_, err := g.OpenProfile(t.Context(), newSession(c.facts), c.sub, alice, authz.Purpose{Action: c.action})
		if got := refusal(t, err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestTrail: one row a decision, with what decided (policy J-1).
func TestTrail(t *testing.T) {
	g := newGate(t)
	s := newSession(nil)
	sub := doctor()
	sub.TokenID = "jti-1"
	sc, err := g.Open(t.Context(), s, sub, alice, authz.Purpose{Action: authz.Search, Transaction: "ITI-67", Document: "urn:uuid:d1", Attested: true})
	if err != nil {
		t.Fatal(err)
	}
	want := &authz.Trace{
		Record: "record-of-" + alice.ID(), At: noon, Subject: sub, Kind: authz.Pro, Mode: authz.Normal, Action: authz.Search, Transaction: "ITI-67",
		Permit: true, Rules: []string{"R-22", "R-23"}, Policy: "france-1", Matrix: g.Policy.At(noon).MatrixVersion, Documents: []string{"urn:uuid:d1"}, Attested: true,
	}
	if diff := cmp.Diff([]*authz.Trace{want}, s.traces); diff != "" {
		t.Error(diff)
	}
	sc.Found([]string{"urn:uuid:d1", "urn:uuid:d2"}, false)
	if got := s.traces[0]; got.Permit || len(got.Documents) != 2 {
		t.Errorf("after a look-up that showed nothing: %+v", got)
	}
}

// A failure of the facts is no refusal: it must not read as an unknown id.
func TestFactsFail(t *testing.T) {
	broken := errors.New("connection lost")
	g := newGate(t)
	s := failing{newSession(nil), broken}
	if _, err := g.Open(t.Context(), s, doctor(), alice, authz.Purpose{Action: authz.Retrieve, ByID: true}); !errors.Is(err, broken) {
		t.Errorf("open: %v", err)
	}
	if _, err := g.OpenAmend(t.Context(), s, doctor(), alice, authz.Purpose{Action: authz.Mask, ByID: true}); !errors.Is(err, broken) {
		t.Errorf("amend: %v", err)
	}
}

// A permission ends with its session, and the zero values permit nothing.
func TestPermissionsEnd(t *testing.T) {
	g := newGate(t)
	s := newSession(func(f *authz.Facts) { f.Role = authz.HolderRole })
	d := xds.Document{Record: "record-of-" + alice.ID(), Lineage: "l", Origin: xds.FromPatient}
	d.Entry = xds.DocumentEntry{LogicalID: "urn:uuid:d1", EntryUUID: "urn:uuid:d1", AvailabilityStatus: xds.Approved}
	sc, err1 := g.Open(t.Context(), s, person(), alice, authz.Purpose{Action: authz.Search})
	dep, err2 := g.OpenDeposit(t.Context(), s, person(), alice, authz.Purpose{})
	am, err3 := g.OpenAmend(t.Context(), s, person(), alice, authz.Purpose{Action: authz.Mask})
	al, err4 := g.OpenProfile(t.Context(), s, person(), alice, authz.Purpose{Action: authz.Journal})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	seen := authz.NewSeen(sc)
	powers := func() []bool {
		_, admitted := authz.Admit(sc, d)
		_, set := seen.AdmitSet(xds.SubmissionSet{}, []string{"urn:uuid:d1"})
		_, folder := seen.AdmitFolder(xds.Folder{}, []string{"urn:uuid:d1"})
		_, link := seen.AdmitAssociation(xds.Association{Source: "urn:uuid:d1", Target: "urn:uuid:d1"})
		return []bool{
			admitted, set, folder, link, sc.Live(), sc.HeldBy(s), dep.HeldBy(s), am.HeldBy(s), al.HeldBy(s),
			dep.Target(d, xds.Replaces) == nil, am.Judge(d) == nil, al.Sees(d),
		}
	}
	v, _ := authz.Admit(sc, d)
	seen.Document(v)
	for i, ok := range powers() {
		if !ok {
			t.Errorf("power %d is not there while the session is open", i)
		}
	}
	other := newSession(nil)
	if sc.HeldBy(other) || dep.HeldBy(other) || am.HeldBy(other) || al.HeldBy(other) {
		t.Error("held by a session that it was not opened in")
	}
	elsewhere := d
	elsewhere.Record = "record-of-" + bruno.ID()
	if _, ok := authz.Admit(sc, elsewhere); ok || am.Judge(elsewhere) == nil || al.Sees(elsewhere) || dep.Target(elsewhere, xds.Replaces) == nil {
		t.Error("a document of another record")
	}
	s.ended = true
	for i, ok := range powers() {
		if ok {
			t.Errorf("power %d outlives the session", i)
		}
	}
	sc, dep, am, al = authz.Scope{}, authz.Deposit{}, authz.Amend{}, authz.Allowed{}
	s, seen = newSession(nil), authz.NewSeen(authz.Scope{})
	seen.Document(v)
	for i, ok := range powers() {
		if ok {
			t.Errorf("the zero value has power %d", i)
		}
	}
	if value, ok := (authz.Visible[xds.Document]{}).Value(); ok || value.Record != "" {
		t.Error("the zero Visible holds something")
	}
	if _, ok := authz.Admit(authz.Scope{}, xds.Document{}); ok {
		t.Error("the zero Scope admits the zero Document")
	}
}
