package vaccination

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// Calendar is a vaccination calendar: rules by age, with the version and the source of
// their figures. It informs; nothing is ever refused for it.
type Calendar struct {
	Version string
	Source  string
	rules   []rule
}

// rule is one dose of one group. Ages are in months; 0 = none.
type rule struct {
	ID     string
	Group  string
	ATC    string // what counts as a dose: the beginning of its ATC code
	Code   xds.Code
	Series string
	Text   string

	due, late, end int
	every          int        // months, for a dose that comes back
	season         time.Month // in which it is due each year
	mandatory      bool
}

//go:embed calendar.csv
var embeddedCalendar string

// EmbeddedCalendar is the calendar of the product.
func EmbeddedCalendar() Calendar {
	c, err := ReadCalendar(embeddedCalendar)
	if err != nil {
		panic(err) // a mistake of the build, which every test meets
	}
	return c
}

// maxRules bounds a calendar.
const maxRules = 500

// calendarColumns are those of the file, in their order.
var calendarColumns = []string{"rule", "group", "atc", "code", "series", "due", "late", "end", "every", "season", "mandatory", "text"}

// ReadCalendar reads a calendar file: `# version:` and `# source:`, then one rule a
// line, the doses of a group in their order. The error names the line.
func ReadCalendar(text string) (Calendar, error) {
	var c Calendar
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, "# version:"); ok {
			c.Version = strings.TrimSpace(v)
		}
		if v, ok := strings.CutPrefix(line, "# source:"); ok {
			c.Source = strings.TrimSpace(v)
		}
	}
	if c.Version == "" || c.Source == "" || len(c.Version) > 40 {
		return c, fmt.Errorf("calendrier : `# version:` (40 caractères au plus) et `# source:` sont obligatoires")
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comment, r.FieldsPerRecord = '#', len(calendarColumns)
	rows, err := r.ReadAll()
	if err != nil {
		return c, fmt.Errorf("calendrier : %w", err)
	}
	if len(rows) < 2 || len(rows) > maxRules || !slices.Equal(rows[0], calendarColumns) {
		return c, fmt.Errorf("calendrier : colonnes %s, une à %d règles", strings.Join(calendarColumns, ","), maxRules-1)
	}
	seen := map[string]bool{}
	for i, row := range rows[1:] {
		rule, err := readRule(row)
		if err == nil && seen[rule.ID] {
			err = fmt.Errorf("règle répétée")
		}
		if err != nil {
			return c, fmt.Errorf("calendrier, règle %d (%s) : %w", i+1, row[0], err)
		}
		seen[rule.ID] = true
		c.rules = append(c.rules, rule)
	}
	return c, nil
}

func readRule(row []string) (rule, error) {
	numbers := map[int]int{}
	for i := 5; i <= 9; i++ {
		n, err := strconv.Atoi(row[i])
		if row[i] != "" && (err != nil || n < 0 || n > 2000) {
			return rule{}, fmt.Errorf("%s : un nombre de 0 à 2000", calendarColumns[i])
		}
		numbers[i] = n
	}
	r := rule{ID: row[0], Group: row[1], ATC: row[2], Code: xds.Code{Value: row[3], Scheme: ATC}, Series: row[4], Text: row[11],
		due: numbers[5], late: numbers[6], end: numbers[7], every: numbers[8], season: time.Month(numbers[9]), mandatory: row[10] == "1"}
	switch {
	case r.ID == "" || r.Group == "" || r.ATC == "" || row[3] == "":
		return r, fmt.Errorf("rule, group, atc et code sont obligatoires")
	case r.Series != "" && SeriesName(r.Series) == "":
		return r, fmt.Errorf("series : BOOSTER, IMMUNIZ ou INITIMMUNIZ")
	case r.late != 0 && r.late < r.due || r.end != 0 && r.end < r.due:
		return r, fmt.Errorf("late et end : après due")
	case r.season > 12 || r.season != 0 && r.every == 0:
		return r, fmt.Errorf("season : un mois de 1 à 12, avec every")
	}
	r.Code.Display = NameOf(r.Code)
	return r, nil
}

// Groups are what the calendar protects from, each once.
func (c Calendar) Groups() (groups []string) {
	for _, r := range c.rules {
		if !slices.Contains(groups, r.Group) {
			groups = append(groups, r.Group)
		}
	}
	return groups
}

// Forecast is what the calendar says of one dose.
type Forecast struct {
	Rule      string
	Group     string
	Text      string
	Code      xds.Code
	Series    string
	Dose, Of  int // rank of the dose among those of its group
	Status    string
	Due       time.Time // a day
	Late      time.Time // when it is overdue, zero = never
	Done      string    // key of the act, for a dose that is complete
	Mandatory bool
}

// The statuses of a Forecast (R4 immunization-recommendation-status).
const (
	Complete = "complete"
	DueNow   = "due"
	Overdue  = "overdue"
)

// Forecasts tell, of a person born on a day (YYYYMMDD), which doses are complete, due or
// overdue at an instant, counting the acts given and no others. A dose that is not due
// yet, or that is no longer proposed at that age, is not told.
func (c Calendar) Forecasts(born string, acts []Entry, now time.Time) []Forecast {
	birth := xds.DTM(born).Start()
	if birth.IsZero() || len(born) != len("YYYYMMDD") {
		return nil
	}
	var all []Forecast
	for start := 0; start < len(c.rules); {
		end := start + 1
		for end < len(c.rules) && c.rules[end].Group == c.rules[start].Group {
			end++
		}
		all = append(all, forecastGroup(c.rules[start:end], birth, acts, now)...)
		start = end
	}
	return all
}

