package registry

import (
	"context"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// FindFolders answers FindFolders (ITI TF-2 3.18.4.1.2.3.7.3): the folders of the
// Scope's record that it shows and the conditions match, the one changed last first,
// at most limit; more tells whether that is not all. A folder in which the reader
// sees nothing, an empty one too, is not there, unless he deposited it himself.
func (s *Session) FindFolders(ctx context.Context, sc authz.Scope, match []xds.Match, limit int) (folders []authz.Visible[xds.Folder], more bool, err error) {
	if sc.Record() == "" {
		return nil, false, nil
	}
	if !sc.HeldBy(s) {
		return nil, false, errForeign
	}
	return s.folders(ctx, sc, authz.NewSeen(sc), pick{match: match, limit: limit})
}

// GetFolders answers GetFolders (ITI TF-2 3.18.4.1.2.3.7.6): by entryUUID exactly
// those metadata versions, by logicalID or uniqueId the current ones. match narrows.
func (s *Session) GetFolders(ctx context.Context, sc authz.Scope, by xds.Attribute, match []xds.Match, ids ...string) ([]authz.Visible[xds.Folder], error) {
	if sc.Record() == "" {
		return nil, nil
	}
	if !sc.HeldBy(s) {
		return nil, errForeign
	}
	objects, err := s.objects(ctx, sc.Record(), ids)
	if err != nil {
		return nil, err
	}
	p := pick{ids: objects, match: match}
	if by == xds.AttrEntryUUID {
		p.versions, _ = splitIDs(ids)
	}
	folders, _, err := s.folders(ctx, sc, authz.NewSeen(sc), p)
	if err != nil {
		return nil, err
	}
	return folders, s.told(ctx, sc, objects, len(folders) > 0)
}

// FolderAndContents answers GetFolderAndContents (ITI TF-2 3.18.4.1.2.3.7.11) for a
// folder named by entryUUID, logicalID or uniqueId: the documents in it that keep
// matches, and their memberships in the given statuses. match narrows the folder.
func (s *Session) FolderAndContents(ctx context.Context, sc authz.Scope, id string, match, keep []xds.Match, statuses ...xds.Status) (Contents, error) {
	if sc.Record() == "" {
		return Contents{}, nil
	}
	if !sc.HeldBy(s) {
		return Contents{}, errForeign
	}
	objects, err := s.objects(ctx, sc.Record(), []string{id})
	if err != nil {
		return Contents{}, err
	}
	links, err := s.links(ctx, sc.Record(), "a.source = any($2) and a.type = $3 and a.status = any($4)", objects, string(xds.HasMember), statusNumbers(statuses))
	if err != nil {
		return Contents{}, err
	}
	members := []string{}
	for _, l := range links {
		members = append(members, l.target)
	}
	documents, err := s.narrowed(ctx, sc, uuids(members), keep)
	if err != nil {
		return Contents{}, err
	}
	out, seen := Contents{}, authz.NewSeen(sc)
	if out.Folders, _, err = s.folders(ctx, sc, seen, pick{ids: objects, match: match}); err != nil {
		return Contents{}, err
	}
	shown := authz.NewSeen(sc)
	for _, d := range documents {
		if d.kept {
			shown.Document(d.visible)
		}
	}
	if err := s.told(ctx, sc, objects, len(out.Folders) > 0); err != nil || len(out.Folders) == 0 {
		return Contents{}, err
	}
	folder, _ := out.Folders[0].Value()
	shown.AdmitFolder(folder, keptIDs(documents))
	for _, l := range links {
		if v, ok := shown.AdmitAssociation(l.Association); ok {
			out.Associations = append(out.Associations, v)
		}
	}
	for _, d := range documents {
		if d.kept {
			out.Documents = append(out.Documents, d.visible)
		}
	}
	return out, nil
}

func keptIDs(documents []keptDocument) (ids []string) {
	for _, d := range documents {
		if d.kept {
			ids = append(ids, "urn:uuid:"+d.id)
		}
	}
	return ids
}

// FoldersOf answers GetFoldersForDocument (ITI TF-2 3.18.4.1.2.3.7.12): the folders
// that a document, named by any of its ids, is in. match narrows them.
func (s *Session) FoldersOf(ctx context.Context, sc authz.Scope, id string, match []xds.Match, statuses ...xds.Status) ([]authz.Visible[xds.Folder], error) {
	if sc.Record() == "" {
		return nil, nil
	}
	if !sc.HeldBy(s) {
		return nil, errForeign
	}
	objects, err := s.objects(ctx, sc.Record(), []string{id})
	if err != nil {
		return nil, err
	}
	links, err := s.links(ctx, sc.Record(), "a.target = any($2) and a.type = $3 and a.status = any($4)", objects, string(xds.HasMember), statusNumbers(statuses))
	if err != nil {
		return nil, err
	}
	seen, sources := authz.NewSeen(sc), []string{}
	documents, err := s.narrowed(ctx, sc, objects, nil)
	if err != nil {
		return nil, err
	}
	for _, d := range documents {
		seen.Document(d.visible)
	}
	for _, l := range links {
		sources = append(sources, l.source)
	}
	folders, _, err := s.folders(ctx, sc, seen, pick{ids: uuids(sources), match: match})
	if err != nil {
		return nil, err
	}
	in := map[string]bool{} // folders whose membership of the document is seen
	for _, l := range links {
		if _, ok := seen.AdmitAssociation(l.Association); ok {
			in[l.source] = true
		}
	}
	var out []authz.Visible[xds.Folder]
	for _, v := range folders {
		if f, _ := v.Value(); in[bareID(f.LogicalID)] {
			out = append(out, v)
		}
	}
	return out, s.told(ctx, sc, objects, len(out) > 0)
}
