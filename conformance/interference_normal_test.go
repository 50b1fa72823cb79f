package conformance_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// normaliser turns what must differ between two worlds into what must not: ids
// into the names of their objects, instants of the server's clock into the phase in
// which they lie. Everything else stays as it was sent.
type normaliser struct {
	ids    *strings.Replacer
	phases []time.Time // when each phase began
}

// normal is the normaliser of a world. Longer ids come first: one may begin as
// another one does.
func (w *world) normal(phases []time.Time) normaliser {
	names := map[string]string{w.patient.Record: "RECORD", w.patient.INS.ID(): "INS", w.patient.Name: "PATIENT"}
	for name, id := range w.ids {
		names[id] = "<" + name + ">"
	}
	all := []string{}
	for id := range names {
		all = append(all, id)
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, id := range all {
		pairs = append(pairs, id, names[id])
	}
	return normaliser{strings.NewReplacer(pairs...), phases}
}

var (
	instantText  = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`)
	httpDate     = regexp.MustCompile(`[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT`)
	folderTime   = regexp.MustCompile(`(<rim:Slot name="lastUpdateTime"><rim:ValueList><rim:Value>)(\d{14})`)
	historyNext  = regexp.MustCompile(`"next":"(\d{16})\.(\d+)"`)
	sealedCursor = regexp.MustCompile(`_cursor=[A-Za-z0-9_-]+`)
	componentID  = regexp.MustCompile(`(<rim:(?:Classification|ExternalIdentifier) id="urn:uuid:)[0-9a-f-]{36}"`) // a hash of the object's id
	opaqueID     = regexp.MustCompile(`("id":"|(?:CareTeam|Consent|AuditEvent)/)[A-Za-z0-9.-]{59}"`)              // sealed: a line of the trail, a right
	tokenID      = regexp.MustCompile(`"policy":\["[^"]+"\]`)                                                     // jti of a token, of which each world has its own
	boundaryText = regexp.MustCompile(`boundary="([^"]+)"`)
)

const pageBreak = "\n--- next page\n"

// answer is what is compared of an answer, page by page. A Content-Length that was
// true is told of what is compared: an instant may be written longer than another.
func (n normaliser) answer(whole string) string {
	pages := strings.Split(whole, pageBreak)
	for i, page := range pages {
		_, body, _ := strings.Cut(page, "\n\n")
		pages[i] = n.page(page)
		if declared := fmt.Sprintf("\nContent-Length: %d\n", len(body)); body != "" && strings.Contains(page, declared) {
			_, compared, _ := strings.Cut(pages[i], "\n\n")
			pages[i] = strings.Replace(pages[i], declared, fmt.Sprintf("\nContent-Length: %d\n", len(compared)), 1)
		}
	}
	return strings.Join(pages, pageBreak)
}

func (n normaliser) page(whole string) string {
	whole = ownTag(whole)
	if m := boundaryText.FindStringSubmatch(whole); m != nil {
		whole = strings.ReplaceAll(whole, m[1], "BOUNDARY")
	}
	whole = componentID.ReplaceAllString(whole, `${1}COMPONENT"`)
	whole = opaqueID.ReplaceAllString(whole, `${1}OPAQUE"`)
	whole = tokenID.ReplaceAllString(whole, `"policy":["TOKEN"]`)
	whole = n.ids.Replace(whole)
	whole = instantText.ReplaceAllStringFunc(whole, func(s string) string { return n.phase(time.RFC3339, s) })
	whole = folderTime.ReplaceAllStringFunc(whole, func(s string) string {
		digits := len(s) - len("20060102150405")
		return s[:digits] + n.phase("20060102150405", s[digits:])
	})
	whole = httpDate.ReplaceAllStringFunc(whole, func(s string) string { return n.phase(http.TimeFormat, s) })
	whole = historyNext.ReplaceAllStringFunc(whole, func(s string) string {
		var micro int64
		var given int
		if _, err := fmt.Sscanf(s, `"next":"%d.%d"`, &micro, &given); err != nil {
			return s
		}
		return `"next":"` + n.of(time.UnixMicro(micro), s) + `"`
	})
	return sealedCursor.ReplaceAllStringFunc(whole, func(s string) string { return fmt.Sprintf("_cursor=<%d characters>", len(s)) })
}

var listTag = regexp.MustCompile(`\n(?i:etag): W/"([0-9a-f]{16})"\n`)

// ownTag takes a validator for what it is where it is made of the very body, ids and all:
// what is compared of the body is then compared of it too.
func ownTag(whole string) string {
	_, body, _ := strings.Cut(whole, "\n\n")
	sum := sha256.Sum256([]byte(body))
	if m := listTag.FindStringSubmatch(whole); m != nil && m[1] == hex.EncodeToString(sum[:8]) {
		return strings.Replace(whole, m[1], "OF THE BODY", 1)
	}
	return whole
}

func (n normaliser) phase(layout, text string) string {
	at, err := time.Parse(layout, text)
	if err != nil {
		return text
	}
	return n.of(at, text)
}

// linkLasts is how long a declared relation lasts (policy Q-12): its end is told.
const linkLasts = 365 * 24 * time.Hour

// of is the phase of an instant; one before the first phase was given by a client,
// and one a day after the last by nobody: they stay, but for the end of a relation
// that was declared in a phase.
func (n normaliser) of(at time.Time, text string) string {
	if phase := n.during(at, text); phase != text {
		return phase
	}
	if phase := n.during(at.Add(-linkLasts), text); phase != text {
		return phase + "+YEAR"
	}
	return text
}

func (n normaliser) during(at time.Time, text string) string {
	for i, began := range slices.Backward(n.phases) {
		if !at.Before(began) && at.Before(n.phases[len(n.phases)-1].Add(24*time.Hour)) {
			return fmt.Sprintf("PHASE-%d", i+1)
		}
	}
	return text
}
