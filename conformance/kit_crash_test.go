package conformance_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // XDS defines the hash attribute as SHA-1 (ITI TF-3 4.2.3.2.10)
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// victim is a sandbox in a process of its own, killed and started again on the same
// data. Its PostgreSQL dies with it.
type victim struct {
	binary  string
	data    string
	process *exec.Cmd
	ended   chan struct{} // closed when the process has
	kit     *kit
	patient kitPatient
	long    bool // all points and storms

	database string        // folder of its PostgreSQL
	slowest  time.Duration // of the starts on data that is there
}

// buildVictim makes the program with its crash points.
func buildVictim(t *testing.T) *victim {
	t.Helper()
	v := &victim{binary: filepath.Join(t.TempDir(), "passerelle-failpoints"), data: openFolder(t), long: os.Getenv("PASSERELLE_LONG") == "1"}
	build := exec.Command("go", "build", "-tags", "failpoints", "-o", v.binary, "github.com/passerelle-sante/passerelle/cmd/passerelle")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	t.Cleanup(func() { v.kill(t) })
	v.start(t, "")
	like, _ := cast.All(time.Now()).Patient("alice")
	v.patient = v.kit.create(t, "victim", like, "active", nil)
	return v
}

// restartLimit is a generous bound of the promise of 5 s: test machines are busy.
const restartLimit = 15 * time.Second

// start runs the program, armed with a crash point or with none, and waits until it
// answers.
func (v *victim) start(t *testing.T, fail string) {
	t.Helper()
	_, err := os.Stat(filepath.Join(v.data, "sandbox.json"))
	again := err == nil
	began := time.Now()
	v.process = exec.Command(v.binary, "sandbox", "--listen", "127.0.0.1:0", "--data", v.data, "--ci")
	v.process.Env = append(os.Environ(), "PASSERELLE_FAIL="+fail, "TMPDIR="+v.data) // what a kill leaves goes with the data
	var said bytes.Buffer
	v.process.Stderr = &said
	out, err := v.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := v.process.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	process, ended := v.process, make(chan struct{})
	v.ended = ended
	go func() { _ = process.Wait(); close(ended) }() // killed: the error says so
	var at struct{ Base, Database string }
	if err == nil {
		err = json.Unmarshal(line, &at)
	}
	if err != nil {
		<-ended
		t.Fatalf("start with %q: %v: %q %s", fail, err, line, said.String())
	}
	if took := time.Since(began); again {
		if v.slowest = max(v.slowest, took); took > restartLimit {
			t.Errorf("restarted in %v", took)
		}
	}
	v.database = at.Database
	v.kit = &kit{url: at.Base, people: cast.All(time.Now()), creating: make(chan struct{}, 1), http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

// kill ends the program as a power cut would, unless it has ended already.
func (v *victim) kill(t *testing.T) {
	t.Helper()
	if err := v.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	<-v.ended
}

// died waits for the program to kill itself.
func (v *victim) died(t *testing.T) {
	t.Helper()
	select {
	case <-v.ended:
	case <-time.After(20 * time.Second):
		t.Error("the crash point was not reached")
		v.kill(t)
	}
	if status, ok := v.process.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Errorf("ended with %v, not killed", v.process.ProcessState)
	}
}

// postmaster is the server process that the program runs.
func (v *victim) postmaster(t *testing.T) *os.Process {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(v.database, "data", "postmaster.pid"))
	line, _, _ := strings.Cut(string(raw), "\n")
	pid, bad := strconv.Atoi(strings.TrimSpace(line))
	if err = errors.Join(err, bad); err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(pid) // held: the number may be given again
	if err != nil {
		t.Fatal(err)
	}
	return process
}

// deposits counts, in the holder's history, the lines of the hospital's deposits that
// name a document.
func (v *victim) deposits(t *testing.T) map[string]int {
	t.Helper()
	token := v.kit.token(t, kitClaims{As: "patient:" + v.patient.Name, Patient: v.patient.Name})
	lines := map[string]int{}
	for page := ""; ; {
		var answer struct {
			Entries []struct{ Transaction, Document, Outcome string }
			Next    string
		}
		v.kit.must(t, http.MethodGet, "/api/v1/records/"+v.patient.Record+"/history?actor=chu-lille&page="+page, token, nil, &answer)
		for _, e := range answer.Entries {
			if e.Outcome == "permit" && (e.Transaction == "ITI-41" || e.Transaction == "ITI-65") && e.Document != "" {
				lines[e.Document]++
			}
		}
		if page = answer.Next; page == "" {
			return lines
		}
	}
}

