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

// LinkDuration is how long a declared relation lasts when its declaration gives no
// end (policy Q-12).
const LinkDuration = 365 * 24 * time.Hour

// State is a record as its holder reads it.
type State struct {
	Record        string
	Profile       authz.Value
	Settings      authz.Settings
	Administrator string // national id, "" when none
}

// Read is the state of a record.
func Read(ctx context.Context, h db.Handle, a authz.Allowed) (State, error) {
	if err := db.Permitted(h, a, authz.ReadState, authz.SetParams); err != nil {
		return State{}, err
	}
	st := State{Record: a.Record()}
	var profile int16
	var admin *string
	err := db.On(h).QueryRow(ctx,
		`select state, mask_all, samu_ok, bdg_ok, masked_ok, administrator from record where id = $1`, a.Record()).
		Scan(&profile, &st.Settings.MaskAll, &st.Settings.SamuOK, &st.Settings.BdgOK, &st.Settings.MaskedOK, &admin)
	st.Profile = authz.Value(profile)
	if admin != nil {
		st.Administrator = *admin
	}
	return st, err
}

// coherent is the switches with maskedOK off when both emergency modes are (policy
// §1.1).
func coherent(s authz.Settings) authz.Settings {
	s.MaskedOK = s.MaskedOK && (s.SamuOK || s.BdgOK)
	return s
}

// SetSettings stores the holder's switches and gives them as they are stored.
func SetSettings(ctx context.Context, h db.Handle, a authz.Allowed, s authz.Settings) (authz.Settings, error) {
	if err := db.Permitted(h, a, authz.SetParams); err != nil {
		return authz.Settings{}, err
	}
	s = coherent(s)
	_, err := db.On(h).Exec(ctx,
		`update record set mask_all = $2, samu_ok = $3, bdg_ok = $4, masked_ok = $5 where id = $1`,
		a.Record(), s.MaskAll, s.SamuOK, s.BdgOK, s.MaskedOK)
	return s, err
}

// DeclareLink stores the relation that the subject himself declares (R-44, C-08).
func DeclareLink(ctx context.Context, h db.Handle, a authz.Allowed, basis authz.Value, at, expires time.Time) error {
	if err := db.Permitted(h, a, authz.DeclareLink); err != nil {
		return err
	}
	sub := a.Subject()
	_, err := db.On(h).Exec(ctx, `
insert into link (record, professional, basis, declared_at, expires_at, structure, token_id) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (record, professional) do update
set basis = excluded.basis, declared_at = excluded.declared_at, expires_at = excluded.expires_at,
    structure = excluded.structure, token_id = excluded.token_id`,
		a.Record(), sub.ID, int16(basis), at, expires, sub.Structure, sub.TokenID)
	return err
}

// Unlink ends a relation; a professional ends his own alone (ACC-44).
func Unlink(ctx context.Context, h db.Handle, a authz.Allowed, professional string) error {
	if err := db.Permitted(h, a, authz.Unlink); err != nil {
		return err
	}
	if a.Kind() == authz.Pro && professional != a.Subject().ID {
		return &xds.Error{ID: "ACC-44"}
	}
	_, err := db.On(h).Exec(ctx, `delete from link where record = $1 and professional = $2`, a.Record(), professional)
	return err
}

// Block bars a professional and ends his relation (R-41, R-42, C-07, C-14): the
// administrator is a conflict, and so is blocking oneself.
func Block(ctx context.Context, h db.Handle, a authz.Allowed, professional string, at time.Time) error {
	if err := db.Permitted(h, a, authz.Block); err != nil {
		return err
	}
	tx := db.On(h)
	st, err := lockState(ctx, tx, a.Record())
	if err != nil {
		return err
	}
	if st.Administrator == professional || a.Subject().ID == professional {
		return &xds.Error{ID: "C-07"}
	}
	if _, err := tx.Exec(ctx, `delete from link where record = $1 and professional = $2`, a.Record(), professional); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into block (record, professional, since) values ($1, $2, $3) on conflict do nothing`,
		a.Record(), professional, at)
	return err
}

// Unblock lifts a block; the former relation is not restored (policy Q-12).
func Unblock(ctx context.Context, h db.Handle, a authz.Allowed, professional string) error {
	if err := db.Permitted(h, a, authz.Block); err != nil {
		return err
	}
	_, err := db.On(h).Exec(ctx, `delete from block where record = $1 and professional = $2`, a.Record(), professional)
	return err
}

// NameAdministrator sets the one administrator (R-42, C-06): a médecin who is not
// blocked (else a conflict) and has read this record once.
func NameAdministrator(ctx context.Context, h db.Handle, a authz.Allowed, p Professional) error {
	if err := db.Permitted(h, a, authz.NameAdministrator); err != nil {
		return err
	}
	tx := db.On(h)
	if _, err := lockState(ctx, tx, a.Record()); err != nil {
		return err
	}
	var blocked, connected bool
	err := tx.QueryRow(ctx, `
select exists (select from block where record = $1 and professional = $2),
       exists (select from trail where record = $1 and actor = $2 and action = any($3) and permit)`,
		a.Record(), p.ID, []int16{int16(authz.Search), int16(authz.Retrieve)}).Scan(&blocked, &connected)
	switch {
	case err != nil:
		return err
	case blocked:
		return &xds.Error{ID: "C-07"}
	case p.Profession != physician:
		return &xds.Error{ID: "C-06", Where: "professional", Expected: "un médecin (profession 10)"}
	case !connected:
		return &xds.Error{ID: "C-06", Where: "professional", Expected: "un médecin qui a déjà consulté ce dossier"}
	}
	_, err = tx.Exec(ctx, `update record set administrator = $2 where id = $1`, a.Record(), p.ID)
	return err
}

// Physicians are the médecins of the directory who consulted the record once and are not
// blocked (C-06), in the order of their names.
func Physicians(ctx context.Context, h db.Handle, a authz.Allowed, limit int) ([]Professional, error) {
	if err := db.Permitted(h, a, authz.Journal); err != nil {
		return nil, err
	}
	rows, err := db.On(h).Query(ctx, professionalSQL+` d where profession = $2
  and exists (select from trail where record = $1 and actor = d.id and action = any($3) and permit)
  and not exists (select from block where record = $1 and professional = d.id)
order by family, given, id limit $4`, a.Record(), physician, []int16{int16(authz.Search), int16(authz.Retrieve)}, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Professional])
}

// RemoveAdministrator leaves the record without one.
func RemoveAdministrator(ctx context.Context, h db.Handle, a authz.Allowed) error {
	if err := db.Permitted(h, a, authz.NameAdministrator, authz.Resign); err != nil {
		return err
	}
	_, err := db.On(h).Exec(ctx, `update record set administrator = null where id = $1`, a.Record())
	return err
}

// physician is the profession code of a médecin (TRE_G15).
const physician = "10"

// lockState reads the record and holds it for the rest of the transaction.
func lockState(ctx context.Context, tx *db.Tx, record string) (State, error) {
	st := State{Record: record}
	var admin *string
	err := tx.QueryRow(ctx, `select administrator from record where id = $1 for update`, record).Scan(&admin)
	if errors.Is(err, pgx.ErrNoRows) {
		return st, &xds.Error{ID: "JSON-003"}
	}
	if admin != nil {
		st.Administrator = *admin
	}
	return st, err
}
