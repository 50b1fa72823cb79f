package xds

// The associations that trigger an operation of a metadata update and are not
// registered themselves (ITI TF-3 4.2.2.2.7, ITI TF-2 3.57.4.1.2).
const (
	UpdateStatus      AssociationType = "urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus"
	SubmitAssociation AssociationType = "urn:ihe:iti:2010:AssociationType:SubmitAssociation"
)

// AttestationSlot is the slot of a SubmissionSet, or of an association that triggers
// an operation, in which a professional attests with the value `true` that he acts at
// the patient's request (policy C-11). Neither IHE nor the DMP has a name for it.
const AttestationSlot = "urn:passerelle:attestation"

// Update is one metadata update as decoded (ITI TF-2 3.57, 3.92): a SubmissionSet and
// the operations that its associations ask for.
type Update struct {
	Set      SubmissionSet
	Entries  []EntryRevision
	Folders  []FolderRevision
	Statuses []StatusChange
	Links    []Association // new ones, between registered objects
	Attested bool
	// Restricted is ITI-92: entries alone, and of their attributes those that name
	// neither the patient nor the place of the document.
	Restricted bool
}

// Lot is the set of an update with its new versions and what joins them to it, as a
// submission.
func (up Update) Lot() Submission {
	lot := Submission{Set: up.Set}
	for _, e := range up.Entries {
		lot.Documents = append(lot.Documents, e.Entry)
		lot.Associations = append(lot.Associations, e.Member)
	}
	for _, f := range up.Folders {
		lot.Folders = append(lot.Folders, f.Folder)
		lot.Associations = append(lot.Associations, f.Member)
	}
	return lot
}

// Revision says which version of an object a new one follows.
type Revision struct {
	Member    Association // of the set, to the new version
	Previous  int         // PreviousVersion, from 1
	Propagate bool        // AssociationPropagation: the new version keeps the associations
	Status    Status      // as sent, "" when the message says none
}

// EntryRevision is the new version of a DocumentEntry: its LogicalID names the
// document, its EntryUUID is that of the version or symbolic.
type EntryRevision struct {
	Entry DocumentEntry
	Revision
}

// FolderRevision is the new version of a Folder.
type FolderRevision struct {
	Folder Folder
	Revision
}

// StatusChange is an UpdateAvailabilityStatus: Target is the id of a document, a
// folder or an association, of this message or registered.
type StatusChange struct {
	ID       string // of the association that asks for it
	Target   string
	From, To Status
}
