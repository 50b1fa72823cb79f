package registry

import (
	"context"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/outbox"
)

// Origin is what an audit message tells of a request beside its trail row: where it
// came from and, of a query, what was asked.
type Origin struct {
	Address string // of the client, as the connection has it
	Query   []byte // one longer than maxAsked bytes is not told
}

// maxAsked bounds the query that an audit message repeats, in bytes.
const maxAsked = 16 << 10

type originKey struct{}

// From says where the request of a context came from.
func From(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, originKey{}, Origin{Address: address})
}

// Asking says what the query of a context is. Nothing of it goes anywhere but into
// audit messages.
func Asking(ctx context.Context, query []byte) context.Context {
	o, _ := ctx.Value(originKey{}).(Origin)
	o.Query = query
	return context.WithValue(ctx, originKey{}, o)
}

// sequel says what follows from the trail rows of a request: an audit message of each
// where there is a sink, and of a committed effect what subscribers and people may be
// told. A request that is refused had no effect.
func (r *Registry) sequel(ctx context.Context, committed bool) func(*authz.Trace) outbox.Sequel {
	o, _ := ctx.Value(originKey{}).(Origin)
	return func(t *authz.Trace) outbox.Sequel {
		s := outbox.Sequel{Audit: r.Audited, Notify: committed && told(t)}
		if s.Audit {
			s.Event, s.Address = r.NewID(), o.Address
			if len(o.Query) <= maxAsked {
				s.Query = o.Query
			}
		}
		if r.Mailed && committed {
			s.Tell = toldPeople(t)
		}
		return s
	}
}

// changes are the actions after which a document may be another one to somebody.
var changes = []authz.Value{authz.Submit, authz.Replace, authz.Delete, authz.Mask, authz.Unmask, authz.RevealPatient, authz.RevealReps, authz.Archive}

// told tells whether a trail row is that of a document added or changed, and not of an act
// that left it as it was.
func told(t *authz.Trace) bool {
	return t.Permit && t.Code == "" && !t.Idle() && len(t.Documents) > 0 && slices.Contains(changes, t.Action)
}
