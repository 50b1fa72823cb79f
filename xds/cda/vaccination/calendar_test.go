package vaccination

import (
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// shot is an act that counts, or does not.
func shot(key, when, atc string) Entry {
	return Entry{Key: key, Act: Act{When: when, Vaccine: []xds.Code{{Value: atc, Scheme: ATC}}}}
}

// told is what is said, as rule:status:key.
func forecastsOf(t *testing.T, born, now string, acts ...Entry) map[string]string {
	t.Helper()
	at, err := time.Parse(time.DateOnly, now)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range EmbeddedCalendar().Forecasts(born, acts, at) {
		all[f.Rule] = strings.TrimSpace(f.Status + " " + f.Done)
	}
	return all
}

// TestForecasts: doses by age, what was given taken from the sight of it.
func TestForecasts(t *testing.T) {
	refused, wrong := shot("n", "20260301", "J07AL02"), shot("w", "20260301", "J07AL02")
	refused.NotDone, wrong.Nullified = true, true
	if byCIS := (Act{Vaccine: []xds.Code{{Value: "68747507", Scheme: CIS}}}).ATCOf(); len(byCIS) != 1 || byCIS[0] != "J07AM" {
		t.Errorf("the ATC of a CIS: %q", byCIS)
	}
	for name, c := range map[string]struct {
		born, now string
		acts      []Entry
		want      map[string]string // "" = not told
	}{
		"newborn":       {"20261101", "2026-11-22", nil, map[string]string{"dtcap-hexa-1": "", "pcv-1": ""}},
		"two months":    {"20260920", "2026-11-22", nil, map[string]string{"dtcap-hexa-1": "due", "pcv-1": "due", "rota-1": "due", "menb-1": ""}},
		"late":          {"20260120", "2026-11-22", nil, map[string]string{"dtcap-hexa-1": "overdue", "dtcap-hexa-2": "overdue", "dtcap-hexa-3": "", "rota-1": ""}},
		"first given":   {"20260120", "2026-11-22", []Entry{shot("a", "20260401", "J07CA09")}, map[string]string{"dtcap-hexa-1": "complete a", "dtcap-hexa-2": "overdue"}},
		"not counted":   {"20260120", "2026-11-22", []Entry{refused, wrong, shot("f", "20270101", "J07AL02")}, map[string]string{"pcv-1": "overdue"}},
		"same day":      {"20250120", "2026-11-22", []Entry{shot("a", "20260301", "J07BD52"), shot("b", "20260301", "J07BD52")}, map[string]string{"ror-1": "complete a", "ror-2": "overdue"}},
		"adult":         {"19930314", "2026-11-22", []Entry{shot("a", "20181001", "J07CA02")}, map[string]string{"dtcap-25y": "complete a", "dtcap-hexa-1": "", "dtcap-11y": "", "pcv-1": "", "ror-1": "", "grippe": ""}},
		"adult, none":   {"19930314", "2026-11-22", nil, map[string]string{"dtcap-25y": "overdue", "dtp-45y": ""}},
		"old":           {"19500101", "2026-11-22", []Entry{shot("a", "20150101", "J07CA01"), shot("g", "20251103", "J07BB02")}, map[string]string{"dtp-65y": "due", "grippe": "due", "zona": "due", "pneumo-65": "due", "covid": "due"}},
		"old, done":     {"19500101", "2026-11-22", []Entry{shot("a", "20200101", "J07CA01"), shot("g", "20261020", "J07BB02")}, map[string]string{"dtp-65y": "complete a", "grippe": "complete g"}},
		"out of season": {"19500101", "2026-06-01", nil, map[string]string{"grippe": "", "zona": "due"}},
		"no birth day":  {"1950", "2026-11-22", nil, map[string]string{"zona": ""}},
	} {
		got := forecastsOf(t, c.born, c.now, c.acts...)
		for rule, want := range c.want {
			if got[rule] != want {
				t.Errorf("%s, %s: %q, want %q", name, rule, got[rule], want)
			}
		}
	}
}

// TestReadCalendar: a calendar says its version and source, and is whole.
func TestReadCalendar(t *testing.T) {
	c := EmbeddedCalendar()
	if c.Version == "" || !strings.Contains(c.Source, "pas le fichier officiel") || len(c.rules) < 25 {
		t.Errorf("%+v", c)
	}
	head := "# version: v\n# source: s\n" + strings.Join(calendarColumns, ",") + "\n"
	for name, text := range map[string]string{
		"no version": strings.Join(calendarColumns, ",") + "\nr,g,J,J,,1,,,,,,\n", "no rule": head, "columns": strings.Replace(head, "rule,", "regle,", 1) + "r,g,J,J,,1,,,,,,\n",
		"no number": head + "r,g,J,J,,x,,,,,,\n", "late before due": head + "r,g,J,J,,9,1,,,,,\n", "a series": head + "r,g,J,J,RAPPEL,9,,,,,,\n",
		"a season": head + "r,g,J,J,,9,,,,13,,\n", "twice": head + "r,g,J,J,,9,,,,,,\nr,g,J,J,,9,,,,,,\n", "no group": head + "r,,J,J,,9,,,,,,\n",
	} {
		if _, err := ReadCalendar(text); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if c, err := ReadCalendar(head + "r,g,J,J,,9,,,,,,\n"); err != nil || len(c.rules) != 1 {
		t.Error(c, err)
	}
}

// TestNext: nothing becomes due between two looks at the calendar.
func TestNext(t *testing.T) {
	c := EmbeddedCalendar()
	due := func(born string, acts []Entry, at time.Time) (all string) {
		for _, f := range c.Forecasts(born, acts, at) {
			if f.Status != Complete {
				all += f.Rule + f.Due.Format(time.DateOnly) + " "
			}
		}
		return all
	}
	for _, born := range []string{"20260920", "20150101", "19930314", "19550601"} {
		acts := []Entry{shot("a", "20200615", "J07CA01"), shot("b", "20251015", "J07BB02")}
		at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		for range 12 {
			next := c.Next(born, acts, at)
			if !next.After(at) || next.After(at.AddDate(1, 0, 0)) {
				t.Fatalf("%s: %s after %s", born, next, at)
			}
			now := due(born, acts, at)
			for day := at; day.Before(next); day = day.AddDate(0, 0, 1) {
				for word := range strings.FieldsSeq(due(born, acts, day)) {
					if !strings.Contains(now, word) {
						t.Errorf("%s: %s becomes due on %s, between %s and %s", born, word, day, at, next)
					}
				}
			}
			at = next
		}
	}
}
