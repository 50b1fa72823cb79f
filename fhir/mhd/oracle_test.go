package mhd_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// TestSearchOracle asks random searches and compares each answer with what a second
// reading of the parameters, in Go and over what the tests know of the documents, finds
// among those that the reader may see: the same documents, the same total, in the order
// asked for, page by page.
func TestSearchOracle(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	o := &oracle{world: newWorld(t), Rand: rand.New(rand.NewPCG(seed, 1))}
	for range 6 {
		o.deposit(8)
	}
	durand := pro("durand")
	for i := range 400 {
		query, want := o.question()
		count := 1 + o.IntN(8)
		order, less := o.order()
		path := "DocumentReference?patient=" + o.record + "&_count=" + fmt.Sprint(count) + "&_sort=" + order + "&" + query
		var expected []*known
		for _, d := range o.documents {
			if !d.masked && want(d) {
				expected = append(expected, d)
			}
		}
		var got []*known
		for pages := 0; path != ""; pages++ {
			set := o.search(durand, strings.TrimPrefix(path, "DocumentReference?"))
			if *set.Total != len(expected) || len(set.Entry) != min(count, len(expected)-len(got)) {
				t.Fatalf("question %d, %s\npage %d: %d of %d, want %d", i, query, pages, len(set.Entry), *set.Total, len(expected))
			}
			for _, e := range set.Entry {
				d := o.byID(e.Resource.ID)
				if d == nil || slices.Contains(got, d) || !slices.Contains(expected, d) {
					t.Fatalf("question %d, %s\npage %d shows %s", i, query, pages, e.Resource.ID)
				}
				if len(got) > 0 && less(d, got[len(got)-1]) {
					t.Fatalf("question %d, %s: not in the order of %s", i, query, order)
				}
				got = append(got, d)
			}
			path = set.link("next")
		}
		if len(got) != len(expected) {
			t.Fatalf("question %d, %s: %d documents, want %d", i, query, len(got), len(expected))
		}
	}
}

// known is a document as the tests made it.
type known struct {
	id, uid, family, given, author string
	typ, class, facility           xds.Code
	events                         []xds.Code
	label, reference               string
	creation, start, stop          time.Time
	masked, archived               bool
}

// oracle draws documents and questions.
type oracle struct {
	*world
	*rand.Rand
	documents []*known
}

func (o *oracle) byID(id string) *known {
	for _, d := range o.documents {
		if d.id == id {
			return d
		}
	}
	return nil
}

func one[T any](o *oracle, all ...T) T { return all[o.IntN(len(all))] }

var (
	oracleCodes    = []xds.Code{{Value: "a", Scheme: "1.2.3"}, {Value: "b", Scheme: "1.2.3"}, {Value: "a", Scheme: "1.2.4"}, {Value: "c_d", Scheme: "1.2.4"}}
	oracleFamilies = []string{"DURAND", "Durand-Éloi", "ÉLOI", "O'Brien & Fils", "de la Tour", "Œuvre^x"}
	oracleGiven    = []string{"Ève", "Jean-Noël", "Ana", "Zoë|x"}
)

func (o *oracle) instant() time.Time {
	return time.Date(2025+o.IntN(2), time.Month(1+o.IntN(3)), 1+o.IntN(4), o.IntN(3)*11, o.IntN(2)*30, o.IntN(2)*15, 0, time.UTC)
}

