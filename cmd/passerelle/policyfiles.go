package main

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/policies"
)

// policyReader reads the files of a version and bounds them together.
type policyReader struct {
	files []policies.File
	left  int64
}

// policyFiles reads what the arguments name: files, a folder's or a zip's .csv and
// .json files.
func policyFiles(names []string) ([]policies.File, error) {
	r := &policyReader{left: matrix.MaxBytes}
	for _, name := range names {
		if err := r.open(name); err != nil {
			return nil, err
		}
	}
	if len(r.files) == 0 {
		return nil, environment("ni .csv ni .json dans " + strings.Join(names, ", "))
	}
	return r.files, nil
}

func (r *policyReader) open(name string) error {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return environment("fichier introuvable : "+name, "passerelle policy import --help")
	case err != nil:
		return environment(name + " : " + reason(err))
	case info.IsDir():
		return r.folder(name)
	}
	f, err := os.Open(name)
	if err != nil {
		return environment(name + " : " + reason(err))
	}
	defer f.Close()
	raw, err := r.all(name, f)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(raw, []byte("PK\x03\x04")) {
		return r.archive(name, raw)
	}
	r.add(filepath.Base(name), raw)
	return nil
}

func (r *policyReader) folder(name string) error {
	entries, err := os.ReadDir(name)
	if err != nil {
		return environment(name + " : " + reason(err))
	}
	for _, e := range entries {
		if e.Type().IsRegular() && tabular(e.Name()) {
			if err := r.open(filepath.Join(name, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *policyReader) archive(name string, raw []byte) error {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return environment(name + " : zip illisible")
	}
	files := slices.DeleteFunc(slices.Clone(z.File), func(f *zip.File) bool { return !tabular(f.Name) || f.FileInfo().IsDir() })
	for _, entry := range files {
		f, err := entry.Open()
		if err != nil {
			return environment(name + " : zip illisible")
		}
		content, err := r.all(name, f)
		_ = f.Close()
		if err != nil {
			return err
		}
		r.add(filepath.Base(entry.Name), content)
	}
	return nil
}

// all reads a file whole, within what all of them may be.
func (r *policyReader) all(name string, f io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(f, r.left+1))
	if err != nil {
		return nil, environment(name + " : lecture interrompue")
	}
	if r.left -= int64(len(raw)); r.left < 0 {
		return nil, environment(fmt.Sprintf("%s : plus de %d Mio en tout", name, matrix.MaxBytes>>20))
	}
	return raw, nil
}

func (r *policyReader) add(name string, raw []byte) {
	r.files = append(r.files, policies.File{Name: name, Data: base64.StdEncoding.EncodeToString(raw)})
}

// tabular tells what may be a file of a matrix by its name.
func tabular(name string) bool {
	end := strings.ToLower(filepath.Ext(name))
	return (end == ".csv" || end == ".json") && !strings.HasPrefix(filepath.Base(name), ".")
}
