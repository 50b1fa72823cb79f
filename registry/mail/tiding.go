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

// Tell queues what a contact is told of: a message for each event, or one digest of all
// those that are not urgent.
func Tell(ctx context.Context, h db.Handle, sys authz.System, now time.Time, c Contact, all []Tiding) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	var messages []message.Message
	var gathered []Tiding
	for _, t := range all {
		if c.Digest != AtOnce && !t.Urgent {
			gathered = append(gathered, t)
			continue
		}
		messages = append(messages, message.Message{ID: t.ID, Kind: message.EventTold, To: c.Email, Lang: c.Lang,
			Params: map[string]string{"event": string(t.Event), "at": t.At.UTC().Format(time.RFC3339)}})
	}
	if len(gathered) > 0 {
		messages = append(messages, message.Message{ID: gathered[0].ID, Kind: message.Digest, To: c.Email, Lang: c.Lang, Params: map[string]string{
			"count": strconv.Itoa(len(gathered)), "from": message.Day(gathered[0].At), "to": message.Day(gathered[len(gathered)-1].At),
		}})
	}
	return Queue(ctx, h, now, messages...)
}