// deposit submits documents and hides or archives some.
func (o *oracle) deposit(n int) {
	o.lots++
	lot := xds.Submission{Set: xds.SubmissionSet{EntryUUID: "Set01", UniqueID: fmt.Sprintf("1.2.6.%d", o.lots), SourceID: "1.2.5", PatientID: o.alice}}
	var contents []xds.Content
	var made []*known
	for i := range n {
		d := &known{uid: fmt.Sprintf("1.2.8.%d.%d", o.lots, i), family: one(o, oracleFamilies...), given: one(o, oracleGiven...), author: one(o, "81", "82"), typ: xds.Code{Value: "11502-2", Scheme: "2.16.840.1.113883.6.1"},
			class: one(o, oracleCodes...), facility: one(o, oracleCodes...), label: one(o, "N", "R"), reference: one(o, "", "ACC-1", "ACC_2"), creation: o.instant(), masked: o.IntN(4) == 0}
		for range o.IntN(3) {
			d.events = append(d.events, one(o, oracleCodes...))
		}
		if o.IntN(3) > 0 {
			d.start = o.instant()
		}
		if o.IntN(3) > 0 {
			d.stop = o.instant()
			if d.stop.Before(d.start) {
				d.start, d.stop = d.stop, d.start
			}
		}
		dtm := func(t time.Time) xds.DTM {
			if t.IsZero() {
				return ""
			}
			return xds.NewDTM(t)
		}
		codes := []xds.Code{{Value: d.label, Scheme: xds.ConfidentialityOID}}
		if d.masked {
			codes = append(codes, hiddenFromPros...)
		}
		var references []string
		if d.reference != "" {
			references = []string{d.reference + "^^^&1.2.9&ISO^urn:ihe:iti:xds:2013:accession"}
		}
		id := fmt.Sprintf("Document%02d", i)
		lot.Documents = append(lot.Documents, xds.DocumentEntry{EntryUUID: id, UniqueID: d.uid, Title: "Titre", MimeType: "text/xml", PatientID: o.alice, ObjectType: xds.StableDocument, RepositoryUniqueID: "1.9.9",
			TypeCode: d.typ, ClassCode: d.class, FacilityType: d.facility, EventCodes: d.events, Confidentiality: codes, ReferenceIDs: references,
			CreationTime: dtm(d.creation), ServiceStart: dtm(d.start), ServiceStop: dtm(d.stop),
			Authors: []xds.Author{{Person: xds.NewXCN(d.author, xds.Escape(d.family), xds.Escape(d.given), "1.2.250.1.71.4.2.1", "IDNPS")}}})
		contents = append(contents, xds.Content{SHA1: fmt.Sprintf("%040d", o.lots*100+i), Size: 4})
		lot.Associations = append(lot.Associations, xds.Association{EntryUUID: fmt.Sprintf("A%d", i), Type: xds.HasMember, Source: "Set01", Target: id, SetStatus: "Original"})
		made = append(made, d)
	}
	receipt, err := o.registry.Submit(o.t.Context(), func(s *registry.Session) (authz.Deposit, error) {
		return o.gate.OpenDeposit(o.t.Context(), s, authz.Subject{Nature: authz.NaturePro, ID: "hopital", Profession: "10"}, o.alice, authz.Purpose{Transaction: "ITI-42"})
	}, lot, contents)
	if err != nil {
		o.t.Fatal(err)
	}
	for i, d := range made {
		d.id = strings.TrimPrefix(receipt.Documents[i].LogicalID, "urn:uuid:")
		if o.IntN(6) == 0 {
			o.act(authz.Archive, d.id)
			d.archived = true
		}
	}
	o.documents = append(o.documents, made...)
}

// order is a _sort, and what it means; documents that are alike in it may stand either way.
func (o *oracle) order() (string, func(a, b *known) bool) {
	keys := []struct {
		name    string
		compare func(a, b *known) int
	}{
		{"date", func(a, b *known) int { return a.creation.Compare(b.creation) }},
		{"period", func(a, b *known) int { return a.start.Compare(b.start) }},
		{"period-end", func(a, b *known) int { return a.stop.Compare(b.stop) }},
		{"category", func(a, b *known) int { return cmp.Compare(a.class.Key(), b.class.Key()) }},
	}
	o.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	keys = keys[:1+o.IntN(2)]
	var names []string
	signs := make([]int, len(keys))
	for i := range keys {
		signs[i] = one(o, 1, -1)
		names = append(names, strings.Repeat("-", (1-signs[i])/2)+keys[i].name)
	}
	return strings.Join(names, ","), func(a, b *known) bool {
		for i, k := range keys {
			if c := signs[i] * k.compare(a, b); c != 0 {
				return c < 0
			}
		}
		return false
	}
}

// question is a conjunction of conditions. Without isArchived, nothing archived is found.
func (o *oracle) question() (string, func(*known) bool) {
	values := url.Values{}
	keep := []func(*known) bool{func(d *known) bool { return !d.archived }}
	if o.IntN(5) == 0 {
		wanted := one(o, "true", "false")
		values.Set(one(o, "isArchived", "PDSm_isArchived"), wanted)
		keep[0] = func(d *known) bool { return fmt.Sprint(d.archived) == wanted }
	}
	for range 1 + o.IntN(3) {
		name, value, is := one(o, o.code, o.code, o.date, o.period, o.name, o.id)()
		values.Add(name, value)
		keep = append(keep, is)
	}
	return values.Encode(), func(d *known) bool {
		return !slices.ContainsFunc(keep, func(is func(*known) bool) bool { return !is(d) })
	}
}

