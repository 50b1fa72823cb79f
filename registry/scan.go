package registry

import (
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/xds"
)

// scanDocuments reads the rows of documentSQL.
func scanDocuments(rows pgx.Rows, each func(d xds.Document, total int, related bool, key []string)) error {
	defer rows.Close()
	for rows.Next() {
		var d xds.Document
		var total int
		var related bool
		var key []string
		if err := scanDocument(rows, &d, &total, &related, &key); err != nil {
			return err
		}
		each(d, total, related, key)
	}
	return rows.Err()
}

// scanDocument reads one row: the entry from its payload, and over it what the
// columns keep current (ids, version, status, marks).
func scanDocument(row pgx.Row, d *xds.Document, extra ...any) error {
	var status, origin int16
	var registered, updated time.Time
	var payload []byte
	e := &d.Entry
	var entryUUID, lid string
	dest := []any{&d.Record, &lid, &e.Version, &entryUUID, &d.Lineage, &status, &d.Authors, &d.Depositor, &d.Structure,
		&origin, &d.Content.Blob, &d.Content.SHA256, &d.Content.Seal, &registered, &updated, &payload,
		&d.Marks.MaskedPS, &d.Marks.HiddenPatient, &d.Marks.HiddenReps, &d.LineageAuthors}
	if err := row.Scan(append(dest, extra...)...); err != nil {
		return err
	}
	version := e.Version
	if err := decode(payload, e, &e.Extras); err != nil {
		return fmt.Errorf("document %s: %w", lid, err)
	}
	e.Version = version
	e.EntryUUID, e.LogicalID = "urn:uuid:"+entryUUID, "urn:uuid:"+lid
	if int(status) >= len(statusName) {
		return errors.New("unknown status")
	}
	e.AvailabilityStatus = statusName[status]
	e.Confidentiality = append(e.Confidentiality, d.Marks.Codes()...)
	d.Origin = origins[origin]
	d.Content.SHA1, d.Content.Size = e.Hash, e.Size
	d.Labels = xds.Labels{RegisteredUnix: registered.Unix(), UpdatedUnix: updated.Unix()}
	return nil
}

var origins = map[int16]xds.Origin{0: xds.FromPro, 1: xds.FromPatient, 2: xds.FromInsurer}
