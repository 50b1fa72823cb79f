package signed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Deletion states that what an epoch of a record held can be read by nobody any more. It
// names the record by its opaque id and nobody by name.
type Deletion struct {
	Kind        Kind      `json:"kind"`
	Gateway     string    `json:"gateway"`
	Record      string    `json:"record"`
	Epoch       int       `json:"epoch"` // an activated record begins the next one, empty
	EndedAt     time.Time `json:"endedAt"`
	DestroyedAt time.Time `json:"destroyedAt"`
	Documents   int       `json:"documents"`
	Keys        int       `json:"keys"`                     // 0: nothing had been encrypted
	Fingerprint string    `json:"keyFingerprint,omitempty"` // of the key destroyed
	French      string    `json:"fr"`
	English     string    `json:"en"`
}

// certificate is the file: the statement, and its signature beside it.
type certificate struct {
	Statement json.RawMessage `json:"statement"`
	Signature Signature       `json:"signature"`
}

// Certify writes the certificate of a deletion.
func (s Signer) Certify(d Deletion) ([]byte, error) {
	d.Kind, d.Gateway = CertificateOfDeletion, s.Gateway
	d.French = "Les documents et les données de ce dossier ont été supprimés définitivement, la clé qui les chiffrait a été détruite. Rien ne peut en être récupéré."
	d.English = "The documents and data of this record were deleted for good; the key that encrypted them was destroyed. Nothing of them can be recovered."
	statement, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	return json.Marshal(certificate{statement, s.Sign(CertificateOfDeletion, statement)})
}

// ReadCertificate verifies a certificate of deletion, however it was spaced out since,
// and gives what it states and by which key. ErrBroken when it is not what was signed.
func ReadCertificate(file []byte) (Deletion, Signature, error) {
	var c certificate
	if err := json.Unmarshal(file, &c); err != nil {
		return Deletion{}, Signature{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	var statement bytes.Buffer
	if err := json.Compact(&statement, c.Statement); err != nil {
		return Deletion{}, Signature{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if err := c.Signature.Verify(CertificateOfDeletion, statement.Bytes()); err != nil {
		return Deletion{}, Signature{}, err
	}
	var d Deletion
	if err := json.Unmarshal(c.Statement, &d); err != nil || d.Kind != CertificateOfDeletion {
		return Deletion{}, Signature{}, ErrBroken
	}
	return d, c.Signature, nil
}
