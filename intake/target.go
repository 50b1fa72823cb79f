package intake

import (
	"context"
	"errors"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// Folder is the folder with an id of any kind into which a submission of the subject may
// put documents: one that he deposited, or of which he sees a document; with those of its
// documents that he sees. The zero Folder is one that is not there for him. It leaves no
// trace, as Target.
func (d *Desk) Folder(ctx context.Context, subject authz.Subject, transaction, id string) (folder xds.Folder, members []string, err error) {
	err = d.named(ctx, subject, transaction, id, func(session *registry.Session, scope authz.Scope) error {
		contents, err := session.FolderAndContents(ctx, scope, id, nil, nil, xds.Approved)
		if err != nil || len(contents.Folders) == 0 || folder.LogicalID != "" {
			return err
		}
		folder, _ = contents.Folders[0].Value()
		for _, v := range contents.Documents {
			if document, ok := v.Value(); ok {
				members = append(members, document.Entry.LogicalID)
			}
		}
		return nil
	})
	return folder, members, err
}

// Target is the logicalId of the document with a uniqueId that a submission of the
// subject may point at: the newest that he sees, or, for a structure, that it
// deposited itself; "" when there is none for him, known to others or not. It
// leaves no trace: the decision on the submission comes after. The error is a failure.
func (d *Desk) Target(ctx context.Context, subject authz.Subject, transaction, uniqueID string) (logicalID string, err error) {
	err = d.named(ctx, subject, transaction, uniqueID, func(session *registry.Session, scope authz.Scope) error {
		docs, err := session.Get(ctx, scope, uniqueID)
		if err != nil {
			return err
		}
		for _, v := range docs {
			if found, ok := v.Value(); ok && found.Entry.UniqueID == uniqueID && logicalID == "" {
				logicalID = found.Entry.LogicalID
			}
		}
		return nil
	})
	return logicalID, err
}

// named looks an id up in the scopes in which the subject may name it. The error is a
// failure: a refusal finds nothing.
func (d *Desk) named(ctx context.Context, subject authz.Subject, transaction, id string, look func(*registry.Session, authz.Scope) error) error {
	for _, action := range []authz.Value{authz.Search, authz.Exists} {
		err := d.Registry.Peek(ctx, func(session *registry.Session) error {
			scopes, err := session.Scopes(ctx, d.Gate, subject, authz.Purpose{Action: action, Transaction: transaction, ByID: true}, id)
			if err != nil {
				return err
			}
			for _, scope := range scopes {
				if err := look(session, scope); err != nil {
					return err
				}
			}
			return nil
		})
		var refusal *xds.Error
		if err != nil && !errors.As(err, &refusal) {
			return err
		}
	}
	return nil
}
