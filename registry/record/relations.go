package record

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// Authorization is where one professional stands on a record (DMP TD1.6).
type Authorization struct {
	Professional  string // national id
	Family, Given string
	Profession    string
	Specialty     string
	Structure     string
	StructureName string
	Administrator bool        // médecin traitant
	Basis         authz.Value // NoLink, TeamLink or ConsentLink
	Since, Until  time.Time   // of the link or the block; zero: not known, without end
	Blocked       bool
}

// Access is his way into the record at an instant.
func (a Authorization) Access(now time.Time) authz.Access {
	switch {
	case a.Blocked:
		return authz.AccessForbidden
	case a.Administrator:
		return authz.AccessValid
	case a.Basis == authz.NoLink:
		return authz.AccessNone
	case !a.Until.IsZero() && !now.Before(a.Until):
		return authz.AccessExpired
	default:
		return authz.AccessValid
	}
}

// maxAuthorizations bounds a list; nobody has that many relations.
const maxAuthorizations = 1000

const authorizationsSQL = `
select who.id, coalesce(d.family, ''), coalesce(d.given, ''), coalesce(d.profession, ''), coalesce(d.specialty, ''),
       coalesce(l.structure, d.structure, ''), coalesce(case when l.structure is null or l.structure = d.structure then d.structure_name else o.structure_name end, ''),
       coalesce(r.administrator = who.id, false), coalesce(l.basis, 0), coalesce(b.since, l.declared_at), l.expires_at, b.professional is not null
from record r
cross join lateral (
  select professional as id from link where record = r.id
  union select professional from block where record = r.id
  union select r.administrator where r.administrator is not null) who
left join link l on l.record = r.id and l.professional = who.id
left join block b on b.record = r.id and b.professional = who.id
left join professional d on d.id = who.id
left join professional o on o.id = l.structure and o.kind = 'struct'
where r.id = $1 and ($2 = '' or who.id = $2)
order by who.id limit $3`

// Authorizations are the professionals who have, had, or are barred from access to
// the record. Who may read its history reads them all; a professional who may read
// his own lines alone finds himself alone.
func Authorizations(ctx context.Context, h db.Handle, a authz.Allowed) ([]Authorization, error) {
	if err := db.Permitted(h, a, authz.Journal, authz.OwnJournal); err != nil {
		return nil, err
	}
	only := ""
	if a.Action() == authz.OwnJournal {
		only = a.Subject().ID
	}
	return authorizations(ctx, h, a.Record(), only)
}

// Around are the same professionals, to the holder's side when it reads the record.
func Around(ctx context.Context, h db.Handle, sc authz.Scope) ([]Authorization, error) {
	if err := db.Opened(h, sc); err != nil {
		return nil, err
	}
	return authorizations(ctx, h, sc.Record(), "")
}

// authorizations reads those of a record, or the one of a professional.
func authorizations(ctx context.Context, h db.Handle, record, only string) ([]Authorization, error) {
	rows, err := db.On(h).Query(ctx, authorizationsSQL, record, only, maxAuthorizations)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Authorization
	for rows.Next() {
		var one Authorization
		var basis int16
		var since, until *time.Time
		if err := rows.Scan(&one.Professional, &one.Family, &one.Given, &one.Profession, &one.Specialty, &one.Structure, &one.StructureName,
			&one.Administrator, &basis, &since, &until, &one.Blocked); err != nil {
			return nil, err
		}
		one.Basis = authz.Value(basis)
		if since != nil {
			one.Since = *since
		}
		if until != nil {
			one.Until = *until
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// Relative is a person with a role on a record, beside its holder.
type Relative struct {
	Person        string
	Role          authz.Role
	Family, Given string
}

// Relatives are the representatives and relatives of a record, to its own side.
func Relatives(ctx context.Context, h db.Handle, sc authz.Scope) ([]Relative, error) {
	if err := db.Opened(h, sc); err != nil {
		return nil, err
	}
	rows, err := db.On(h).Query(ctx, `select person, role, family, given from record_person where record = $1 order by role, person limit $2`, sc.Record(), maxAuthorizations)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Relative
	for rows.Next() {
		var one Relative
		var role int16
		if err := rows.Scan(&one.Person, &role, &one.Family, &one.Given); err != nil {
			return nil, err
		}
		one.Role = authz.Role(role)
		all = append(all, one)
	}
	return all, rows.Err()
}

// Related is a record on which a professional declared a relation, or of which he
// is the administrator. It says nothing about whether he may enter now.
type Related struct {
	Patient xds.CX
	Traits  authz.Traits
	Since   time.Time // of the declaration; zero for the administrator
}

// MaxRelated bounds how many records one list covers.
const MaxRelated = 500

const relatedSQL = `
select r.ins_value, r.ins_authority, r.ins_type, r.family, r.given, r.birth_date, l.declared_at
from record r left join link l on l.record = r.id and l.professional = $1
where r.id in (select record from link where professional = $1 union select id from record where administrator = $1)
order by l.declared_at desc nulls last, r.id limit $2`

// RelatedTo are the records that a professional's own relations name, the latest
// declared first. The Gate judges each of them before it is told.
func RelatedTo(ctx context.Context, h db.Handle, sub authz.Subject) ([]Related, error) {
	if sub.Nature != authz.NaturePro || sub.ID == "" {
		return nil, nil
	}
	rows, err := db.On(h).Query(ctx, relatedSQL, sub.ID, MaxRelated)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Related
	for rows.Next() {
		var one Related
		var value, authority, typ string
		var since *time.Time
		if err := rows.Scan(&value, &authority, &typ, &one.Traits.Family, &one.Traits.Given, &one.Traits.BirthDate, &since); err != nil {
			return nil, err
		}
		one.Patient = xds.NewCX(value, authority, typ)
		if since != nil {
			one.Since = *since
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
