package mail

import (
	"context"
	"strconv"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// Tiding is one event that a contact is told of.
type Tiding struct {
	ID     string // of its message
	Event  message.Event
	At     time.Time // its own, whenever it is told
	Urgent bool
}

// atOnce is how many events of one instant are told one by one: a hospital that deposits
// a whole stay fills no mailbox.
const atOnce = 5

// Tell queues what a contact is told of: a message for each event, or one digest of all
// those that are not urgent.
func Tell(ctx context.Context, h db.Handle, sys authz.System, now time.Time, c Contact, all []Tiding) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	var messages []message.Message
	var gathered []Tiding
	for _, t := range all {
		if !t.Urgent && (c.Digest != AtOnce || len(all) > atOnce) {
			gathered = append(gathered, t)
			continue
		}
		messages = append(messages, c.message(message.EventTold, t.ID, map[string]string{"event": string(t.Event), "at": t.At.UTC().Format(time.RFC3339)}))
	}
	if len(gathered) > 0 {
		messages = append(messages, c.message(message.Digest, gathered[0].ID, map[string]string{
			"count": strconv.Itoa(len(gathered)), "from": message.Day(gathered[0].At), "to": message.Day(gathered[len(gathered)-1].At),
		}))
	}
	return Queue(ctx, h, now, messages...)
}

func (c Contact) message(kind message.Kind, id string, params map[string]string) message.Message {
	if c.Person != c.Record {
		params["child"] = "yes"
	}
	return message.Message{ID: id, Kind: kind, To: c.Email, Lang: c.Lang, Params: params}
}
