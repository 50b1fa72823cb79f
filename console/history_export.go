package console

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
)

// exportHistory gives all that the filter finds as a file. It is put aside first: the
// trail row is written before the first byte leaves (J-1), and a history may be long.
func (s *Server) exportHistory(v *visit) error {
	_, q, err := v.asked()
	if err != nil {
		return err
	}
	q.Page, q.Limit = "", 0
	aside, err := os.CreateTemp("", "passerelle-historique-*")
	if err != nil {
		return err
	}
	defer aside.Close()
	if err := os.Remove(aside.Name()); err != nil { // it goes with the last who holds it open
		return err
	}
	buffer := bufio.NewWriter(aside)
	format := exports["csv"]
	if asked, ok := exports[v.query("format")]; ok {
		format = asked
	}
	w := format.begin(buffer, v)
	err = s.Rights.ExportHistory(v.context(), v.call, q, func(lines []registry.Event, known map[string]record.Professional) error {
		for _, e := range lines {
			if err := w.line(v.tell(e, known)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := w.end(); err != nil {
		return err
	}
	if err := buffer.Flush(); err != nil {
		return err
	}
	size, err := aside.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = aside.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	v.gone = true
	v.ctx.DataFromReader(http.StatusOK, size, format.kind, aside, map[string]string{"Content-Disposition": `attachment; filename="historique.` + format.extension + `"`})
	return nil
}

// exportWriter writes lines in one format.
type exportWriter interface {
	line(historyLine) error
	end() error
}

type export struct {
	kind, extension string
	begin           func(io.Writer, *visit) exportWriter
}

var exports = map[string]export{
	"csv":  {"text/csv; charset=utf-8", "csv", newCSV},
	"json": {"application/json; charset=utf-8", "json", newJSON},
}

// csvExport is for spreadsheets as they are set in France: semicolons, and a mark that
// tells UTF-8.
type csvExport struct {
	*csv.Writer
	visit *visit
}

func newCSV(w io.Writer, v *visit) exportWriter {
	_, _ = io.WriteString(w, "\ufeff") // what fails here fails again at the end
	c := csvExport{csv.NewWriter(w), v}
	c.Comma, c.UseCRLF = ';', true
	_ = c.Write([]string{v.T("Date et heure"), v.T("Qui"), v.T("Profession"), v.T("Structure"), v.T("Ce qui s'est passé"), v.T("Résultat"), v.T("Mode d'accès"), v.T("Motif"), v.T("Document"), v.T("Application"), v.T("Moi")})
	return c
}

func (c csvExport) line(t historyLine) error {
	outcome, own := c.visit.T("refusé"), ""
	if t.Permit {
		outcome = c.visit.T("fait")
	}
	if t.Own {
		own = c.visit.T("oui")
	}
	cells := []string{t.At.In(c.visit.server.pages.paris).Format("2006-01-02 15:04:05"), t.Who, c.visit.Profession(t.Profession, ""), t.Where, t.Sentence, outcome, c.visit.Mode(t.Mode), t.Reason, t.Document, t.By, own}
	for i, cell := range cells {
		cells[i] = inert(cell)
	}
	return c.Write(cells)
}

func (c csvExport) end() error {
	c.Flush()
	return c.Error()
}

// inert keeps a spreadsheet from taking what somebody wrote for a formula.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// jsonExport is one array, a line each.
type jsonExport struct {
	w     io.Writer
	visit *visit
	first bool
}

func newJSON(w io.Writer, v *visit) exportWriter {
	_, _ = io.WriteString(w, "[")
	return &jsonExport{w, v, true}
}

type exportedLine struct {
	At          time.Time `json:"at"`
	Actor       string    `json:"actor"`
	Name        string    `json:"name"`
	Profession  string    `json:"profession,omitempty"`
	Structure   string    `json:"structure,omitempty"`
	Action      string    `json:"action"`
	Text        string    `json:"text"`
	Permit      bool      `json:"permit"`
	Mode        string    `json:"mode,omitempty"`
	Reason      string    `json:"reason,omitempty"`
	Document    string    `json:"document,omitempty"`
	Application string    `json:"application,omitempty"`
	Own         bool      `json:"own"`
}

func (j *jsonExport) line(t historyLine) error {
	raw, err := json.Marshal(exportedLine{t.At.UTC(), t.Actor, t.Who, t.Profession, t.Where, authz.Action.Name(t.Action), t.Sentence, t.Permit, j.visit.Mode(t.Mode), t.Reason, t.Document, t.Application, t.Own})
	if err != nil {
		return err
	}
	separator := ",\n"
	if j.first {
		separator, j.first = "\n", false
	}
	_, err = io.WriteString(j.w, separator+string(raw))
	return err
}

func (j *jsonExport) end() error {
	_, err := io.WriteString(j.w, "\n]\n")
	return err
}

// Mode is an emergency mode in words, "" for none.
func (v *visit) Mode(mode authz.Value) string {
	switch mode {
	case authz.Centre15:
		return v.T("Samu – Centre 15")
	case authz.BrisDeGlace, authz.BrisDeGlaceUnfounded:
		return v.T("Urgence (bris de glace)")
	}
	return ""
}
