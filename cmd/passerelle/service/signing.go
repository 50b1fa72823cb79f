package service

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/signed"
)

// signaturePath is where the public key of the gateway's statements is published.
const signaturePath = "/.well-known/passerelle-signature"

// signer is the gateway as it signs.
func (s *Service) signer() signed.Signer { return signed.Signer{Gateway: s.Base, Key: s.Signature} }

// publicKey publishes the key by which certificates and exports are verified.
func (s *Service) publicKey(w http.ResponseWriter, _ *http.Request) {
	p := s.signer().Public()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"gateway": s.Base, "algorithm": p.Algorithm, "key": p.Key, "fingerprint": p.Fingerprint}) // the client has gone
}

// shred destroys the key of an epoch that has ended, and certifies it.
func (s *Service) shred(_ context.Context, e record.Ending) ([]byte, error) {
	done, err := s.Repository.Shred(asScheduler, e.Record, e.Epoch, s.Now())
	if err != nil {
		return nil, err
	}
	return s.signer().Certify(signed.Deletion{
		Record: e.Record, Epoch: e.Epoch, EndedAt: e.At, DestroyedAt: done.At, Documents: e.Documents, Keys: done.Keys, Fingerprint: done.Fingerprint,
	})
}
