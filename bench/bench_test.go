package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sqls(all []step) []string {
	var texts []string
	for _, s := range all {
		var words []string
		for _, st := range s {
			words = append(words, st.sql)
		}
		texts = append(texts, strings.Join(words, "; "))
	}
	return texts
}

func trip(sql ...string) (s step) {
	for _, text := range sql {
		s = append(s, statement{sql: text})
	}
	return s
}

// The harder reading holds what commits and nothing that is rolled back, however the
// gateway cut it into round trips.
func TestTransactions(t *testing.T) {
	for name, c := range map[string]struct {
		steps []step
		want  []string
	}{
		"one by one":   {[]step{trip("begin isolation level x"), trip("select 1"), trip("insert"), trip("commit")}, []string{"begin isolation level x; select 1; insert; commit"}},
		"batched ends": {[]step{trip("begin", "facts"), trip("find"), trip("trail", "commit")}, []string{"begin; facts; find; trail; commit"}},
		"early look":   {[]step{trip("begin", "facts"), trip("rollback"), trip("intent"), trip("BEGIN", "write", "COMMIT")}, []string{"intent", "BEGIN; write; COMMIT"}},
	} {
		s := &script{steps: c.steps}
		if diff := cmp.Diff(c.want, sqls(s.transactions())); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if !s.commits() {
			t.Errorf("%s: no commit seen", name)
		}
	}
	if (&script{steps: []step{trip("begin"), trip("select"), trip("rollback")}}).commits() {
		t.Error("a rollback taken for a commit")
	}
}

// Ids of one length keep the payloads, which count lengths, readable.
func TestLikeID(t *testing.T) {
	for _, id := range []string{"2.25.1234567890123456789012345678901234567", "0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5bd9cb469fa16570867728950e"} {
		fresh := likeID(id)
		if len(fresh) != len(id) || fresh == id || strings.HasPrefix(id, "2.25.") != strings.HasPrefix(fresh, "2.25.1") {
			t.Errorf("%s → %s", id, fresh)
		}
	}
}

func TestSwap(t *testing.T) {
	s := &script{fresh: []string{"0f8fad5b-d9cb-469f-a165-70867728950e"}}
	from, to := patient{1, "record-a", "284070000000101"}, patient{2, "record-b", "284070000000202"}
	now := time.Now()
	got := swapped([]any{"record-a", []byte("x284070000000101y"), []string{"record-a", s.fresh[0]}, int16(3), now, nil}, swapper(s, from, to))
	list := got[2].([]string)
	if got[0] != "record-b" || string(got[1].([]byte)) != "x284070000000202y" || list[0] != "record-b" || got[3] != int16(3) || got[4] != now || got[5] != nil {
		t.Errorf("swapped: %v", got)
	}
	if list[1] == s.fresh[0] || len(list[1]) != len(s.fresh[0]) {
		t.Errorf("the id of the recording is used again: %s", list[1])
	}
}

func TestRenewed(t *testing.T) {
	uid := newOID(43)
	q := &request{method: "POST", parts: [][]byte{[]byte("a" + uid + "b" + uid), []byte("document")}, ids: []string{uid}}
	fresh := q.renewed()
	body, n := fresh.body()
	text, err := io.ReadAll(body)
	if err != nil || int64(len(text)) != n || strings.Contains(string(text), uid) || strings.Count(string(text), fresh.ids[0]) != 2 {
		t.Errorf("%d of %d bytes: %s, %v", len(text), n, text, err)
	}
}

func TestLiteral(t *testing.T) {
	for _, c := range []struct {
		arg  any
		want string
	}{
		{"l'un", "'l''un'"}, {[]string{`a"b\c`, "d,e"}, `'{"a\"b\\c","d,e"}'`}, {[]int16{0, 2}, "'{0,2}'"}, {int16(7), "7"}, {nil, "null"}, {true, "true"},
		{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "'2026-01-02T03:04:05Z'"},
	} {
		if got, err := literal(c.arg); err != nil || got != c.want {
			t.Errorf("%v: %s, %v; want %s", c.arg, got, err, c.want)
		}
	}
	if _, err := literal(struct{}{}); err == nil {
		t.Error("a literal for anything")
	}
}

// Every load is of patients that differ, those for deposits too.
func TestINS(t *testing.T) {
	seen := map[string]int{}
	for _, n := range []int{0, 1, 999, 1000, 5000, firstDeposit, firstDeposit + depositPatients - 1} {
		number := ins(n)
		if former, twice := seen[number]; twice || len(number) != 15 {
			t.Errorf("%d and %d: %s", former, n, number)
		}
		seen[number] = n
	}
}

