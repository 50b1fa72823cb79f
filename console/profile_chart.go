package console

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/carnet"
	"github.com/passerelle-sante/passerelle/xds/cda/medical"
)

// chart is measures over time as a drawing. The table beside it says the same, so that
// nobody needs to see it.
type chart struct {
	Width, Height int
	Left, Right   int // of the plot
	Top, Bottom   int
	Lines         []chartLine
	Ys, Xs        []chartTick
	Label         string // what it shows, in words
}

// chartLine is one number of a kind: systolic and diastolic are two, told apart by their
// dashes and dots, not by colour alone.
type chartLine struct {
	Class  string // line-1, line-2
	Name   string
	Points string
	Dots   []chartDot
}

type chartDot struct{ X, Y, Told string }

type chartTick struct {
	At   string
	Text string
}

// charted is how many measures a drawing holds, the newest ones.
const charted = 200

// chart draws the measures of a kind, the newest first; nil for fewer than two.
func (v *visit) chart(k medical.Kind, entries []carnet.Entry) *chart {
	entries = slices.Clone(entries[:min(len(entries), charted)])
	slices.Reverse(entries)
	if len(entries) < 2 {
		return nil
	}
	c := &chart{Width: 640, Height: 280, Left: 72, Right: 624, Top: 16, Bottom: 236}
	first, last := measuredAt(entries[0]), measuredAt(entries[len(entries)-1])
	low, high := math.Inf(1), math.Inf(-1)
	for _, e := range entries {
		for _, f := range k.Numbers() {
			if n, err := strconv.ParseFloat(e.Values[f.Name], 64); err == nil {
				low, high = min(low, n), max(high, n)
			}
		}
	}
	step := niceStep(high - low)
	low, high = math.Floor(low/step)*step, math.Ceil(high/step)*step
	if low == high {
		high += step
	}
	y := func(n float64) string {
		return pixel(float64(c.Bottom) - (n-low)/(high-low)*float64(c.Bottom-c.Top))
	}
	x := func(at time.Time) string {
		span := max(last.Sub(first).Seconds(), 1)
		return pixel(float64(c.Left) + at.Sub(first).Seconds()/span*float64(c.Right-c.Left))
	}
	for n := low; n <= high+step/2; n += step {
		text := strconv.FormatFloat(math.Round(n*100)/100, 'f', -1, 64)
		if v.lang == "fr" {
			text = strings.Replace(text, ".", ",", 1)
		}
		c.Ys = append(c.Ys, chartTick{y(n), text})
	}
	c.Xs = []chartTick{{x(first), shortDay(v.lang, first)}, {x(last), shortDay(v.lang, last)}}
	for i, f := range k.Numbers() {
		line := chartLine{Class: fmt.Sprintf("line-%d", i+1), Name: v.T(f.Label)}
		var points []string
		for _, e := range entries {
			n, err := strconv.ParseFloat(e.Values[f.Name], 64)
			if err != nil {
				continue
			}
			dot := chartDot{x(measuredAt(e)), y(n), v.words(f, e.Values[f.Name])}
			points = append(points, dot.X+","+dot.Y)
			line.Dots = append(line.Dots, dot)
		}
		line.Points = strings.Join(points, " ")
		c.Lines = append(c.Lines, line)
	}
	c.Label = v.T("%s : %d mesures du %s au %s, entre %s et %s. Le tableau qui suit dit les mêmes.", v.T(k.Title), len(entries), tellDay(v.lang, first), tellDay(v.lang, last), c.Ys[0].Text, c.Ys[len(c.Ys)-1].Text)
	return c
}

// measuredAt is when a measure was made; a day without an hour is its noon.
func measuredAt(e carnet.Entry) time.Time {
	value := e.Values["quand"]
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return at
	}
	day, _ := time.Parse(time.DateOnly, value)
	return day.Add(12 * time.Hour)
}

// niceStep is a step of 1, 2 or 5 times a power of ten that makes a handful of lines.
func niceStep(span float64) float64 {
	if span <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(span/4)))
	for _, m := range []float64{1, 2, 5} {
		if span/(m*power) <= 5 {
			return m * power
		}
	}
	return 10 * power
}

func pixel(n float64) string { return strconv.FormatFloat(n, 'f', 1, 64) }

func shortDay(lang string, at time.Time) string {
	if lang == "en" {
		return at.Format("2006-01-02")
	}
	return at.Format("02/01/2006")
}
