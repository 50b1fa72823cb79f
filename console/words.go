package console

import (
	"bufio"
	"embed"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// The French text is the key of every text; en/*.tsv have the English one behind a tab.
//
//go:embed en
var english embed.FS

var inEnglish = readWords()

func readWords() map[string]string {
	all := map[string]string{}
	files, _ := english.ReadDir("en")
	for _, f := range files {
		raw, _ := english.ReadFile("en/" + f.Name())
		for lines := bufio.NewScanner(strings.NewReader(string(raw))); lines.Scan(); {
			if french, text, ok := strings.Cut(lines.Text(), "\t"); ok && !strings.HasPrefix(french, "#") {
				all[french] = text
			}
		}
	}
	return all
}

// translate is a text in a language, with its arguments put in as fmt does.
func translate(lang, french string, args ...any) string {
	text := french
	if lang == "en" {
		if t, ok := inEnglish[french]; ok {
			text = t
		}
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// T is a text in the language of the visit.
func (v *visit) T(french string, args ...any) string { return translate(v.lang, french, args...) }

const languageName = "passerelle-langue"

// language is what the address asks for, which is remembered; else what was asked for
// before; else what the browser prefers, French first.
func language(c *gin.Context) string {
	if asked := c.Query("lang"); known(asked) {
		http.SetCookie(c.Writer, &http.Cookie{Name: languageName, Value: asked, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: 365 * 86400})
		return asked
	}
	if kept, err := c.Cookie(languageName); err == nil && known(kept) {
		return kept
	}
	if strings.HasPrefix(strings.ToLower(c.GetHeader("Accept-Language")), "en") {
		return "en"
	}
	return "fr"
}

// otherLanguage is this page in the other language; what a form posted is not asked again.
func (v *visit) otherLanguage() string {
	lang := "en"
	if v.lang == "en" {
		lang = "fr"
	}
	if v.ctx.Request.Method != http.MethodGet {
		return "/" + string(v.side) + "?lang=" + lang
	}
	q := v.ctx.Request.URL.Query()
	q.Set("lang", lang)
	return (&url.URL{Path: v.ctx.Request.URL.Path, RawQuery: q.Encode()}).String()
}

var frenchMonths = [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}

// tellDay is a day in words: 3 mars 2026, 3 March 2026.
func tellDay(lang string, at time.Time) string {
	switch {
	case at.IsZero():
		return ""
	case lang == "en":
		return at.Format("2 January 2006")
	case at.Day() == 1:
		return fmt.Sprintf("1er %s %d", frenchMonths[at.Month()-1], at.Year())
	}
	return fmt.Sprintf("%d %s %d", at.Day(), frenchMonths[at.Month()-1], at.Year())
}

// tellTime is a day and an hour: 3 mars 2026 à 14 h 05.
func tellTime(lang string, at time.Time) string {
	if lang == "en" {
		return tellDay(lang, at) + at.Format(" at 15:04")
	}
	return tellDay(lang, at) + at.Format(" à 15 h 04")
}

// tellBirth is a birth date YYYYMMDD in words.
func tellBirth(lang, date string) string {
	at, err := time.Parse("20060102", date)
	if err != nil {
		return date
	}
	return tellDay(lang, at)
}
