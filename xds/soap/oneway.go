package soap

import (
	"context"
	"errors"
	"io"
	"strconv"
)

// ErrRefused is a one-way message that its receiver did not take.
var ErrRefused = errors.New("soap: message non reçu")

// Send sends a message that has no answer, as a notification (WS-BaseNotification 3.2):
// any status of success says that it was received. Nothing of what comes back is read
// but that, and no redirect is followed.
func (c *Client) Send(ctx context.Context, action string, body func(*Writer)) error {
	r, err := c.request(ctx, addressing{action: action, messageID: c.NewID(), to: c.URL}, body, nil)
	if err != nil {
		return err
	}
	response, err := c.do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // so that the connection can be used again
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return errors.Join(ErrRefused, errors.New("HTTP "+strconv.Itoa(response.StatusCode)))
	}
	return nil
}
