package main

import (
	"bytes"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/check"
	"github.com/passerelle-sante/passerelle/xds/profile"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

type checkCommand struct {
	Profile  string   `enum:"dmp,ihe" default:"dmp" placeholder:"PROFIL" help:"Profil des métadonnées : dmp ou ihe."`
	Lang     string   `enum:"fr,en" default:"fr" placeholder:"LANGUE" help:"Langue des constats : fr ou en (attendu et correction restent en français)."`
	Metadata string   `placeholder:"FICHIER" help:"Métadonnées (ITI-41, ITI-42, ebRIM, capture HTTP ou MIME) à comparer avec l'en-tête des CDA."`
	At       string   `placeholder:"INSTANT" help:"Juger les jetons à cet instant (RFC 3339), au lieu de maintenant."`
	CA       []string `name:"ca" placeholder:"PEM" help:"Autorité des émetteurs de VIHF (PEM) ; sans elle l'émetteur n'est pas vérifié. Répétable."`
	Audience string   `placeholder:"URL" help:"Audience que les VIHF doivent nommer : l'adresse de la passerelle et /xds."`
	Files    []string `arg:"" name:"FICHIER" help:"Fichiers, dossiers de fichiers, ou - : CDA, message SOAP ou ebRIM, capture HTTP ou MIME, VIHF, zip XDM."`
}

// Help holds the examples.
func (checkCommand) Help() string {
	return `passerelle check testdata/cda
passerelle check --metadata soumission.xml CR-BIO.xml
passerelle check --ca autorite.pem --at 2026-11-20T03:00:00Z capture-iti41.http vihf.xml
passerelle check -o json - < CR-BIO.xml`
}

// Run judges each file, offline.
func (c *checkCommand) Run(p *program) error {
	files, err := c.files()
	if err != nil {
		return err
	}
	checker, err := c.checker(p.now())
	if err != nil {
		return err
	}
	report := checkReport{program: p, english: c.Lang == "en", terminal: p.onTerminal()}
	for _, file := range files {
		source, err := openSource(file)
		if err != nil {
			return err
		}
		result, err := checker.Check(io.NewSectionReader(source, 0, source.size))
		if err != nil {
			source.Close()
			return environment(file + " : " + reason(err))
		}
		report.add(file, result, source)
		source.Close()
	}
	return report.end()
}

// checker reads the options.
func (c *checkCommand) checker(now time.Time) (*check.Checker, error) {
	k := &check.Checker{Rules: profile.IHE(), At: now, Audience: c.Audience}
	if c.Profile == "dmp" {
		k.Rules = dmp.New(dmp.Options{TestINS: true})
	}
	if c.At != "" {
		at, err := time.Parse(time.RFC3339, c.At)
		if err != nil {
			return nil, misuse("--at : un instant comme 2026-11-20T03:00:00Z est attendu")
		}
		k.At = at
	}
	for _, name := range c.CA {
		pem, err := os.ReadFile(name)
		if err != nil {
			return nil, environment("--ca : " + reason(err))
		}
		if k.Roots == nil {
			k.Roots = x509.NewCertPool()
		}
		if !k.Roots.AppendCertsFromPEM(pem) {
			return nil, environment("--ca : aucun certificat PEM dans " + name)
		}
	}
	if c.Metadata == "" {
		return k, nil
	}
	source, err := openSource(c.Metadata)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	submission, found, err := check.ReadMetadata(io.NewSectionReader(source, 0, source.size))
	if err != nil {
		return nil, environment("--metadata : " + reason(err))
	}
	if found.Failed() {
		return nil, refused("--metadata : métadonnées illisibles", findingsOf(found))
	}
	k.Metadata = submission
	return k, nil
}

// checkable are the extensions of the files of a folder that are looked at.
var checkable = []string{".xml", ".zip", ".http", ".mime", ".eml"}

// files are those that the arguments name; nothing is judged when one of them is not
// there.
func (c *checkCommand) files() ([]string, error) {
	var files, absent []string
	for _, name := range c.Files {
		info, err := os.Stat(name)
		switch {
		case name == "-":
			files = append(files, name)
		case errors.Is(err, fs.ErrNotExist):
			absent = append(absent, name)
		case err != nil:
			return nil, environment(name + " : " + reason(err))
		case !info.IsDir():
			files = append(files, name)
		default:
			within, err := os.ReadDir(name)
			if err != nil {
				return nil, environment(name + " : " + reason(err))
			}
			found := len(files)
			for _, f := range within {
				if f.Type().IsRegular() && slices.Contains(checkable, strings.ToLower(filepath.Ext(f.Name()))) {
					files = append(files, filepath.Join(name, f.Name()))
				}
			}
			if len(files) == found {
				return nil, environment("rien à contrôler dans " + name + " (" + strings.Join(checkable, ", ") + ")")
			}
		}
	}
	if len(absent) > 0 {
		return nil, environment("fichier introuvable : " + strings.Join(absent, ", "))
	}
	return files, nil
}

// checkedSource is a file, or the standard input held in memory.
type checkedSource struct {
	io.ReaderAt
	io.Closer
	size int64
}

// longestInput bounds what is read from the standard input, in bytes.
const longestInput = 64 << 20

func openSource(name string) (checkedSource, error) {
	if name == "-" {
		text, err := io.ReadAll(io.LimitReader(os.Stdin, longestInput+1))
		if err != nil {
			return checkedSource{}, environment("entrée standard : " + reason(err))
		}
		if len(text) > longestInput {
			return checkedSource{}, environment("entrée standard : plus de 64 Mio ; donner un fichier")
		}
		return checkedSource{bytes.NewReader(text), io.NopCloser(nil), int64(len(text))}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return checkedSource{}, environment(name + " : " + reason(err))
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return checkedSource{}, environment(name + " : " + reason(err))
	}
	return checkedSource{f, f, info.Size()}, nil
}

// onTerminal tells whether the standard output is one.
func (p *program) onTerminal() bool {
	f, ok := p.stdout.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
