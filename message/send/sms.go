package send

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// SMS is a gateway to telephones: one POST for each letter, of {"id","to","text"} as
// JSON, answered by any 2xx once it has taken it. The id is the same at every attempt,
// and stands in Idempotency-Key too.
type SMS struct {
	URL    string
	Token  string       // of Authorization: Bearer; "" = none
	Client *http.Client // with a timeout, and following no redirection
}

// Send hands letters over; the errors are those of the letters, in their order.
func (s *SMS) Send(ctx context.Context, letters []Letter) []error {
	done := make([]error, len(letters))
	for i, l := range letters {
		if done[i] = ctx.Err(); done[i] == nil {
			done[i] = s.send(ctx, l)
		}
	}
	return done
}

func (s *SMS) send(ctx context.Context, l Letter) error {
	body, err := json.Marshal(map[string]string{"id": l.ID, "to": l.To, "text": l.Body})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("sms: bad address of the gateway")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", l.ID)
	if s.Token != "" {
		request.Header.Set("Authorization", "Bearer "+s.Token)
	}
	answer, err := s.Client.Do(request)
	if err != nil {
		return fmt.Errorf("sms: %w", bareURL(err))
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusBadRequest || code == http.StatusUnprocessableEntity || code == http.StatusGone:
		return fmt.Errorf("sms: %d: %w", code, ErrRefused)
	default:
		return fmt.Errorf("sms: %d", code)
	}
}

// bareURL is an error of a request without its address.
func bareURL(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}
