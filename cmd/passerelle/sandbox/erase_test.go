package sandbox

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/signed"
	"github.com/passerelle-sante/passerelle/xds"
)

// dump is every table as text, with what bytea columns hold in hexadecimal.
func (s *Sandbox) dump(t *testing.T) string {
	t.Helper()
	rows, err := s.pool.Query(t.Context(), `select quote_ident(tablename) from pg_tables where schemaname = current_schema()`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 15 {
		t.Fatal(tables, err)
	}
	var all strings.Builder
	for _, table := range tables {
		all.WriteString(s.texts(t, `select t::text from `+table+` t`))
	}
	return all.String()
}

func (s *Sandbox) texts(t *testing.T, sql string) string {
	t.Helper()
	rows, err := s.pool.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(texts, "\n")
}

// bytesUnder are the contents of all files below folders.
func bytesUnder(t *testing.T, dirs ...string) []byte {
	t.Helper()
	var all []byte
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			all = append(append(append(all, path...), b...), '\n')
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// holdings are the contents of a record, and the words by which they are known.
func (s *Sandbox) holdings(t *testing.T, record string) (contents []xds.Content, words []string) {
	t.Helper()
	rows, err := s.pool.Query(t.Context(), `select blob, sha256, seal, unique_id, lid::text from document_entry where record = $1 and latest and blob <> ''`, record)
	if err != nil {
		t.Fatal(err)
	}
	var c xds.Content
	var uid, lid string
	if _, err := pgx.ForEachRow(rows, []any{&c.Blob, &c.SHA256, &c.Seal, &uid, &lid}, func() error {
		all, err := filepath.Glob(filepath.Join(s.Dir, "documents", "blobs", "*", strings.ReplaceAll(c.Blob, "/", ",")))
		if err != nil || len(all) != 1 {
			t.Fatal(c.Blob, all, err)
		}
		blob, err := os.ReadFile(all[0])
		c.Size = int64(binary.BigEndian.Uint64(blob[16:])) // repository/header.go
		contents, words = append(contents, c), append(words, uid, lid, c.SHA256)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return contents, words
}

// as sends a request in the name of a patient of the cast, "" for nobody.
func (k asker) as(patient, method, path, body string) []byte {
	k.Helper()
	r, err := http.NewRequestWithContext(k.Context(), method, k.base+path, strings.NewReader(body))
	if err != nil {
		k.Fatal(err)
	}
	if patient != "" {
		var issued struct {
			Token string `json:"access_token"`
		}
		if err := json.Unmarshal(k.issue("/sandbox/token", "patient:"+patient, patient, "normal", ""), &issued); err != nil {
			k.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+issued.Token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		k.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		k.Fatalf("%s %s: %d %s %v", method, path, answer.StatusCode, text, err)
	}
	return text
}

// TestErasedForGood: after a definitive deletion nothing of the documents is found in any
// table, among the blobs or the keys; copies of the blobs open no more; the certificate
// says so, and can be verified; the record that is activated again is empty (S3).
func TestErasedForGood(t *testing.T) {
	s, server := open(t, Options{})
	k := asker{t, server.URL}
	record, list := recordID("alice"), "/fhir/DocumentReference?_count=100&patient="
	contents, words := s.holdings(t, record)
	titles := titlesOf(t, k.as("alice", "GET", list+record, ""))
	words = slices.AppendSeq(words, maps.Keys(titles))
	before, others := s.dump(t), s.texts(t, `select t::text from document_entry t where record <> '`+record+`'`)
	words = slices.DeleteFunc(words, func(word string) bool { return !found(before, word) || found(others, word) })
	if len(contents) < 10 || len(words) < 3*len(contents)+5 {
		t.Fatalf("%d documents, %d words to look for", len(contents), len(words))
	}
	blobs, keys, copied := filepath.Join(s.Dir, "documents", "blobs"), filepath.Join(s.Dir, "keys"), t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(blobs)); err != nil {
		t.Fatal(err)
	}

	if ended := k.as("alice", "POST", "/api/v1/records/"+record+"/erase", `{"confirm":"SUPPRIMER"}`); !bytes.Contains(ended, []byte("destroyedAt")) {
		t.Errorf("erase: %s", ended)
	}

	after, files := s.dump(t), string(bytesUnder(t, blobs, keys))
	for _, word := range words {
		if found(after, word) || found(files, word) {
			t.Errorf("still there: %q", word)
		}
	}
	if left, err := filepath.Glob(filepath.Join(blobs, "*", record+",*")); err != nil || len(left) > 0 {
		t.Errorf("blobs left: %v %v", left, err)
	}
	if err := os.RemoveAll(blobs); err != nil { // a back-up comes back
		t.Fatal(err)
	}
	if err := os.CopyFS(blobs, os.DirFS(copied)); err != nil {
		t.Fatal(err)
	}
	for _, c := range contents {
		if err := s.blobs.Verify(t.Context(), system, c, true); !errors.Is(err, repository.ErrNoKey) {
			t.Errorf("%s of the back-up: %v", c.Blob, err)
		}
	}

	d, signature, err := signed.ReadCertificate(k.as("alice", "GET", "/api/v1/records/"+record+"/certificate", ""))
	if err != nil {
		t.Fatal(err)
	}
	if d.Record != record || d.Epoch != 1 || d.Documents != len(contents) || d.Keys != 1 || d.Fingerprint == "" || d.Gateway != s.Base {
		t.Errorf("certificate: %+v, %d documents", d, len(contents))
	}
	if published := k.as("", "GET", "/.well-known/passerelle-signature", ""); !bytes.Contains(published, []byte(signature.Fingerprint)) {
		t.Errorf("published: %s", published)
	}

	k.as("alice", "POST", "/api/v1/records/"+record+"/activate", "")
	if left := titlesOf(t, k.as("alice", "GET", list+record, "")); len(left) != 0 {
		t.Errorf("the new epoch holds %v", left)
	}
}

// found tells whether a text has a word, or its bytes in hexadecimal.
func found(text, word string) bool {
	return strings.Contains(text, word) || strings.Contains(text, hex.EncodeToString([]byte(word)))
}

// titlesOf are the titles in a searchset.
func titlesOf(t *testing.T, bundle []byte) map[string]bool {
	t.Helper()
	var b struct {
		Entry []struct {
			Resource struct {
				Content []struct {
					Attachment struct{ Title string }
				}
			}
		}
	}
	if err := json.Unmarshal(bundle, &b); err != nil {
		t.Fatalf("%v: %s", err, bundle)
	}
	titles := map[string]bool{}
	for _, e := range b.Entry {
		for _, c := range e.Resource.Content {
			titles[c.Attachment.Title] = true
		}
	}
	return titles
}
