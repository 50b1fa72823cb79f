package trust

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Fetcher brings revocation lists from URLs that the operator has named into a
// folder, where ReadLists finds them; so a restart needs no network. It follows no
// redirection: where to go is the operator's to say.
type Fetcher struct {
	URLs   []string
	Folder string
	// Authorities are the certificates of who may have signed a list: one that none
	// of them signed is not kept, for a list comes over plain HTTP.
	Authorities func() []*x509.Certificate
	Now         func() time.Time
	// Failed hears of what was not brought: the host, and why.
	Failed func(host string, err error)

	// Transport carries the requests; nil: a plain one, without the environment's proxies.
	Transport http.RoundTripper
}

// fetchLimit is how long one list may take to come.
const fetchLimit = 2 * time.Minute

// Follow fetches now and at each tick, until the context ends.
func (f Fetcher) Follow(ctx context.Context, tick <-chan time.Time) {
	for {
		f.Fetch(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
	}
}

// Fetch brings every list once.
func (f Fetcher) Fetch(ctx context.Context) {
	transport := f.Transport
	if transport == nil {
		own := &http.Transport{DisableKeepAlives: true}
		defer own.CloseIdleConnections()
		transport = own
	}
	client := &http.Client{Transport: transport, Timeout: fetchLimit, CheckRedirect: func(*http.Request, []*http.Request) error {
		return errors.New("redirection")
	}}
	for _, address := range f.URLs {
		if err := f.bring(ctx, client, address); err != nil && ctx.Err() == nil {
			f.Failed(host(address), err)
		}
	}
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

func (f Fetcher) bring(ctx context.Context, client *http.Client, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %d", answer.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxList+1))
	if err != nil {
		return err
	}
	if len(raw) > maxList {
		return fmt.Errorf("more than %d bytes", maxList)
	}
	return f.keep(File(f.Folder, address), raw)
}

// File is where the list of a URL is kept.
func File(folder, address string) string {
	sum := sha256.Sum256([]byte(address))
	return filepath.Join(folder, fmt.Sprintf("%x.crl", sum[:8]))
}

// keep checks a list and puts it in place of an older one, whole or not at all.
func (f Fetcher) keep(name string, raw []byte) error {
	next, err := ParseList(raw)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(f.Authorities(), next.signedBy) {
		return errors.New("signed by no authority of the configuration")
	}
	if now := f.Now(); now.After(next.Due()) {
		return fmt.Errorf("already past its nextUpdate, %s", next.Due().UTC().Format(time.RFC3339))
	}
	if last, err := readList(name); err == nil && !next.newer(last) {
		return nil
	}
	beside := name + ".new"
	if err := os.WriteFile(beside, raw, 0o644); err != nil {
		return err
	}
	return os.Rename(beside, name)
}
