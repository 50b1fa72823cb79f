package message

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"strings"
	"text/template"
	"time"
)

// Text is a message as it is read. Plain text, lines ending in a line feed.
type Text struct{ Subject, Body string }

//go:embed fr.txt
var french string

//go:embed en.txt
var english string

var texts = map[string]*template.Template{"fr": read("fr", french), "en": read("en", english)}

// read makes templates of a file of texts: a heading `== KIND`, the subject, an empty
// line, the body; `== KIND sms` has a body alone, `== EVENT NAME` a phrase.
func read(lang, file string) *template.Template {
	all := template.New(lang).Option("missingkey=zero").Funcs(template.FuncMap{
		"day":  func(s string) string { return date(lang, s, time.DateOnly) },
		"when": func(s string) string { return date(lang, s, time.RFC3339) },
	})
	for section := range strings.SplitSeq("\n"+file, "\n== ") {
		if strings.TrimSpace(section) == "" {
			continue
		}
		name, text, _ := strings.Cut(section, "\n")
		template.Must(all.New(strings.TrimSpace(name)).Parse(strings.TrimSpace(text)))
	}
	return all
}

// paris is where an instant is told: its readers live there (policy Q-13).
func paris() *time.Location {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return time.UTC
	}
	return zone
}

// Day is the day of an instant as parameters tell it.
func Day(at time.Time) string { return at.In(paris()).Format(time.DateOnly) }

var months = [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}

func date(lang, s, layout string) string {
	at, err := time.Parse(layout, s)
	if err != nil {
		return ""
	}
	if layout == time.RFC3339 {
		at = at.In(paris())
	}
	if lang == "en" {
		return at.Format("2 January 2006")
	}
	if at.Day() == 1 {
		return fmt.Sprintf("1er %s %d", months[at.Month()-1], at.Year())
	}
	return fmt.Sprintf("%d %s %d", at.Day(), months[at.Month()-1], at.Year())
}

// Render writes a message out; base is the address of the gateway, without a slash at
// its end. Only what Check lets pass is written.
func (m Message) Render(base string) (Text, error) {
	if err := m.Check(); err != nil {
		return Text{}, err
	}
	data := map[string]string{"base": base, "patient": base + "/patient"}
	maps.Copy(data, m.Params)
	if name, tells := m.Params["event"]; tells {
		data["event"] = m.write("EVENT "+name, nil)
	}
	if m.Channel == SMS {
		return Text{Body: m.write(string(m.Kind)+" sms", data)}, nil
	}
	subject, body, _ := strings.Cut(m.write(string(m.Kind), data), "\n\n")
	return Text{Subject: subject, Body: strings.TrimSpace(body) + "\n\n" + m.write("FOOT", data) + "\n"}, nil
}

// write fills a text in. It fails on none: the tests write all of them.
func (m Message) write(name string, data map[string]string) string {
	var out strings.Builder
	if err := texts[cmp.Or(m.Lang, "fr")].ExecuteTemplate(&out, name, data); err != nil {
		panic(err)
	}
	return out.String()
}
