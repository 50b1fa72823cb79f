package registry_test

import (
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/outbox"
	"github.com/passerelle-sante/passerelle/xds"
)

// What an application subscribed to is its own: it is told of the types of its grant as
// it stands at each delivery, whatever it asked for when it subscribed, and its holder's
// own subscriptions are none of its business.
func TestApplicationsAreTold(t *testing.T) {
	w := newWorld(t)
	w.grantTypes()
	all, one := application(w.record, "all"), application(w.record, "one")
	all.Asked = authz.Interaction{Resource: "Subscription", Letter: "c"}
	one.Asked = all.Asked
	box := outbox.Open(w.pool, time.Now)
	w.hooked(all, registry.Hook{})
	w.hooked(one, registry.Hook{})
	for _, sub := range []authz.Subject{all, one} {
		w.held(sub) // one each
	}
	if held, _, err := w.reg.Hooks(t.Context(), holder(w), registry.HookQuery{Limit: 10}); err != nil || len(held) != 0 {
		t.Errorf("the holder has %d subscriptions, %v", len(held), err)
	}
	w.deliver(box, false) // the handshakes
	events := func() (documents []int) {
		for _, n := range w.deliver(box, false) {
			if n.Telling.Kind == registry.TellEvent {
				documents = append(documents, len(n.Documents))
			}
		}
		return documents
	}
	other := w.lot()
	other.Documents[0].TypeCode = xds.Code{Value: types[1], Scheme: loinc}
	w.mustSubmit(lab, w.lot())
	if got := events(); len(got) != 2 {
		t.Errorf("of the type: %v", got)
	}
	w.mustSubmit(lab, other)
	if got := events(); len(got) != 1 {
		t.Errorf("of another type: %v", got)
	}
	w.exec(`delete from application_grant where record = $1`, w.record)
	w.mustSubmit(lab, w.lot())
	if got := events(); len(got) != 0 {
		t.Errorf("after the grants were taken back: %v", got)
	}
}
