package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds a JSON answer that is read whole, in bytes.
const maxAnswer = 64 << 20

// defaultBase is where a sandbox listens unless told otherwise.
const defaultBase = "http://127.0.0.1:8080"

// connection says which gateway a command talks to.
type connection struct {
	Base string `default:"http://127.0.0.1:8080" env:"PASSERELLE_BASE" placeholder:"URL" help:"Adresse de la passerelle (variable PASSERELLE_BASE ; ${default})."`
}

// gateway is the passerelle that a command talks to.
type gateway struct {
	base string
	http *http.Client
}

// open checks the address; nothing is sent yet.
func (c connection) open() (gateway, error) {
	base := strings.TrimRight(c.Base, "/")
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" {
		return gateway{}, misuse("--base : une adresse comme http://127.0.0.1:8080 est attendue")
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		ResponseHeaderTimeout: 2 * time.Minute,
	}
	return gateway{base, &http.Client{Transport: transport, CheckRedirect: stay}}, nil
}

// stay follows no redirect: a token is for the address that it was meant for.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// send makes one request. Any status from 300 up is the failure that the answer tells.
func (g gateway) send(ctx context.Context, method, address, bearer string, header http.Header, body []byte) (*http.Response, error) {
	return g.stream(ctx, method, address, bearer, header, bytes.NewReader(body), int64(len(body)))
}

// stream is send with a body of size bytes that is read as it leaves.
func (g gateway) stream(ctx context.Context, method, address, bearer string, header http.Header, body io.Reader, size int64) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	if r.ContentLength = size; size == 0 {
		r.Body = http.NoBody
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	answer, err := g.http.Do(r)
	if errors.Is(err, errRecorded) {
		return nil, errRecorded
	}
	if err != nil {
		return nil, g.unreachable(err)
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		defer answer.Body.Close()
		return nil, g.refusal(answer)
	}
	return answer, nil
}

// call sends JSON, or nothing when body is nil, and reads a JSON answer.
func (g gateway) call(ctx context.Context, method, path, bearer string, body, into any) error {
	header := http.Header{"Accept": {"application/json"}}
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return err
		}
		header.Set("Content-Type", "application/json")
	}
	answer, err := g.send(ctx, method, g.base+path, bearer, header, raw)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(into); err != nil {
		return environment("la réponse de " + g.base + " n'est pas celle d'une passerelle (JSON attendu)")
	}
	return nil
}

// unreachable is a request that got no answer.
func (g gateway) unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return environment("interrompu")
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return environment("pas de réponse à temps de "+g.base, "curl "+g.base+"/readyz")
	}
	return environment("rien ne répond sur "+g.base, "passerelle sandbox", "--base URL, ou PASSERELLE_BASE, si la passerelle est ailleurs")
}

// outcome is an OperationOutcome as a client reads it.
type outcome struct {
	ResourceType string `json:"resourceType"`
	Issue        []struct {
		Severity string `json:"severity"`
		Details  struct {
			Text   string `json:"text"`
			Coding []struct {
				Code string `json:"code"`
			} `json:"coding"`
		} `json:"details"`
		Diagnostics string   `json:"diagnostics"`
		Expression  []string `json:"expression"`
	} `json:"issue"`
}

func (o outcome) findings() []finding {
	var out []finding
	for _, issue := range o.Issue {
		f := parseText(issue.Diagnostics)
		if f.Text == "" {
			f.Text = issue.Details.Text
		}
		if issue.Severity == "warning" || issue.Severity == "information" {
			f.Severity = "warning"
		}
		for i, coding := range issue.Details.Coding {
			switch i {
			case 0:
				f.Code = coding.Code
			case 1:
				f.IHE = coding.Code
			}
		}
		if f.Where == "" {
			f.Where = strings.Join(issue.Expression, ", ")
		}
		out = append(out, f)
	}
	return out
}

// refusal reads an answer that says no.
func (g gateway) refusal(answer *http.Response) error {
	var o outcome
	err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&o)
	path := answer.Request.URL.Path
	switch {
	case err == nil && len(o.Issue) > 0:
		return refused("refusé (HTTP "+answer.Status+")", o.findings())
	case answer.StatusCode == http.StatusNotFound && strings.HasPrefix(path, "/sandbox/"):
		return environment(g.base+" n'est pas un bac à sable", "passerelle sandbox")
	default:
		return environment(g.base + path + " répond HTTP " + answer.Status)
	}
}
