package rights

import (
	"context"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/record"
)

// Prove holds the three data of the activation against the notice: provisional code, INS,
// serial number of the Carte Vitale (S2, S4). Whatever is wrong is LIFE-004, and so are an
// unknown number, a code that is over or used, and one that was tried too often: the same
// answer after the same work. The code is not used up by it: an opposition leaves it, and
// Activate takes it away. Pages that call it bound how often one address may.
func (d *Desk) Prove(ctx context.Context, p record.Proof) (record.Proved, error) {
	return d.Registry.Prove(ctx, p)
}

// As is the call of somebody who has proved who he is and has no account: what he may do
// is decided by the Gate as of any other.
func (d *Desk) As(who record.Proved, face Face) Call {
	return Call{Subject: d.Registry.Proven(who), Face: face, Record: who.Record}
}

// Redeem activates or opposes for whoever proves that the record is his, in one step.
func (d *Desk) Redeem(ctx context.Context, face Face, p record.Proof, action authz.Value, attested bool) (Lived, record.Proved, error) {
	who, err := d.Prove(ctx, p)
	if err != nil {
		return Lived{}, who, err
	}
	if action != authz.Oppose {
		action = authz.Activate
	}
	l, err := d.live(ctx, d.As(who, face), action, attested)
	return l, who, err
}
