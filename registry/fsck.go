package registry

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
)

// Fault is a kind of disagreement between the two stores, or within one.
type Fault string

// The faults that Fsck tells apart.
const (
	BlobMissing         Fault = "blob-missing"         // a document's bytes are not there
	BlobCorrupt         Fault = "blob-corrupt"         // other bytes than those registered
	BlobUnreadable      Fault = "blob-unreadable"      // the store fails on them
	KeyMissing          Fault = "key-missing"          // a document's bytes are there, their key is not
	KeyRevived          Fault = "key-revived"          // a key that was destroyed is there again
	BlobOrphan          Fault = "blob-orphan"          // no document names it, no submission announces it
	BlobStray           Fault = "blob-stray"           // in the store, and no blob
	IntentStale         Fault = "intent-stale"         // of a submission that did not end
	EntryUnreadable     Fault = "entry-unreadable"     // the stored DocumentEntry does not decode
	DocumentCurrent     Fault = "document-current"     // a document without exactly one current version
	LineageEmpty        Fault = "lineage-empty"        // a lineage without documents
	AssociationDangling Fault = "association-dangling" // an end is no object of the record
	ObjectIDMissing     Fault = "object-id-missing"    // an object whose id leads nowhere, or elsewhere
	ObjectIDDangling    Fault = "object-id-dangling"   // an id that leads to nothing
	UniqueIDMissing     Fault = "unique-id-missing"    // an object whose uniqueId is not kept, or is another's
	UniqueIDDangling    Fault = "unique-id-dangling"   // a uniqueId kept for nothing
	HashDiffers         Fault = "hash-differs"         // two hashes registered for one document
)

// Finding is one disagreement. It names ids and keys, which are opaque, and nothing
// of what a document says.
type Finding struct {
	Fault    Fault
	Object   string // bare logicalId or id of the object, "" for blobs that nothing names
	Version  int    // of the document, 0 for other objects
	Blob     string // key, or prefix of an intent; record and epoch of a KeyRevived
	Repaired bool
}

// FsckOptions say how deep Fsck looks.
type FsckOptions struct {
	Bytes     bool          // read every blob and compare its SHA-256
	OlderThan time.Duration // intents and unnamed blobs that are younger may be of submissions under way
	Repair    bool          // sweep orphans, stale intents and keys that were destroyed; metadata are never touched
	Progress  func(documents, blobs int)
}

// Checked is how much Fsck looked at.
type Checked struct {
	Documents int // metadata versions
	Blobs     int // in the store
	Findings  int // Repaired included
	Repaired  int
}

// Fsck holds the two stores against each other and tells each finding as it goes.
// It may run beside a gateway at work. The zero System learns nothing.
func (r *Registry) Fsck(ctx context.Context, sys authz.System, repo *repository.Store, o FsckOptions, tell func(Finding)) (Checked, error) {
	if err := db.BySystem(sys); err != nil {
		return Checked{}, err
	}
	f := &fsck{registry: r, sys: sys, repo: repo, options: o}
	f.tell = func(x Finding) {
		if f.done.Findings++; x.Repaired {
			f.done.Repaired++
		}
		tell(x)
	}
	for _, check := range []func(context.Context) error{f.metadata, f.documents, f.intents, f.store, f.keys} {
		if err := check(ctx); err != nil {
			return f.done, err
		}
	}
	return f.done, nil
}

// fsck is one run.
type fsck struct {
	registry *Registry
	sys      authz.System
	repo     *repository.Store
	options  FsckOptions
	tell     func(Finding)
	done     Checked
}