// Next is the first day after now on which a dose may become due of a person born on a
// day: by his age, by the season, or as long after an act as it comes back. The calendar
// is asked anew in a year at the latest.
func (c Calendar) Next(born string, acts []Entry, now time.Time) time.Time {
	next := now.AddDate(1, 0, 0)
	earlier := func(day time.Time) {
		if day.After(now) && day.Before(next) {
			next = day
		}
	}
	birth := xds.DTM(born).Start()
	for _, r := range c.rules {
		earlier(birth.AddDate(0, r.due, 0))
		switch {
		case r.season != 0:
			earlier(r.opening(now).AddDate(1, 0, 0))
		case r.every > 0:
			for _, a := range acts {
				if on, _ := Span(a.When); !on.IsZero() {
					earlier(on.AddDate(0, r.every, 0))
				}
			}
		}
	}
	return next
}

// given is an act that counts for a group.
type given struct {
	key string
	on  time.Time
}

// forecastGroup gives each act to a dose: the latest one whose age it has reached, or
// the first that is still open before it.
func forecastGroup(rules []rule, birth time.Time, acts []Entry, now time.Time) []Forecast {
	doses := counted(rules, acts, now)
	done := make([]*given, len(rules))
	for i := range doses {
		if at := doseOf(rules, done, birth, doses[i].on); at >= 0 {
			done[at] = &doses[i]
		}
	}
	var all []Forecast
	for i, r := range rules {
		f := Forecast{Rule: r.ID, Group: r.Group, Text: r.Text, Code: r.Code, Series: r.Series, Dose: i + 1, Of: len(rules), Mandatory: r.mandatory, Due: birth.AddDate(0, r.due, 0)}
		switch {
		case done[i] != nil && (r.every == 0 || now.Before(r.again(done[i].on, now))):
			f.Status, f.Done = Complete, done[i].key
		case done[i] != nil:
			f.Due = r.again(done[i].on, now)
			f.Status = r.status(&f, now)
		case now.Before(f.Due), r.end != 0 && !now.Before(birth.AddDate(0, r.end, 0)), later(done[i+1:]):
			continue
		default:
			if r.season != 0 {
				f.Due = r.opening(now)
			} else if r.late != 0 {
				f.Late = birth.AddDate(0, r.late, 0)
			}
			f.Status = r.status(&f, now)
		}
		if f.Status != "" {
			all = append(all, f)
		}
	}
	return all
}

// later tells whether a later dose of the group was given: who had it is not asked for
// an earlier one.
func later(done []*given) bool {
	return slices.ContainsFunc(done, func(g *given) bool { return g != nil })
}

// counted are the acts that count for a group, the oldest first, one a day.
func counted(rules []rule, acts []Entry, now time.Time) []given {
	var all []given
	for _, a := range acts {
		on, _ := Span(a.When)
		counts := slices.ContainsFunc(a.ATCOf(), func(code string) bool {
			return slices.ContainsFunc(rules, func(r rule) bool { return strings.HasPrefix(code, r.ATC) })
		})
		if counts && !a.NotDone && !a.Nullified && !on.IsZero() && !on.After(now) {
			all = append(all, given{a.Key, on})
		}
	}
	slices.SortStableFunc(all, func(a, b given) int { return a.on.Compare(b.on) })
	return slices.CompactFunc(all, func(a, b given) bool { return a.on.Format("20060102") == b.on.Format("20060102") })
}

// early is how long before its age a dose still counts.
const early = 14 * 24 * time.Hour

// doseOf is the dose that an act of a day stands for: the first open one of those whose
// age is reached and which is still proposed then, else, for a dose that comes back, that
// one again; -1 for none.
func doseOf(rules []rule, done []*given, birth, on time.Time) int {
	at := -1
	for i, r := range rules {
		reached := !on.Before(birth.AddDate(0, r.due, 0).Add(-early))
		gone := r.end != 0 && !on.Before(birth.AddDate(0, r.end, 0))
		switch {
		case !reached || gone:
		case done[i] == nil && (at < 0 || done[at] != nil):
			at = i
		case r.every > 0 && at < 0:
			at = i
		}
	}
	return at
}

// again is when a dose that comes back is due after one that was given: the interval
// later, or at the opening of the season after it.
func (r rule) again(last, now time.Time) time.Time {
	if r.season == 0 {
		return last.AddDate(0, r.every, 0)
	}
	opening := r.opening(now)
	if last.Before(opening.AddDate(0, -1, 0)) {
		return opening
	}
	return opening.AddDate(1, 0, 0)
}

// opening is the beginning of the season that runs, or that ran last.
func (r rule) opening(now time.Time) time.Time {
	opening := time.Date(now.Year(), r.season, 1, 0, 0, 0, 0, time.UTC)
	if now.Before(opening) {
		return opening.AddDate(-1, 0, 0)
	}
	return opening
}

// seasonal is how long a season lasts, in months.
const seasonal = 5

// status is due or overdue; "" out of season.
func (r rule) status(f *Forecast, now time.Time) string {
	switch {
	case r.season != 0 && !now.Before(f.Due.AddDate(0, seasonal, 0)), now.Before(f.Due):
		return ""
	case !f.Late.IsZero() && !now.Before(f.Late):
		return Overdue
	}
	return DueNow
}