func (o *oracle) code() (name, value string, is func(*known) bool) {
	param := one(o, "category", "facility", "event", "security-label")
	of := func(d *known) []xds.Code {
		switch param {
		case "category":
			return []xds.Code{d.class}
		case "facility":
			return []xds.Code{d.facility}
		case "event":
			return d.events
		}
		return []xds.Code{{Value: d.label, Scheme: xds.ConfidentialityOID}}
	}
	if o.IntN(6) == 0 {
		missing := one(o, "true", "false")
		return param + ":missing", missing, func(d *known) bool { return fmt.Sprint(len(of(d)) == 0) == missing }
	}
	type choice struct {
		text string
		is   func(xds.Code) bool
	}
	var choices []choice
	for range 1 + o.IntN(2) {
		c := one(o, oracleCodes...)
		if param == "security-label" {
			c = xds.Code{Value: one(o, "N", "R"), Scheme: xds.ConfidentialityOID}
		}
		system := "urn:oid:" + c.Scheme
		choices = append(choices, one(o,
			choice{c.Value, func(x xds.Code) bool { return x.Value == c.Value }},
			choice{system + "|" + c.Value, func(x xds.Code) bool { return x.Value == c.Value && x.Scheme == c.Scheme }},
			choice{system + "|", func(x xds.Code) bool { return x.Scheme == c.Scheme }},
			choice{"|" + c.Value, func(xds.Code) bool { return false }},
		))
	}
	var texts []string
	for _, c := range choices {
		texts = append(texts, c.text)
	}
	any := func(d *known) bool {
		return slices.ContainsFunc(of(d), func(x xds.Code) bool {
			return slices.ContainsFunc(choices, func(c choice) bool { return c.is(x) })
		})
	}
	if o.IntN(3) == 0 {
		return param + ":not", strings.Join(texts, ","), func(d *known) bool { return !any(d) }
	}
	return param, strings.Join(texts, ","), any
}

// moment is a date value: its text, and the range that it covers.
func (o *oracle) moment() (text string, from, to time.Time) {
	t := o.instant()
	switch o.IntN(6) {
	case 0:
		from = time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
		return t.Format("2006"), from, from.AddDate(1, 0, 0)
	case 1:
		from = time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
		return t.Format("2006-01"), from, from.AddDate(0, 1, 0)
	case 2:
		from = t.Truncate(24 * time.Hour)
		return t.Format("2006-01-02"), from, from.AddDate(0, 0, 1)
	case 3:
		return t.Format("2006-01-02T15:04"), t.Truncate(time.Minute), t.Truncate(time.Minute).Add(time.Minute)
	case 4:
		return t.Format("2006-01-02T15:04:05Z"), t, t.Add(time.Second)
	}
	return t.In(time.FixedZone("", -5*3600+1800)).Format(time.RFC3339), t, t.Add(time.Second)
}