func TestShape(t *testing.T) {
	plan := explained{Type: "Sort", Hit: 9, Nested: []explained{{Type: "Index Scan", Table: "t", Index: "i", Hit: 3}, {Type: "CTE Scan"}}}
	if got, want := plan.shape(), "Sort(Index Scan t i, CTE Scan)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	g := growthGate{readings: []growthReading{{documents: 10, shape: "A", buffers: 100, took: 10}, {documents: 100, shape: "B", buffers: 111, took: 21}}}
	for _, r := range g.results() {
		if r.pass {
			t.Errorf("%s passes: %s", r.what, r.figure)
		}
	}
	g.readings[1] = growthReading{documents: 100, shape: "A", buffers: 110, took: 20}
	for _, r := range g.results() {
		if !r.pass {
			t.Errorf("%s fails: %s", r.what, r.figure)
		}
	}
}

// The ratio is that of neighbouring rounds: a machine that slows down for both sides
// changes nothing.
func TestRatio(t *testing.T) {
	a, b := &side{}, &side{}
	for _, slow := range []float64{1, 4, 2} {
		a.runs, b.runs = append(a.runs, round{rate: 60 / slow}), append(b.runs, round{rate: 100 / slow})
	}
	if mid, low, high := ratio(a, b); fmt.Sprintf("%.2f %.2f %.2f", mid, low, high) != "0.60 0.60 0.60" {
		t.Error(mid, low, high)
	}
	if r := judge("x", "y", a, b, 0.61, nil); r.pass || r.mark() != "FAIL" {
		t.Errorf("%+v", r)
	}
}

// A server that takes patients gets them, then twenty documents each; a bad answer
// ends the load with what was answered.
func TestPeer(t *testing.T) {
	var patients, transactions atomic.Int64
	var broken atomic.Bool
	mux := http.NewServeMux()
	mux.HandleFunc("POST /fhir/Patient", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"resourceType":"Patient","id":"p%d"}`, patients.Add(1))
	})
	mux.HandleFunc("POST /fhir", func(w http.ResponseWriter, r *http.Request) {
		transactions.Add(1)
		if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "@") && strings.Contains(string(body), "@PATIENT@") {
			http.Error(w, "a placeholder was left", http.StatusBadRequest)
		}
	})
	mux.HandleFunc("GET /fhir/DocumentReference", func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			http.Error(w, "too much", http.StatusTooManyRequests)
			return
		}
		entry := `{"resource":{"resourceType":"DocumentReference","content":[{"attachment":{"url":"Binary/1"}}]}}`
		fmt.Fprintf(w, `{"resourceType":"Bundle","entry":[%s]}`, strings.Join(slices.Repeat([]string{entry}, visiblePerType), ","))
	})
	mux.HandleFunc("GET /fhir/Binary/1", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "document") })
	server := httptest.NewServer(mux)
	defer server.Close()
	l := &peerLoad{base: server.URL + "/fhir", header: http.Header{}, document: []byte("document"), o: options{base: server.URL, each: 15 * time.Millisecond, only: []string{"iti67", "iti68"}}}
	figures, err := l.run(t.Context())
	if err != nil || len(figures) != 2 || figures[0].rate == 0 || figures[1].name != "iti68" {
		t.Fatalf("%+v, %v", figures, err)
	}
	if patients.Load() != peerPatients || transactions.Load() != peerPatients*visiblePerType {
		t.Errorf("%d patients, %d transactions", patients.Load(), transactions.Load())
	}
	broken.Store(true)
	if _, err := l.run(t.Context()); err == nil || !strings.Contains(err.Error(), "HTTP 429") {
		t.Errorf("a refusal was counted: %v", err)
	}
}

// What the report says of the machine names no host and no folder.
func TestReport(t *testing.T) {
	o := options{rounds: 5, each: 3 * time.Second, only: []string{"iti18"}, data: "/var/tmp/secret"}
	r := newReport(o)
	r.sections = []section{{gateNamed("iti18"), []result{{gate: "iti18", what: "w", figure: "0.40", target: "≥ 0.5", details: []string{"table\n", "plan"}}}}}
	text := r.render()
	for _, want := range []string{"`make bench ONLY=iti18`", "| `iti18` | w | **0.40** |  | ≥ 0.5 | FAIL |", "table\n\nplan\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if strings.Contains(text, "secret") {
		t.Error("the report names a folder")
	}
}
