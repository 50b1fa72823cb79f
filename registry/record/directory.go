package record

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// Professional is an entry of the directory.
type Professional struct {
	ID            string // national id
	Name          string // short name, unique; the id where there is none
	Kind          string // pro, struct or other
	Family        string
	Given         string
	Profession    string
	Specialty     string
	Structure     string
	StructureName string
	Regulator     bool
}

const professionalSQL = `select id, name, kind, family, given, profession, specialty, structure, structure_name, regulator from professional`

// LookUp finds a professional by national id or short name; ok is false when the
// directory has none.
func LookUp(ctx context.Context, h db.Handle, idOrName string) (p Professional, ok bool, err error) {
	if !db.Storable(idOrName) {
		return Professional{}, false, nil
	}
	err = db.On(h).QueryRow(ctx, professionalSQL+` where id = $1 or name = $1 order by id = $1 desc limit 1`, idOrName).
		Scan(&p.ID, &p.Name, &p.Kind, &p.Family, &p.Given, &p.Profession, &p.Specialty, &p.Structure, &p.StructureName, &p.Regulator)
	if errors.Is(err, pgx.ErrNoRows) {
		return Professional{}, false, nil
	}
	return p, err == nil, err
}

// Enlist adds entries to the directory or replaces those that are there, in one
// statement; of one that is given twice, either. Who may regulate is the operator's to say, not an extract's: Regulator
// counts where it is true, and takes nothing away.
func Enlist(ctx context.Context, h db.Handle, sys authz.System, all ...Professional) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	var columns [10][]string
	var regulators []bool
	for _, p := range all {
		for i, text := range []string{p.ID, p.Name, p.Kind, p.Family, p.Given, p.Profession, p.Specialty, p.Structure, p.StructureName, words(p)} {
			columns[i] = append(columns[i], text)
		}
		regulators = append(regulators, p.Regulator)
	}
	_, err := db.On(h).Exec(ctx, `
insert into professional (id, name, kind, family, given, profession, specialty, structure, structure_name, words, regulator)
select distinct on (id) * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::boolean[]) as e (id)
on conflict (id) do update set name = excluded.name, kind = excluded.kind, family = excluded.family, given = excluded.given,
    profession = excluded.profession, specialty = excluded.specialty, structure = excluded.structure,
    structure_name = excluded.structure_name, words = excluded.words, regulator = excluded.regulator or professional.regulator`,
		columns[0], columns[1], columns[2], columns[3], columns[4], columns[5], columns[6], columns[7], columns[8], columns[9], regulators)
	return err
}

// Workplace is where else a professional works.
type Workplace struct{ Professional, Structure, StructureName string }

// Place adds workplaces of professionals who are in the directory.
func Place(ctx context.Context, h db.Handle, sys authz.System, all ...Workplace) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	var columns [3][]string
	for _, w := range all {
		columns[0], columns[1], columns[2] = append(columns[0], w.Professional), append(columns[1], w.Structure), append(columns[2], w.StructureName)
	}
	_, err := db.On(h).Exec(ctx, `
insert into workplace (professional, structure, structure_name) select distinct on (professional, structure) * from unnest($1::text[], $2::text[], $3::text[]) as w (professional, structure)
on conflict (professional, structure) do update set structure_name = excluded.structure_name`, columns[0], columns[1], columns[2])
	return err
}

// Person is a representative or a delegate of a record.
type Person struct {
	ID     string
	Role   authz.Role
	Family string
	Given  string
	Since  time.Time // of a delegate's delegation
	Until  time.Time // its end; zero: none stands for him
}

// Holder is a new record with its patient.
type Holder struct {
	Record   string
	Patient  xds.CX
	Traits   authz.Traits
	Sex      string
	Profile  authz.Value
	Settings authz.Settings
	People   []Person
	At       time.Time // since when it is in its state; zero: nothing ever becomes due of it
}

// life is where a new record stands.
func (r Holder) life() Life {
	l := Life{Record: r.Record, State: r.Profile, Epoch: 1, BirthDate: r.Traits.BirthDate}
	if r.At.IsZero() {
		return l
	}
	switch r.Profile {
	case authz.ProfileNotified:
		l.NotifiedAt = &r.At
	case authz.ProfileClosed:
		l.ClosedAt = &r.At
	}
	birth, known := birthday(l.BirthDate)
	l.Minor = known && r.At.Before(birth)
	return l
}

// Create stores a record. maskedOK is off when both emergency modes are.
func Create(ctx context.Context, h db.Handle, sys authz.System, r Holder) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	tx := db.On(h)
	settings := coherent(r.Settings)
	_, err := tx.Exec(ctx, `
insert into record (id, ins_value, ins_authority, ins_type, family, given, sex, birth_date, state, mask_all, samu_ok, bdg_ok, masked_ok)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		r.Record, r.Patient.ID(), r.Patient.Authority(), r.Patient.Type(), r.Traits.Family, r.Traits.Given, r.Sex, r.Traits.BirthDate,
		int16(r.Profile), settings.MaskAll, settings.SamuOK, settings.BdgOK, settings.MaskedOK)
	if err != nil {
		return err
	}
	if l := r.life(); !r.At.IsZero() {
		if err := l.store(ctx, tx); err != nil {
			return err
		}
	}
	for _, p := range r.People {
		if _, err := tx.Exec(ctx,
			`insert into record_person (record, person, role, family, given) values ($1, $2, $3, $4, $5)`,
			r.Record, p.ID, int16(p.Role), p.Family, p.Given); err != nil {
			return err
		}
		if !p.Until.IsZero() {
			if err := seedDelegation(ctx, tx, r.Record, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// SeedAdministrator names an administrator without the conditions of C-06: the
// sandbox's cast is born with its history.
func SeedAdministrator(ctx context.Context, h db.Handle, sys authz.System, record, professional string) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	_, err := db.On(h).Exec(ctx, `update record set administrator = $2 where id = $1`, record, professional)
	return err
}

// SetProfile puts a record into a state whatever its former one, without what goes with
// it: for tests.
func SetProfile(ctx context.Context, h db.Handle, sys authz.System, record string, profile authz.Value) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	_, err := db.On(h).Exec(ctx, `update record set state = $2 where id = $1`, record, int16(profile))
	return err
}