var oraclePrefixes = []string{"", "eq", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap"}

func (o *oracle) date() (name, value string, is func(*known) bool) {
	param := one(o, "date", "creation", "period-start", "period-end", "PDSm_DocumentReference_period-start")
	of := func(d *known) time.Time {
		switch param {
		case "date", "creation":
			return d.creation
		case "period-end":
			return d.stop
		}
		return d.start
	}
	if o.IntN(6) == 0 {
		missing := one(o, "true", "false")
		return param + ":missing", missing, func(d *known) bool { return fmt.Sprint(of(d).IsZero()) == missing }
	}
	var texts []string
	var any []func(time.Time) bool
	for range 1 + o.IntN(2) {
		prefix := one(o, oraclePrefixes...)
		text, from, to := o.moment()
		texts = append(texts, prefix+text)
		any = append(any, func(t time.Time) bool {
			in := !t.Before(from) && t.Before(to)
			switch prefix {
			case "ne":
				return !in
			case "gt", "sa":
				return !t.Before(to)
			case "ge":
				return !t.Before(from)
			case "lt", "eb":
				return t.Before(from)
			case "le":
				return t.Before(to)
			case "ap":
				return !t.Before(from.Add(from.Sub(to))) && t.Before(to.Add(to.Sub(from)))
			}
			return in
		})
	}
	return param, strings.Join(texts, ","), func(d *known) bool {
		return !of(d).IsZero() && slices.ContainsFunc(any, func(is func(time.Time) bool) bool { return is(of(d)) })
	}
}

// period compares from start to stop; an end that is not said is open.
func (o *oracle) period() (name, value string, is func(*known) bool) {
	prefix := one(o, oraclePrefixes...)
	text, from, to := o.moment()
	ends := func(d *known) (start, stop time.Time) {
		start, stop = d.start, d.stop
		if start.IsZero() {
			start = time.Unix(0, 0)
		}
		if stop.IsZero() {
			stop = time.Unix(1<<40, 0)
		}
		return start, stop
	}
	return "period", prefix + text, func(d *known) bool {
		if d.start.IsZero() && d.stop.IsZero() {
			return false
		}
		start, stop := ends(d)
		inside := !start.Before(from) && stop.Before(to)
		switch prefix {
		case "ne":
			return !inside
		case "gt":
			return !stop.Before(to)
		case "ge":
			return !stop.Before(from)
		case "lt":
			return start.Before(from)
		case "le":
			return start.Before(to)
		case "sa":
			return !start.Before(to)
		case "eb":
			return stop.Before(from)
		case "ap":
			return start.Before(to.Add(to.Sub(from))) && !stop.Before(from.Add(from.Sub(to)))
		}
		return inside
	}
}

// plainly is a text without case and accents, of the letters that stand here.
func plainly(s string) string {
	return strings.NewReplacer("é", "e", "è", "e", "ë", "e", "œ", "oe").Replace(strings.ToLower(s))
}

func (o *oracle) name() (name, value string, is func(*known) bool) {
	param := one(o, "author.family", "author.given", "author.name", "author:Practitioner.family", "author:PractitionerRole.practitioner.given")
	of := func(d *known) []string {
		switch {
		case strings.HasSuffix(param, "family"):
			return []string{d.family}
		case strings.HasSuffix(param, "given"):
			return []string{d.given}
		}
		return []string{d.family, d.given}
	}
	text := []rune(one(o, append(slices.Clone(oracleFamilies), oracleGiven...)...))
	modifier := one(o, "", "", ":exact", ":contains")
	compare := func(have string) bool { return strings.HasPrefix(plainly(have), plainly(string(text))) }
	switch modifier {
	case "":
		text = text[:1+o.IntN(len(text))]
	case ":exact":
		compare = func(have string) bool { return have == string(text) }
	case ":contains":
		at := o.IntN(len(text))
		text = text[at : at+1+o.IntN(len(text)-at)]
		compare = func(have string) bool { return strings.Contains(plainly(have), plainly(string(text))) }
	}
	if strings.TrimSpace(string(text)) == "" {
		text = []rune("Zoë")
	}
	written := string(text)
	if modifier != ":exact" {
		written = one(o, written, strings.ToUpper(written), plainly(written))
	}
	written = strings.NewReplacer(`\`, `\\`, "|", `\|`, ",", `\,`, "$", `\$`).Replace(written)
	return param + modifier, written, func(d *known) bool { return slices.ContainsFunc(of(d), compare) }
}

func (o *oracle) id() (name, value string, is func(*known) bool) {
	d, not := one(o, o.documents...), one(o, "", "", ":not")
	truth := func(yes func(*known) bool) func(*known) bool {
		return func(x *known) bool { return yes(x) == (not == "") }
	}
	switch o.IntN(5) {
	case 0:
		return "identifier" + not, one(o, d.uid, "urn:oid:"+d.uid, "urn:ietf:rfc:3986|urn:oid:"+d.uid, "urn:uuid:"+d.id), truth(func(x *known) bool { return x == d })
	case 1:
		return "_id" + not, d.id + "," + newID(), truth(func(x *known) bool { return x == d })
	case 2:
		return "author.identifier" + not, one(o, "", "urn:oid:1.2.250.1.71.4.2.1|") + d.author, truth(func(x *known) bool { return x.author == d.author })
	case 3:
		missing := one(o, "true", "false")
		return one(o, "related", "related.identifier") + ":missing", missing, func(x *known) bool { return fmt.Sprint(x.reference == "") == missing }
	}
	return "related.identifier" + not, one(o, "", "urn:oid:1.2.9|") + cmp.Or(d.reference, "none"), truth(func(x *known) bool { return x.reference == cmp.Or(d.reference, "none") })
}
