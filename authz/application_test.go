package authz_test

import (
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

const (
	report    = "11502-2^^2.16.840.1.113883.6.1"
	letter    = "34874-8^^2.16.840.1.113883.6.1"
	documents = authz.Reach("DocumentReference.crs")
)

// tracker is an application's token for the holder, asking for documents.
func tracker() authz.Subject {
	return authz.Subject{Nature: authz.NaturePerson, ID: "someone", Patient: alice, Application: "tracker", Scoped: true, Scopes: documents,
		Asked: authz.Interaction{Resource: "DocumentReference", Letter: "s"}}
}

// listing is a gate whose operator lists one application.
func listing(t *testing.T, app authz.Application) *authz.Gate {
	g := newGate(t)
	g.Applications = func(client string) (authz.Application, bool) { return app, client == app.Client }
	return g
}

func listed() authz.Application { return authz.Application{Client: "tracker", Reach: documents} }

func granted() authz.Grant {
	return authz.Grant{Given: true, Reach: documents, Expires: noon.Add(time.Minute)}
}

// TestApplicationNeedsAGrant: the application must be listed, its grant there and in
// force at the instant of the decision, and token, catalogue and grant must all reach
// so far; else the answer is one and the same, whatever the record.
func TestApplicationNeedsAGrant(t *testing.T) {
	as := func(change func(*authz.Subject)) authz.Subject { s := tracker(); change(&s); return s }
	of := func(change func(*authz.Grant)) authz.Grant { g := granted(); change(&g); return g }
	asking := func(resource, letter string) func(*authz.Subject) {
		return func(s *authz.Subject) { s.Asked = authz.Interaction{Resource: resource, Letter: letter} }
	}
	for _, c := range []struct {
		name   string
		app    authz.Application
		sub    authz.Subject
		grant  authz.Grant
		action authz.Value
		want   string
	}{
		{"granted", listed(), tracker(), granted(), authz.Search, ""},
		{"no grant", listed(), tracker(), authz.Grant{}, authz.Search, "APP-001"},
		{"expires now", listed(), tracker(), of(func(g *authz.Grant) { g.Expires = noon }), authz.Search, "APP-001"},
		{"no longer listed", authz.Application{Client: "other", Reach: documents}, tracker(), granted(), authz.Search, "APP-001"},
		{"beyond the grant", listed(), tracker(), of(func(g *authz.Grant) { g.Reach = "DocumentReference.r" }), authz.Search, "APP-001"},
		{"beyond the catalogue", authz.Application{Client: "tracker", Reach: "Immunization.rs"}, tracker(), granted(), authz.Search, "APP-001"},
		{"beyond the token", listed(), as(func(s *authz.Subject) { s.Scopes = "Immunization.rs" }), granted(), authz.Search, "APP-001"},
		{"another resource", listed(), as(asking("List", "s")), granted(), authz.Search, "APP-001"},
		{"a face that says nothing of what is asked", listed(), as(asking("", "")), granted(), authz.Search, "APP-001"},
		{"content with its document", listed(), as(asking("Binary", "r")), granted(), authz.Retrieve, ""},
		{"the history is not its business", listed(), tracker(), granted(), authz.Journal, "APP-001"},
		{"nor are settings", listed(), tracker(), granted(), authz.SetParams, "APP-001"},
		{"another patient", listed(), as(func(s *authz.Subject) { s.Patient = bruno }), authz.Grant{}, authz.Search, "ACC-67"},
		{"a record that is not there", listed(), as(func(s *authz.Subject) { s.Patient = "" }), granted(), authz.Search, "APP-001"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := listing(t, c.app)
			s := newSession(func(f *authz.Facts) { f.Role, f.Grant = authz.HolderRole, c.grant })
			patient := alice
			if c.sub.Patient == "" {
				patient = nemo
			}
			var err error
			if c.action == authz.Search || c.action == authz.Retrieve {
				_, err = g.Open(t.Context(), s, c.sub, patient, authz.Purpose{Action: c.action})
			} else {
				_, err = g.OpenProfile(t.Context(), s, c.sub, patient, authz.Purpose{Action: c.action})
			}
			if got := refusal(t, err); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if patient == nemo {
				return
			}
			if row := s.traces[0]; row.Application != "tracker" || row.Permit != (c.want == "") || row.Code != c.want {
				t.Errorf("the trail says %+v", row)
			}
		})
	}
	// Without a catalogue there are no applications; the holder himself needs no grant.
	s := newSession(func(f *authz.Facts) { f.Role, f.Grant = authz.HolderRole, granted() })
	if _, err := newGate(t).Open(t.Context(), s, tracker(), alice, authz.Purpose{Action: authz.Search}); refusal(t, err) != "APP-001" {
		t.Errorf("no catalogue: %v", err)
	}
	if _, err := newGate(t).Open(t.Context(), s, person(), alice, authz.Purpose{Action: authz.Search}); err != nil {
		t.Error(err)
	}
}