// metadata asks the questions that the tables answer alone, of one snapshot.
func (f *fsck) metadata(ctx context.Context) error {
	return pgx.BeginTxFunc(ctx, f.registry.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `set local statement_timeout = 0`); err != nil {
			return err
		}
		for _, q := range metadataChecks {
			rows, err := tx.Query(ctx, q.sql)
			if err != nil {
				return err
			}
			var id string
			if _, err = pgx.ForEachRow(rows, []any{&id}, func() error {
				f.tell(Finding{Fault: q.fault, Object: id})
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// held is a row of document_entry.
type held struct {
	record, lid string
	version     int
	content     xds.Content
	payload     []byte
	sha1        string // kept with its uniqueId, "" when that is not kept
}

// fsckBatch bounds the documents in memory at once.
const fsckBatch = 200

// documents checks that each metadata version can be read, and its bytes; all
// versions of a document name the same blob, which is read once.
func (f *fsck) documents(ctx context.Context) error {
	last := held{record: "00000000-0000-0000-0000-000000000000", lid: "00000000-0000-0000-0000-000000000000"}
	checked := ""
	for {
		rows, err := f.registry.pool.Query(ctx, `
select record::text, lid::text, version, blob, sha256, seal, entry, coalesce((select u.sha1 from unique_id u where u.uid = d.unique_id), '')
from document_entry d
where (record, lid, version) > ($1::text::uuid, $2::text::uuid, $3) order by record, lid, version limit $4`, last.record, last.lid, last.version, fsckBatch)
		if err != nil {
			return err
		}
		batch, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h held, err error) {
			return h, row.Scan(&h.record, &h.lid, &h.version, &h.content.Blob, &h.content.SHA256, &h.content.Seal, &h.payload, &h.sha1)
		})
		if err != nil || len(batch) == 0 {
			return err
		}
		for _, h := range batch {
			asked, err := f.document(ctx, h, h.content.Blob != checked)
			if err != nil {
				return err
			}
			if asked {
				checked = h.content.Blob
			}
		}
		last = batch[len(batch)-1]
		f.progress()
	}
}

// document checks one metadata version, and its bytes when they are still to be
// looked at; asked tells whether the store was asked for them, which an entry that
// does not decode prevents.
func (f *fsck) document(ctx context.Context, h held, bytes bool) (asked bool, err error) {
	f.done.Documents++
	var entry xds.DocumentEntry
	if err := decode(h.payload, &entry, &entry.Extras); err != nil {
		f.tell(Finding{Fault: EntryUnreadable, Object: h.lid, Version: h.version})
		return false, nil
	}
	if h.sha1 != "" && h.sha1 != entry.Hash {
		f.tell(Finding{Fault: HashDiffers, Object: h.lid, Version: h.version})
	}
	if !bytes || h.content.Blob == "" { // in another repository, or made on demand
		return false, nil
	}
	h.content.Size = entry.Size
	err = f.repo.Verify(ctx, f.sys, h.content, f.options.Bytes)
	if err == nil || ctx.Err() != nil {
		return true, ctx.Err()
	}
	fault := BlobUnreadable
	switch {
	case errors.Is(err, repository.ErrMissing):
		fault = BlobMissing
	case errors.Is(err, repository.ErrCorrupt), errors.Is(err, repository.ErrKey):
		fault = BlobCorrupt
	case errors.Is(err, repository.ErrNoKey):
		fault = KeyMissing
	}
	f.tell(Finding{Fault: fault, Object: h.lid, Version: h.version, Blob: h.content.Blob})
	return true, nil
}

// intents tells those of submissions that did not end.
func (f *fsck) intents(ctx context.Context) error {
	prefixes, err := f.registry.texts(ctx, `select prefix from blob_intent where created_at < $1 order by prefix`, f.before())
	if err != nil {
		return err
	}
	if f.options.Repair && len(prefixes) > 0 {
		if _, err := f.registry.Sweep(ctx, f.sys, f.repo, f.options.OlderThan); err != nil {
			return err
		}
	}
	for _, prefix := range prefixes {
		f.tell(Finding{Fault: IntentStale, Blob: prefix, Repaired: f.options.Repair})
	}
	return nil
}

// store walks the blobs for those that nothing names.
func (f *fsck) store(ctx context.Context) error {
	counted := func(yield func(repository.Info, error) bool) {
		for info, err := range f.repo.Everything(ctx) {
			if f.done.Blobs++; f.done.Blobs%sweepBatch == 0 {
				f.progress()
			}
			if !yield(info, err) {
				return
			}
		}
	}
	for info, err := range f.registry.orphans(ctx, settled(counted, f.before())) {
		if err != nil {
			return err
		}
		x := Finding{Fault: BlobOrphan, Blob: info.Key, Repaired: f.options.Repair}
		if info.Stray {
			x.Fault, x.Repaired = BlobStray, false
		} else if f.options.Repair {
			if err := f.repo.Discard(ctx, info.Key); err != nil {
				return err
			}
		}
		f.tell(x)
	}
	return nil
}

// keys tells those that a back-up brought back after their records were erased.
func (f *fsck) keys(ctx context.Context) error {
	revived, err := f.repo.Revived(ctx, f.sys, f.options.Repair)
	for _, key := range revived {
		f.tell(Finding{Fault: KeyRevived, Blob: key, Repaired: f.options.Repair && err == nil})
	}
	return err
}

func (f *fsck) before() time.Time { return f.registry.Now().Add(-f.options.OlderThan) }

func (f *fsck) progress() {
	if f.options.Progress != nil {
		f.options.Progress(f.done.Documents, f.done.Blobs)
	}
}
