// Package record is the patient's record: its holder, settings, links, blocks,
// administrator, representatives and delegates, and the directory of
// professionals. They are the facts that authz decides on. It stores no document
// and decides nothing.
package record

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

const factsSQL = `
select r.id::text, r.ins_value, r.ins_authority, r.ins_type, r.state, r.family, r.given, r.birth_date, r.sex,
       r.mask_all, r.samu_ok, r.bdg_ok, r.masked_ok,
       coalesce(r.administrator = $3, false),
       coalesce(p.role, 0), p.expires_at,
       b.professional is not null,
       coalesce(l.basis, 0), l.expires_at,
       coalesce(d.regulator, false), d.id is not null, coalesce(d.profession, ''), coalesce(d.specialty, ''), coalesce(d.structure, ''),
       g.person is not null, coalesce(g.scopes, ''), g.types, g.expires_at
from record r
left join record_person p on p.record = r.id and p.person = $3
left join block b on b.record = r.id and b.professional = $3
left join link l on l.record = r.id and l.professional = $3
left join professional d on d.id = $3
left join application_grant g on g.record = r.id and g.application = $4 and g.person = $3
where r.ins_value = $1 and r.ins_authority = $2`

// Facts reads what the record of a patient knows about a subject, in one round
// trip. A patient never seen gives the zero Facts and no error.
func Facts(ctx context.Context, h db.Handle, sub authz.Subject, patient xds.CX) (authz.Facts, error) {
	if !db.Storable(string(patient)) {
		return authz.Facts{}, nil
	}
	var f authz.Facts
	var value, authority, typ string
	var state, role, link int16
	var expires, roleExpires, grantExpires *time.Time
	err := db.On(h).QueryRow(ctx, factsSQL, patient.ID(), patient.Authority(), sub.ID, sub.Application).Scan(
		&f.Record, &value, &authority, &typ, &state, &f.Traits.Family, &f.Traits.Given, &f.Traits.BirthDate, &f.Sex,
		&f.Settings.MaskAll, &f.Settings.SamuOK, &f.Settings.BdgOK, &f.Settings.MaskedOK,
		&f.Administrator, &role, &roleExpires, &f.Blocked, &link, &expires, &f.Regulator,
		&f.Listed.Known, &f.Listed.Profession, &f.Listed.Specialty, &f.Listed.Structure,
		&f.Grant.Given, &f.Grant.Reach, &f.Grant.Types, &grantExpires)
	if errors.Is(err, pgx.ErrNoRows) {
		return authz.Facts{}, nil
	}
	if err != nil {
		return authz.Facts{}, err
	}
	f.Patient = xds.NewCX(value, authority, typ)
	f.Profile = authz.Value(state)
	f.Role = authz.Role(role)
	if roleExpires != nil {
		f.RoleExpires = *roleExpires
	}
	if sub.ID == f.Record {
		f.Role = authz.HolderRole
	}
	f.Link = authz.Value(link)
	if expires != nil {
		f.LinkExpires = *expires
	}
	if grantExpires != nil {
		f.Grant.Expires = *grantExpires
	}
	// A subject that is no professional has none of a professional's relations,
	// even if ids of different kinds were ever equal.
	if sub.Nature != authz.NaturePro {
		f.Administrator, f.Blocked, f.Link, f.Regulator = false, false, authz.NoLink, false
	}
	if sub.Nature != authz.NaturePerson {
		f.Role = authz.NoRole
	}
	return f, nil
}

// uuidForm is that of the ids of records; in any other there is none.
var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// PatientOf is the identifier of a record's holder; "" when there is no such record.
func PatientOf(ctx context.Context, h db.Handle, record string) (xds.CX, error) {
	if !uuidForm.MatchString(record) {
		return "", nil
	}
	var value, authority, typ string
	err := db.On(h).QueryRow(ctx,
		`select ins_value, ins_authority, ins_type from record where id = $1`, record).Scan(&value, &authority, &typ)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return xds.NewCX(value, authority, typ), err
}

// Find is the opaque id of the record of a patient; "" when there is none.
func Find(ctx context.Context, h db.Handle, patient xds.CX) (string, error) {
	if !db.Storable(string(patient)) {
		return "", nil
	}
	var id string
	err := db.On(h).QueryRow(ctx,
		`select id::text from record where ins_value = $1 and ins_authority = $2`, patient.ID(), patient.Authority()).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return id, err
}
