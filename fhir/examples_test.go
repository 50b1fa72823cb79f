package fhir

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExamples: the examples that others publish, element for element, by a reader of
// JSON that is not ours: JSON → Node → JSON, JSON → XML → JSON, XML → JSON → XML. They
// are no part of the repository: PASSERELLE_EXAMPLES lists their folders, and
// PASSERELLE_XML_OUT is where the XML goes for other programs to judge (make
// conformance: conformance/examples.sh).
func TestExamples(t *testing.T) {
	folders := filepath.SplitList(os.Getenv("PASSERELLE_EXAMPLES"))
	if len(folders) == 0 {
		return
	}
	same, left := map[string]int{}, map[string]int{}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".json") && !entry.IsDir() {
				example(t, path, same, left)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	fmt.Printf("examples: the same in both encodings: %v\nexamples: they hold resources that are not read here: %v\n", same, left)
	if len(same) == 0 {
		t.Error("no example")
	}
}

// TestExamplesByOthers: the XML that another program wrote of the examples (NAME.hapi.xml
// beside NAME.json) is the same resource.
func TestExamplesByOthers(t *testing.T) {
	folder := os.Getenv("PASSERELLE_XML_OUT")
	files, err := filepath.Glob(filepath.Join(folder, "*.hapi.xml"))
	if folder == "" || err != nil {
		return
	}
	for _, path := range files {
		written, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		original, err := os.ReadFile(strings.TrimSuffix(path, ".hapi.xml") + ".json")
		if err != nil {
			t.Fatal(err)
		}
		n, findings := ReadXML(bytes.NewReader(written), 64<<20)
		if findings.Failed() {
			t.Errorf("%s: %v", path, findings)
			continue
		}
		was, findings := ReadResource(bytes.NewReader(original), 64<<20)
		if findings.Failed() {
			t.Fatal(findings)
		}
		if diff := cmp.Diff(asOthers(was), asOthers(n)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	fmt.Printf("examples: %d read from the XML of another program\n", len(files))
}

// asOthers is a resource without what the other program changes: white space, which it does
// not escape, its own form of the narrative, the version of what is contained, bits of
// base64 that stand for nothing, the exponents of numbers.
func asOthers(n *Node) string {
	var text func(*Node)
	text = func(n *Node) {
		n.Text = strings.Join(strings.Fields(n.Text), "")
		if r, ok := new(big.Rat).SetString(n.Text); ok && n.Kind == Number {
			n.Text = r.RatString()
		}
		n.Members = slices.DeleteFunc(n.Members, func(m Member) bool {
			return slices.Contains([]string{"div", "hash", "versionId", "lastUpdated"}, m.Name)
		})
		for _, m := range n.Members {
			text(m.Value)
		}
		for _, item := range n.Items {
			text(item)
		}
	}
	text(n)
	return content(n)
}

// decode is a reader of JSON that is not ours; it keeps the text of numbers.
func decode(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return decoder.Decode(into)
}

// example takes one file through both encodings.
func example(t *testing.T, path string, same, left map[string]int) {
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var original map[string]any
	if decode(raw, &original) != nil {
		t.Errorf("%s is not JSON", path)
	}
	kind, _ := original["resourceType"].(string)
	if s := r4().structures[kind]; s == nil || !s.resource {
		return // package.json, and resources that are not read here
	}
	if len(raw) > 8<<20 { // longer than anything that one person's record gives
		left[kind]++
		return
	}
	n, findings := ReadResource(strings.NewReader(string(raw)), 64<<20)
	for _, e := range findings {
		if e.ID == "FHIR-009" && e.Expected == otherResource {
			left[kind]++
			return
		}
	}
	if findings.Failed() {
		t.Errorf("%s: %v", path, findings)
		return
	}
	in := toXML(t, n, false)
	back, findings := ReadXML(strings.NewReader(in), 64<<20)
	if findings.Failed() {
		t.Errorf("%s as XML: %v", path, findings)
		return
	}
	for form, text := range map[string][]byte{"JSON": AppendJSON(nil, n, false), "XML": AppendJSON(nil, back, true)} {
		var got map[string]any
		if err := decode(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(original, got); diff != "" {
			t.Errorf("%s by %s: %s", path, form, diff)
		}
	}
	if diff := cmp.Diff(in, toXML(t, back, false)); diff != "" {
		t.Errorf("%s: XML → JSON → XML: %s", path, diff)
	}
	same[kind]++
	if out := os.Getenv("PASSERELLE_XML_OUT"); out != "" {
		name := filepath.Join(out, fmt.Sprintf("%s-%d", kind, same[kind]))
		if os.WriteFile(name+".xml", []byte(in), 0o644) != nil || os.WriteFile(name+".json", raw, 0o644) != nil {
			t.Fatal("cannot write to " + out)
		}
	}
}
