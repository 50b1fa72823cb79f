package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// target is a part of the source with the tests that answer for it, the quickest
// first: each one is arguments of go test.
type target struct {
	name  string
	files []string // globs below the module
	tests [][]string
}

var targets = []target{
	{"authz", []string{"authz/*.go", "authz/france/policy.go"}, [][]string{
		{"./authz", "./authz/france", "./authz/matrix"}, {"./registry"}, {"-run", "TestCases|TestKit", "./conformance"}}},
	{"sql", []string{"registry/compile.go", "registry/find.go"}, [][]string{
		{"./registry"}, {"./fhir/mhd", "./xds/iti"}, {"-run", "TestCases|TestKit", "./conformance"}}},
	{"ebrim", []string{"xds/ebrim/table.go", "xds/ebrim/catalogue.go"}, [][]string{
		{"./xds/ebrim"}, {"./xds/iti"}, {"-run", "TestKit|TestScripts", "./conformance"}}},
	{"fhir", []string{"fhir/rows.go"}, [][]string{
		{"./fhir"}, {"./fhir/mhd"}, {"-run", "TestKit|TestScripts", "./conformance"}}},
	{"problems", []string{"xds/problems.go"}, [][]string{
		{"./xds"}, {"./xds/ebrim", "./xds/soap", "./fhir", "./xds/profile/..."}, {"./xds/iti", "./fhir/mhd", "./api"}, {"-run", "TestCases|TestScripts", "./conformance"}}},
}

// sources are the files of a target without its tests.
func (t target) sources() ([]string, error) {
	var all []string
	for _, glob := range t.files {
		found, err := filepath.Glob(glob)
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("no file %s: run at the root of the module (%w)", glob, err)
		}
		for _, f := range found {
			if !strings.HasSuffix(f, "_test.go") {
				all = append(all, f)
			}
		}
	}
	return all, nil
}

func (t target) mutations() ([]mutation, error) {
	files, err := t.sources()
	if err != nil {
		return nil, err
	}
	var all []mutation
	for _, f := range files {
		sites, err := sitesOf(f)
		if err != nil {
			return nil, err
		}
		all = append(all, sites...)
	}
	return all, nil
}

// readEquivalents reads which mutants no answer can tell apart, and why.
func readEquivalents() (map[string]string, error) {
	f, err := os.Open("conformance/internal/mutate/equivalents.tsv")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	known := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		id, reason, ok := strings.Cut(lines.Text(), "\t")
		if !ok || reason == "" || known[id] != "" {
			return nil, fmt.Errorf("equivalents.tsv: a mutant, a tab and a reason, once each: %q", lines.Text())
		}
		known[id] = reason
	}
	return known, nil
}
