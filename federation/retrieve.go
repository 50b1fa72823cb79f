package federation

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

const actionRetrieve = "urn:ihe:iti:2007:CrossGatewayRetrieve"

// Delivery is what a community gives of the documents that were asked of it. Its
// documents are still on their way: Parts reads them from the connection, and Close
// ends it, whatever was read.
type Delivery struct {
	Home      string
	Documents []ebrim.ForeignDocument // their ContentID is for the caller to choose, before Parts
	Errors    []ebrim.ForeignError
	Failed    xds.Errors // why there is nothing: COM-nnn
	Cause     error      // of it, for the log alone

	reply  *soap.Reply
	cancel context.CancelFunc
	idle   *time.Timer // ends the request when a read takes longer than its community may
	pause  time.Duration
	inline []ebrim.ForeignDocument
	byPart map[string]ebrim.ForeignDocument
}

// Retrieve asks each community for its documents, and comes back when all envelopes
// are there, or the time is over. Close every Delivery.
func (f *Federation) Retrieve(ctx context.Context, homes []string, security []byte, asked map[string][]ebrim.RetrieveRequest) []*Delivery {
	deliveries := make([]*Delivery, len(homes))
	each(homes, func(i int, home string) { deliveries[i] = f.retrieve(ctx, f.peers[home], security, asked[home]) })
	return deliveries
}

func (f *Federation) retrieve(ctx context.Context, p *peer, security []byte, asked []ebrim.RetrieveRequest) *Delivery {
	d := &Delivery{Home: p.Home, pause: p.Timeout}
	ctx, d.cancel = context.WithCancel(ctx)
	d.idle = time.AfterFunc(min(p.Timeout, f.overall), d.cancel)
	reply, err := f.post(ctx, p, p.Retrieve, actionRetrieve, security, ebrim.AppendRetrieveRequest(nil, asked))
	if err != nil {
		d.Failed, d.Cause = xds.Errors{outcome(ctx, p.Home, err)}, err
		return d
	}
	d.idle.Stop() // nobody reads until Parts is
	d.reply = reply
	d.Documents, d.Errors, d.Failed = ebrim.DecodeForeignRetrieve(reply.Body, p.Home, asked)
	return d
}

// Parts are the documents as parts of our own answer, streamed in the order in which
// the community sends them. What it sends late or not to its end breaks the answer.
func (d *Delivery) Parts() soap.OutPart {
	d.byPart = map[string]ebrim.ForeignDocument{}
	for _, doc := range d.Documents {
		if part, attached := soap.Include(doc.Element); attached {
			d.byPart[part] = doc
		} else {
			d.inline = append(d.inline, doc)
		}
	}
	return soap.OutPart{Body: d, Next: d.next}
}

func (d *Delivery) next() (soap.OutPart, error) {
	if len(d.inline) > 0 {
		doc := d.inline[0]
		d.inline = d.inline[1:]
		return soap.OutPart{ContentID: doc.ContentID, ContentType: doc.MimeType, Body: doc.Inline()}, nil
	}
	d.idle.Reset(d.pause)
	defer d.idle.Stop()
	part, err := d.reply.NextPart()
	if err != nil {
		return soap.OutPart{}, err
	}
	doc, ok := d.byPart[part.ContentID]
	if !ok {
		return soap.OutPart{}, errStray
	}
	return soap.OutPart{ContentID: doc.ContentID, ContentType: doc.MimeType, Body: paced{d, part}}, nil
}

// errStray is a part that belongs to no document of the answer.
var errStray = errors.New("federation: a part of no document")

// paced reads a document; a read that takes longer than the community may ends the
// request. The time that our own client takes between two reads does not count.
type paced struct {
	d    *Delivery
	part io.Reader
}

func (p paced) Read(b []byte) (int, error) {
	p.d.idle.Reset(p.d.pause)
	defer p.d.idle.Stop()
	return p.part.Read(b)
}

// Read implements io.Reader for soap.OutPart, whose documents come by Next alone.
func (d *Delivery) Read([]byte) (int, error) { return 0, io.EOF }

// Close lets the connection go.
func (d *Delivery) Close() error {
	d.idle.Stop()
	defer d.cancel()
	if d.reply == nil {
		return nil
	}
	return d.reply.Close()
}