// delivery is one submission as its sender sees it.
type delivery struct {
	face     string // ITI-41 or ITI-65
	lot      xds.Submission
	content  map[string][]byte
	replaces *delivery // whose first document its own replaces; nil: none
	receipt  receipt   // of the first time that it was sent
}

// bulk is more than two blocks of the repository: a crash can fall between them.
const bulk = 600 << 10

// prepare makes a submission of a large document and a small one.
func (v *victim) prepare(t *testing.T, face string, replaces *delivery) *delivery {
	t.Helper()
	large, small := v.kit.document(t, v.patient, "chu-lille", "", "11502-2"), v.kit.document(t, v.patient, "chu-lille", "", "11502-2")
	large.content = bytes.Repeat([]byte(large.entry.UniqueID+" "), bulk/(len(large.entry.UniqueID)+1))
	sum := sha1.Sum(large.content) //nolint:gosec // see the import
	large.entry.Hash, large.entry.Size = hex.EncodeToString(sum[:]), int64(len(large.content))
	d := &delivery{face: face, replaces: replaces}
	d.lot, d.content = v.kit.lot(v.patient, "chu-lille", large, small)
	if replaces != nil {
		kitRelate(&d.lot, xds.Replaces, large.entry.EntryUUID, replaces.lot.Documents[0].EntryUUID)
	}
	return d
}

// sender is the hospital on both faces; its assertion and token are issued at once,
// so that sending is one request.
func (v *victim) sender(t *testing.T) *kitBearer {
	t.Helper()
	b := v.kit.bearer(kitClaims{As: "chu-lille", Patient: v.patient.Name})
	b.vihf(t)
	b.jwt(t)
	return b
}

// receipt is what a sender learns: he was told of a success, or of a refusal, or
// nothing that he can rely on.
type receipt struct {
	acknowledged bool
	refused      bool
	text         string
}

// send delivers once, whatever becomes of the connection.
func (d *delivery) send(t *testing.T, k *kit, b *kitBearer) receipt {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if d.face == "ITI-41" {
		return d.provide(ctx, t, k, b)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, k.url+"/fhir", bytes.NewReader(kitBundle(t, d.lot, d.content)))
	if err != nil {
		t.Error(err)
		return receipt{}
	}
	r.Header.Set("Authorization", "Bearer "+b.jwt(t))
	r.Header.Set("Content-Type", kitJSON)
	answer, err := k.http.Do(r)
	if err != nil {
		return receipt{text: err.Error()}
	}
	defer answer.Body.Close()
	var resource struct{ ResourceType string }
	var body bytes.Buffer
	if _, err = body.ReadFrom(answer.Body); err == nil {
		err = json.Unmarshal(body.Bytes(), &resource)
	}
	return receipt{err == nil && answer.StatusCode == http.StatusOK && resource.ResourceType == "Bundle", err == nil && answer.StatusCode/100 == 4, body.String()}
}

func (d *delivery) provide(ctx context.Context, t *testing.T, k *kit, b *kitBearer) receipt {
	t.Helper()
	body, parts := kitMessage(d.lot, d.content)
	client := soap.Client{HTTP: k.http, URL: k.url + "/xds/repository", NewID: kitUUID}
	reply, err := client.Post(ctx, kitProvide, b.security(t), func(w *soap.Writer) { w.Raw(body) }, parts)
	if err != nil {
		return receipt{text: err.Error()}
	}
	defer reply.Close()
	answer, findings := ebrim.DecodeRegistryResponse(reply.Body)
	text := ""
	for _, e := range answer.Errors {
		text += e.Context + "\n"
	}
	whole := findings.Err() == nil
	return receipt{whole && answer.Status == ebrim.StatusSuccess, whole && answer.Status == ebrim.StatusFailure && !strings.HasPrefix(text, "INT-"), text}
}