// TestApplicationSeesItsTypesAlone: a document of a type that the grant or the catalogue
// leaves out does not exist for the application, on any path.
func TestApplicationSeesItsTypesAlone(t *testing.T) {
	document := func(key string) xds.Document {
		value, scheme := key[:7], key[9:]
		return xds.Document{Record: openRecord(alice).Record, Entry: xds.DocumentEntry{EntryUUID: key, LogicalID: key, AvailabilityStatus: xds.Approved,
			TypeCode: xds.Code{Value: value, Scheme: scheme}}, Origin: xds.FromPatient}
	}
	for _, c := range []struct {
		name            string
		catalogue, mine []string
		want            map[string]bool
	}{
		{"all", nil, nil, map[string]bool{report: true, letter: true}},
		{"the grant's", nil, []string{report}, map[string]bool{report: true}},
		{"the catalogue's", []string{letter}, nil, map[string]bool{letter: true}},
		{"both", []string{report, letter}, []string{letter}, map[string]bool{letter: true}},
		{"none in common", []string{report}, []string{letter}, nil},
		{"none", nil, []string{}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			app, sub := listed(), tracker()
			app.Types, app.Reach, sub.Scopes = c.catalogue, "*.cruds", "*.cruds"
			g := listing(t, app)
			s := newSession(func(f *authz.Facts) {
				f.Role, f.Grant = authz.HolderRole, authz.Grant{Given: true, Reach: "*.cruds", Types: c.mine, Expires: noon.Add(time.Minute)}
			})
			sc, err := g.Open(t.Context(), s, sub, alice, authz.Purpose{Action: authz.Search})
			deposit, err2 := g.OpenDeposit(t.Context(), s, sub, alice, authz.Purpose{})
			amend, err3 := g.OpenAmend(t.Context(), s, sub, alice, authz.Purpose{Action: authz.Delete})
			update, err4 := g.OpenUpdate(t.Context(), s, sub, alice, authz.Purpose{})
			state, err5 := g.OpenProfile(t.Context(), s, sub, alice, authz.Purpose{Action: authz.ReadState})
			for _, err := range []error{err, err2, err3, err4, err5} {
				if err != nil {
					t.Fatal(err)
				}
			}
			for _, key := range []string{report, letter} {
				d := document(key)
				_, admitted := authz.Admit(sc, d)
				for path, got := range map[string]bool{
					"Admit": admitted, "Deposit.Takes": deposit.Takes(d.Entry.TypeCode) == nil, "Deposit.Target": deposit.Target(d, xds.Replaces) == nil,
					"Deposit.Names": deposit.Names(d), "Amend.Judge": amend.Judge(d) == nil, "Update.Sees": update.Sees(d), "Allowed.Sees": state.Sees(d),
					"Update.Judge": update.Judge(d, authz.Replace) == nil,
				} {
					if got != c.want[key] {
						t.Errorf("%s of %s: %v", path, key, got)
					}
				}
				// What it does not see answers as what is not there, and no act on marks is its own.
				if err := update.Judge(d, authz.Mask); !c.want[key] && refusal(t, err) != "UPD-001" || err == nil {
					t.Errorf("masking %s: %v", key, err)
				}
			}
			_, own := authz.NewSeen(sc).AdmitOwnFolder(xds.Folder{EntryUUID: "f"}, sub.ID)
			if limited := c.catalogue != nil || c.mine != nil; own == limited {
				t.Errorf("a folder of the holder's own: %v", own)
			}
		})
	}
}

// TestReach reads scopes of both versions of SMART, and takes nothing that it does not
// know how to hold to.
func TestReach(t *testing.T) {
	for _, c := range []struct {
		scopes []string
		want   authz.Reach
	}{
		{[]string{"patient/DocumentReference.rs", "openid", "launch/patient", "offline_access"}, "DocumentReference.rs"},
		{[]string{"patient/DocumentReference.read", "patient/DocumentReference.write"}, "DocumentReference.cruds"},
		{[]string{"patient/*.*"}, "*.cruds"},
		{[]string{"patient/Immunization.s", "patient/Immunization.c", "patient/Binary.r"}, "Binary.r Immunization.cs"},
		{[]string{"user/DocumentReference.rs", "system/*.cruds"}, ""},
		{[]string{"patient/DocumentReference.sr", "patient/DocumentReference.rr", "patient/DocumentReference.", "patient/DocumentReference", "patient/.rs", "patient/Doc Ref.rs"}, ""},
		{[]string{"patient/DocumentReference.rs?type=11502-2", "patient/DocumentReference.all"}, ""},
		{nil, ""},
	} {
		if got := authz.ReachOf(c.scopes, "patient"); got != c.want {
			t.Errorf("%v: got %q, want %q", c.scopes, got, c.want)
		}
	}
	for _, c := range []struct {
		reach authz.Reach
		asked authz.Interaction
		want  bool
	}{
		{"DocumentReference.rs", authz.Interaction{Resource: "DocumentReference", Letter: "s"}, true},
		{"DocumentReference.rs", authz.Interaction{Resource: "DocumentReference", Letter: "c"}, false},
		{"DocumentReference.rs", authz.Interaction{Resource: "Binary", Letter: "r"}, true},
		{"DocumentReference.s", authz.Interaction{Resource: "Binary", Letter: "r"}, false},
		{"Binary.r", authz.Interaction{Resource: "DocumentReference", Letter: "r"}, false},
		{"*.rs", authz.Interaction{Resource: "List", Letter: "r"}, true},
		{"*.cruds", authz.Interaction{}, false},
		{"", authz.Interaction{Resource: "List", Letter: "r"}, false},
	} {
		if got := c.reach.Allows(c.asked); got != c.want {
			t.Errorf("%q allows %s: %v", c.reach, c.asked, got)
		}
	}
	if !authz.Reach("List.r").Within("*.rs") || authz.Reach("*.r").Within("List.rs") || authz.Reach("List.rc").Within("List.rs") || !authz.Reach("").Within("") {
		t.Error("Within")
	}
}
