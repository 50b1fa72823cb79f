package ebrim

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// openSession is a session on one record whose holder asks.
type openSession struct{}

func (openSession) Facts(context.Context, authz.Subject, xds.CX) (authz.Facts, error) {
	return authz.Facts{Record: "r1", Profile: authz.ProfileActive, Role: authz.HolderRole}, nil
}
func (openSession) Record(*authz.Trace) {}
func (openSession) Live() bool          { return true }

// admitted passes a lot through a real Gate that permits everything: an encoder
// takes nothing else. The set and the folders are admitted with all documents,
// or with one of their own making when there is none.
func admitted(t interface{ Fatal(...any) }, s xds.Submission) QueryAnswer {
	gate := authz.Gate{Now: time.Now, Paris: time.UTC, Policy: &authz.Policy{
		Rules: []authz.Rule{{ID: "R-all", Effect: authz.Permit}},
		Types: func(authz.Subject) authz.TypeSet { return authz.TypeSet{} },
		Pro:   func(string) bool { return false }, Occupational: func(authz.Subject) bool { return false },
	}}
	scope, err := gate.Open(context.Background(), openSession{}, authz.Subject{Nature: authz.NaturePerson, ID: "r1"}, "", authz.Purpose{Action: authz.Search})
	if err != nil {
		t.Fatal(err)
	}
	seen := authz.NewSeen(scope)
	answer := QueryAnswer{ReturnType: LeafClass}
	admit := func(e xds.DocumentEntry) authz.Visible[xds.Document] {
		v, ok := authz.Admit(scope, xds.Document{Entry: e, Record: "r1"})
		if !ok {
			t.Fatal("not admitted")
		}
		seen.Document(v)
		return v
	}
	for _, d := range s.Documents {
		answer.Documents = append(answer.Documents, admit(d))
	}
	admit(xds.DocumentEntry{EntryUUID: "member"})
	set, _ := seen.AdmitSet(s.Set, []string{"member"})
	answer.Sets = append(answer.Sets, set)
	for _, f := range s.Folders {
		v, _ := seen.AdmitFolder(f, []string{"member"})
		answer.Folders = append(answer.Folders, v)
	}
	for _, a := range s.Associations {
		admit(xds.DocumentEntry{EntryUUID: a.Source})
		admit(xds.DocumentEntry{EntryUUID: a.Target})
		v, ok := seen.AdmitAssociation(a)
		if !ok {
			t.Fatal("association not admitted")
		}
		answer.Associations = append(answer.Associations, v)
	}
	return answer
}
