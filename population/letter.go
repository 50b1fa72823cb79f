package population

import (
	"bytes"
	"context"
	_ "embed"
	"html/template"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
)

// printed is how many letters one transaction prints.
const printed = 100

// Letters prints the notices that go by post: write gets each letter by the name of its
// file, and must have it on the disk when it returns. Until a batch is committed its
// letters are worth nothing; one that was cut short prints them again, with other codes
// and under the same names. The six weeks of a record begin with its letter.
func (o *Office) Letters(ctx context.Context, base string, write func(name string, page []byte) error) (n int, err error) {
	for ctx.Err() == nil {
		some := 0
		err := o.Registry.Write(ctx, func(session *registry.Session) error {
			now := o.Now()
			letters, err := record.TakeLetters(ctx, session.Handle(), o.System, now, printed)
			if err != nil {
				return err
			}
			for _, l := range letters {
				page, err := Page(l, base, now)
				if err != nil {
					return err
				}
				if err := write(l.Record+".html", page); err != nil {
					return err
				}
			}
			some = len(letters)
			return nil
		})
		if err != nil {
			return n, err
		}
		if n += some; some < printed {
			return n, nil
		}
	}
	return n, ctx.Err()
}

// Folder writes letters into a folder, each durably before it is told of.
func Folder(dir string) func(name string, page []byte) error {
	return func(name string, page []byte) error {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = f.Write(page)
		if err == nil {
			err = f.Sync()
		}
		if closed := f.Close(); err == nil {
			err = closed
		}
		return err
	}
}

//go:embed letter.html
var letterText string

var letterPage = template.Must(template.New("letter").Parse(letterText))

var months = [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}

// Page is a letter as it is printed: A4, the address where the window of an envelope is,
// no INS, no birth date and nothing of health on it.
func Page(l record.Letter, base string, now time.Time) ([]byte, error) {
	written := func(at time.Time) string {
		zone, err := time.LoadLocation("Europe/Paris")
		if err != nil {
			zone = time.UTC
		}
		at = at.In(zone)
		text := at.Format("2 ") + months[at.Month()-1] + at.Format(" 2006")
		return strings.Replace(" "+text, " 1 ", " 1er ", 1)[1:]
	}
	data := map[string]any{
		"Name": l.Given + " " + l.Family, "Address": strings.Split(l.Address, "\n"), "Date": written(now), "Code": l.Code, "Site": base + "/patient",
		"Parent": l.Kind == record.NoticeParent, "Majority": l.Kind == record.NoticeMajority, "CodeUntil": written(now.Add(record.CodeLasts)),
	}
	if !l.Until.IsZero() {
		data["Until"] = written(l.Until)
	}
	var page bytes.Buffer
	err := letterPage.Execute(&page, data)
	return page.Bytes(), err
}
