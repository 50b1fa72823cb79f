package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/lot"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/corpus"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

// system is the right under which the sandbox makes its cast.
var system = authz.AsSystem("bac à sable")

const day = 24 * time.Hour

// When the cast got to know each other, before the seeding.
const (
	linkedBefore    = 30 * day
	connectedBefore = 29 * day
	blockedBefore   = 20 * day
)

// seed plays the history of the cast through the gateway's own Gate, each event at
// its time: the trail that patients read is one that really happened.
func (s *Sandbox) seed(ctx context.Context, members cast.Cast) error {
	st := s.cast()
	if err := s.createCast(ctx, &st); err != nil {
		return err
	}
	for _, step := range []func(context.Context, *state, cast.Cast) error{s.seedDocuments, s.seedLinks, s.seedConnections, s.seedBlocks, s.closeRecords, s.seedContacts} {
		if err := step(ctx, &st, members); err != nil {
			return err
		}
	}
	return nil
}

// createCast writes the directory and the records; closed ones are closed later.
func (s *Sandbox) createCast(ctx context.Context, st *state) error {
	for _, p := range append(append([]professional{}, st.Professionals...), st.Depositors...) {
		if err := s.putProfessional(ctx, p); err != nil {
			return fmt.Errorf("%s : %w", p.Name, err)
		}
	}
	for _, p := range st.Patients {
		if p.State == "closed" {
			p.State = "active"
		}
		if err := s.createRecord(ctx, st, p); err != nil {
			return fmt.Errorf("%s : %w", p.Name, err)
		}
	}
	return s.seedAccounts(ctx, st)
}

func (s *Sandbox) putProfessional(ctx context.Context, p professional) error {
	return s.Service.Registry.Write(ctx, func(session *registry.Session) error {
		if p.Kind == cast.KindPro {
			if err := account.Reach(ctx, session.Handle(), p.ID, p.Name+"@sandbox.invalid", "fr"); err != nil {
				return err
			}
		}
		return record.Enlist(ctx, session.Handle(), system, record.Professional{
			ID: p.ID, Name: p.Name, Kind: p.Kind, Family: p.Family, Given: p.Given, Profession: p.Profession, Specialty: p.Specialty,
			Structure: p.Structure, StructureName: p.StructureName, Regulator: p.Regulator,
		})
	})
}

func (s *Sandbox) createRecord(ctx context.Context, st *state, p patient) error {
	holder := record.Holder{
		Record: p.Record, Patient: p.INS, Sex: p.Sex, Settings: p.Settings,
		Traits:  authz.Traits{Family: p.Family, Given: p.Given, BirthDate: compact(p.BirthDate)},
		Profile: profileValue(p.State), At: s.clock.Now(),
	}
	for _, x := range p.Representatives {
		holder.People = append(holder.People, record.Person{ID: x.ID, Role: authz.RepresentativeRole, Family: x.Family, Given: x.Given})
	}
	for _, x := range p.Delegates {
		holder.People = append(holder.People, record.Person{ID: x.ID, Role: authz.DelegateRole, Family: x.Family, Given: x.Given,
			Since: s.clock.Now(), Until: s.clock.Now().Add(record.LongestDelegation)})
	}
	return s.Service.Registry.Write(ctx, func(session *registry.Session) error {
		if err := record.Create(ctx, session.Handle(), system, holder); err != nil {
			return err
		}
		admin, ok := st.professional(p.Administrator)
		if !ok {
			return nil
		}
		return record.SeedAdministrator(ctx, session.Handle(), system, p.Record, admin.ID)
	})
}

// seedContacts lets the cast be told from now on: of what happened before nobody was.
func (s *Sandbox) seedContacts(ctx context.Context, st *state, _ cast.Cast) error {
	for _, p := range st.Patients {
		if err := s.reach(ctx, p); err != nil {
			return fmt.Errorf("adresse %s : %w", p.Name, err)
		}
	}
	return nil
}

// profileValue is a state by its name (policy §1.5), none when there is no such.
func profileValue(name string) authz.Value {
	for v := range authz.Domain(authz.Profile) {
		if authz.Profile.Name(v) == name {
			return v
		}
	}
	return authz.ProfileNone
}

// past is the gateway at an instant of the past.
type past struct {
	*Sandbox
	gate     *authz.Gate
	registry *registry.Registry
}

func (s *Sandbox) at(when time.Time) past {
	now := func() time.Time { return when }
	gate, reg := *s.Service.Gate, *s.Service.Registry
	gate.Now, reg.Now, reg.Mailed = now, now, false // of the past nobody is told
	return past{s, &gate, &reg}
}

// seedDocuments submits the corpus, oldest first, as its depositors.
func (s *Sandbox) seedDocuments(ctx context.Context, st *state, members cast.Cast) error {
	deposits, err := corpus.Documents(members)
	if err != nil {
		return err
	}
	entries := map[string]string{} // uniqueId → entryUUID
	for _, d := range deposits {
		receipt, err := s.at(d.When).deposit(ctx, st, d, entries[d.Replaces])
		if err != nil {
			return fmt.Errorf("document %s : %w", d.Key, err)
		}
		entries[d.UniqueID] = receipt.Documents[0].EntryUUID
	}
	return nil
}

// deposit submits one document of the corpus as ITI-41 does.
func (p past) deposit(ctx context.Context, st *state, d corpus.Deposit, replaces string) (registry.Receipt, error) {
	who, err := st.who(d.As)
	if err != nil {
		return registry.Receipt{}, err
	}
	header, findings := cda.Derive(d.Bytes, cda.Options{ClassOf: dmp.Class})
	if err := findings.Err(); err != nil {
		return registry.Receipt{}, err
	}
	submission := lot.Build(header, who.sender(), lot.Choice{
		Marks: d.Confidentiality, ContentType: d.ContentType, Comments: d.Comments, Relations: lot.Replacing(replaces), SubmittedAt: xds.NewDTM(d.When),
	})
	in, err := p.Service.Desk(p.gate, p.registry).Open(ctx, who.subject(), "ITI-41", submission, nil, nil)
	if err != nil {
		return registry.Receipt{}, err
	}
	defer in.Close(ctx)
	if err := in.Take(ctx, 0, bytes.NewReader(d.Bytes)); err != nil {
		return registry.Receipt{}, err
	}
	receipt, _, err := in.Register(ctx)
	return receipt, err
}

func (st *state) patientOf(ins xds.CX) (patient, bool) {
	for _, p := range st.Patients {
		if p.INS.Same(ins) {
			return p, true
		}
	}
	return patient{}, false
}

func (i identity) sender() lot.Sender {
	return lot.Sender{Nature: i.nature, ID: i.id, Family: i.family, Given: i.given, Structure: i.structure, StructureName: i.structureName}
}

// seedLinks lets the professionals declare their relations. Those blocked later had
// the holder's consent.
func (s *Sandbox) seedLinks(ctx context.Context, st *state, members cast.Cast) error {
	links := append([]cast.Link{}, members.Links...)
	for _, b := range members.Blocks {
		links = append(links, cast.Link{Professional: b.Professional, Patient: b.Patient, Basis: "consent"})
	}
	when := members.Seed.Add(-linkedBefore)
	for _, l := range links {
		basis := authz.ConsentLink
		if l.Basis == "team" {
			basis = authz.TeamLink
		}
		err := s.at(when).profileAct(ctx, st, l.Professional, l.Patient, authz.DeclareLink, "JSON:link", func(session *registry.Session, a authz.Allowed) error {
			return record.DeclareLink(ctx, session.Handle(), a, basis, when, when.Add(record.LinkDuration))
		})
		if err != nil {
			return fmt.Errorf("lien %s–%s : %w", l.Professional, l.Patient, err)
		}
	}
	return nil
}

// seedConnections lets those who connected once search the record (C-06).
func (s *Sandbox) seedConnections(ctx context.Context, st *state, members cast.Cast) error {
	p := s.at(members.Seed.Add(-connectedBefore))
	for _, pair := range members.Connected {
		who, err := st.who(pair.Professional)
		if err != nil {
			return err
		}
		holder, _ := st.patient(pair.Patient)
		sub := who.subject()
		if pro, ok := st.professional(pair.Professional); ok && pro.Regulator {
			sub.Mode = authz.Centre15
		}
		err = p.registry.Read(ctx, func(session *registry.Session) error {
			sc, err := p.gate.Open(ctx, session, sub, holder.INS, authz.Purpose{Action: authz.Search, Transaction: "ITI-67"})
			if err != nil {
				return err
			}
			_, err = session.Find(ctx, sc, xds.Query{Match: []xds.Match{xds.StatusIs(xds.Approved)}})
			return err
		})
		if err != nil {
			return fmt.Errorf("connexion %s–%s : %w", pair.Professional, pair.Patient, err)
		}
	}
	return nil
}

func (s *Sandbox) seedBlocks(ctx context.Context, st *state, members cast.Cast) error {
	when := members.Seed.Add(-blockedBefore)
	for _, b := range members.Blocks {
		target, _ := st.professional(b.Professional)
		err := s.at(when).profileAct(ctx, st, "patient:"+b.Patient, b.Patient, authz.Block, "JSON:block", func(session *registry.Session, a authz.Allowed) error {
			return record.Block(ctx, session.Handle(), a, target.ID, when)
		})
		if err != nil {
			return fmt.Errorf("blocage %s–%s : %w", b.Professional, b.Patient, err)
		}
	}
	return nil
}

// closeRecords ends the records that the cast has closed.
func (s *Sandbox) closeRecords(ctx context.Context, st *state, members cast.Cast) error {
	for _, m := range members.Patients {
		if m.State != "closed" {
			continue
		}
		err := s.at(members.Seed.Add(-m.ClosedFor)).profileAct(ctx, st, "patient:"+m.Name, m.Name, authz.Close, "JSON:close",
			func(session *registry.Session, a authz.Allowed) error {
				_, err := record.Act(ctx, session.Handle(), a, session.Now())
				return err
			})
		if err != nil {
			return fmt.Errorf("clôture %s : %w", m.Name, err)
		}
	}
	return nil
}

// profileAct carries out a profile action as a member of the cast.
func (p past) profileAct(ctx context.Context, st *state, as, of string, action authz.Value, transaction string, act func(*registry.Session, authz.Allowed) error) error {
	who, err := st.who(as)
	if err != nil {
		return err
	}
	holder, _ := st.patient(of)
	return p.registry.Write(ctx, func(session *registry.Session) error {
		a, err := p.gate.OpenProfile(ctx, session, who.subject(), holder.INS, authz.Purpose{Action: action, Transaction: transaction})
		if err != nil {
			return err
		}
		return act(session, a)
	})
}
