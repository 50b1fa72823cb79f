package conformance_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/failpoint"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// crash is an instant at which the process dies with a submission under way on each
// face (safety §4.2).
type crash struct {
	point  string
	stored bool // what has met the point is in the registry
	lives  bool // an answer is lost inside: the process goes on
	long   bool // only with PASSERELLE_LONG=1
}

var crashes = []crash{
	{point: "cp1:before", long: true},
	{point: "cp1:after"},
	{point: "cp2:before", long: true},
	{point: "cp2:after"},
	{point: "cp3:before:2"},
	{point: "cp3:after", long: true},
	{point: "cp4:before", long: true},
	{point: "cp4:after"},
	{point: "cp4:lost", lives: true},
	{point: "cp5:before", long: true},
	{point: "cp5:after"},
	{point: "cp6:before", long: true},
	{point: "cp6:before:2", long: true},
	{point: "cp6:before:3", long: true},
	{point: "cp6:before:4"},
	{point: "cp6:after", long: true},
	{point: "cp7:before"},
	{point: "cp7:after", stored: true},
	{point: "cp7:lost", stored: true, lives: true},
	{point: "cp8:before", stored: true, long: true},
	{point: "cp8:after", stored: true},
}

// TestCrashes kills the gateway at each crash point with a submission under way on
// each face, then at random under eight senders, and each time starts it again on the
// same data and asks both faces as the holder of the record, who sees everything
// (I-1 to I-4); the senders send again and are told the truth. At the end the history
// is compared (I-5), and what was left over is swept (I-6).
func TestCrashes(t *testing.T) {
	v := buildVictim(t)
	v.kill(t)
	all := v.points(t)
	all = append(all, v.storms(t)...)
	v.start(t, "")
	acknowledged := 0
	for _, d := range all {
		v.keeps(t, d)
		acknowledged += number(d.receipt.acknowledged)
	}
	v.traced(t, all)
	v.kill(t)
	v.swept(t)
	t.Logf("%d submissions, %d of them acknowledged before a crash; slowest restart %v", len(all), acknowledged, v.slowest)
}

// points dies at each crash point in turn; a submission replaces a document of the
// former one on its face.
func (v *victim) points(t *testing.T) (all []*delivery) {
	last := map[string]*delivery{}
	for _, c := range crashes {
		if c.long && !v.long {
			continue
		}
		t.Run(c.point, func(t *testing.T) {
			v.start(t, c.point)
			sent := []*delivery{v.prepare(t, "ITI-41", last["ITI-41"]), v.prepare(t, "ITI-65", last["ITI-65"])}
			v.sendAtOnce(t, sent)
			if !c.lives {
				v.died(t)
				v.start(t, "")
			}
			v.survived(t, c, sent)
			for _, d := range sent {
				last[d.face] = d
			}
			all = append(all, sent...)
			v.kill(t)
		})
	}
	return all
}

func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// sendAtOnce sends on both faces together.
func (v *victim) sendAtOnce(t *testing.T, sent []*delivery) {
	t.Helper()
	b := v.sender(t)
	var clients sync.WaitGroup
	for _, d := range sent {
		clients.Go(func() { d.receipt = d.send(t, v.kit, b) })
	}
	clients.Wait()
}

// survived checks what became of submissions after a crash, and that their senders
// may send again.
func (v *victim) survived(t *testing.T, c crash, sent []*delivery) {
	t.Helper()
	lost, kept := 0, 0 // of those that were not acknowledged
	for _, d := range sent {
		stored := v.keeps(t, d)
		if !d.receipt.acknowledged {
			kept, lost = kept+number(stored), lost+number(!stored)
		}
		v.retry(t, d, stored)
	}
	if c.stored && kept == 0 || !c.stored && lost == 0 {
		t.Errorf("of those without an answer %d are stored and %d are not", kept, lost)
	}
}

// keeps tells whether a submission is there, whole; one that was acknowledged must be
// (I-2), and no crash is a refusal.
func (v *victim) keeps(t *testing.T, d *delivery) bool {
	t.Helper()
	stored := v.whole(t, d)
	if d.receipt.acknowledged && !stored {
		t.Errorf("%s was acknowledged and is not there", d.face)
	}
	if d.receipt.refused {
		t.Errorf("%s was refused: %s", d.face, d.receipt.text)
	}
	return stored
}

// holder is who sees everything of the record.
func (v *victim) holder() *kitBearer {
	return v.kit.bearer(kitClaims{As: "patient:" + v.patient.Name, Patient: v.patient.Name})
}

// whole tells whether a submission is there; half of one is an error (I-4), and so
// are documents whose bytes are not those that were sent (I-1).
func (v *victim) whole(t *testing.T, d *delivery) bool {
	t.Helper()
	reader := v.holder()
	var ids []string
	for _, e := range d.lot.Documents {
		ids = append(ids, e.UniqueID)
	}
	slices.Sort(ids)
	soap := v.kit.getDocuments(t, reader, ids...)
	sets := v.contents(t, reader, d)
	stored := len(sets.Sets) > 0
	var want []string
	if stored {
		want = ids
	}
	if !slices.Equal(soap.ids, want) || len(sets.Sets) != number(stored) || len(sets.Documents) != len(want) || len(sets.Associations) != len(want) {
		t.Errorf("%s: half a submission: documents %v; of the set %d, documents %d, associations %d", d.face, soap.ids, len(sets.Sets), len(sets.Documents), len(sets.Associations))
	}
	got := v.kit.retrieveSet(t, reader, ids...)
	if !slices.Equal(got.ids, want) {
		t.Errorf("%s: ITI-43 gives %v", d.face, got.ids)
	}
	for _, e := range d.lot.Documents {
		reference, binary := v.kit.readReference(t, reader, e.EntryUUID), v.kit.readBinary(t, reader, e.EntryUUID)
		if (len(reference.ids) == 1) != stored || (binary.code == "") != stored {
			t.Errorf("%s: stored: %v; DocumentReference %v, Binary %q", d.face, stored, reference.ids, binary.code)
		}
		if sent := string(d.content[e.EntryUUID]); stored && (string(got.contents[e.UniqueID]) != sent || string(binary.content) != sent) {
			t.Errorf("%s: other bytes: %d sent, %d by ITI-43, %d by ITI-68", d.face, len(sent), len(got.contents[e.UniqueID]), len(binary.content))
		}
	}
	v.superseded(t, reader, d, stored)
	return stored
}

// superseded: the document that a submission replaces is deprecated with it.
func (v *victim) superseded(t *testing.T, reader *kitBearer, d *delivery, stored bool) {
	t.Helper()
	if d.replaces == nil {
		return
	}
	want := map[bool]xds.Status{true: xds.Deprecated, false: xds.Approved}[stored]
	former := v.kit.getDocuments(t, reader, d.replaces.lot.Documents[0].UniqueID)
	if len(former.entries) != 1 || former.entries[0].AvailabilityStatus != want {
		t.Errorf("%s: stored: %v; the document that it replaces: %+v", d.face, stored, former.entries)
	}
}

// contents is GetSubmissionSetAndContents.
func (v *victim) contents(t *testing.T, reader *kitBearer, d *delivery) ebrim.QueryResponse {
	t.Helper()
	body := ebrim.AppendQuery(nil, ebrim.QueryRequest{ID: ebrim.Lookup("GetSubmissionSetAndContents").UUID, ReturnType: ebrim.LeafClass,
		Params: []ebrim.QueryParam{{Name: "$XDSSubmissionSetUniqueId", Values: []string{d.lot.Set.UniqueID}}}})
	reply, fault, _ := v.kit.post(t, reader, kitQuery, body)
	if fault != nil {
		t.Fatal(fault)
	}
	answer, findings := ebrim.DecodeQueryResponse(reply.Body)
	if err := findings.Err(); err != nil {
		t.Fatal(err)
	}
	return answer
}

// retry sends the very same submission again: it is stored, or its sender learns
// that it was, and either way it is there once.
func (v *victim) retry(t *testing.T, d *delivery, stored bool) {
	t.Helper()
	again := d.send(t, v.kit, v.sender(t))
	switch {
	case !stored && !again.acknowledged:
		t.Errorf("%s sent again: %s", d.face, again.text)
	case stored && (!again.refused || !strings.Contains(again.text, "REG-002") || !strings.Contains(again.text, "rien à renvoyer")):
		t.Errorf("%s was stored, and sent again: %+v", d.face, again)
	}
	if !v.whole(t, d) {
		t.Errorf("%s sent again is not there", d.face)
	}
}

// traced: each submission that is there has one line of the history, and a line
// tells of no other (I-5).
func (v *victim) traced(t *testing.T, all []*delivery) {
	t.Helper()
	lines := v.deposits(t)
	for _, d := range all {
		n := 0
		for _, e := range d.lot.Documents {
			n += lines[e.EntryUUID]
		}
		if stored := len(v.contents(t, v.holder(), d).Sets) == 1; n != number(stored) {
			t.Errorf("%s: stored: %v, lines of the history: %d", d.face, stored, n)
		}
	}
}

// swept: beside what is left over the two stores agree, and fsck takes that away.
func (v *victim) swept(t *testing.T) {
	t.Helper()
	fsck := func(more ...string) (string, error) {
		out, err := exec.Command(v.binary, append([]string{"fsck", "--data", v.data, "--older-than", "0s"}, more...)...).CombinedOutput()
		return string(out), err
	}
	found, err := fsck()
	if err == nil || !strings.Contains(found, "intent-stale") {
		t.Errorf("crashes left nothing to sweep: %v\n%s", err, found)
	}
	for line := range strings.Lines(found) {
		if kind := strings.Fields(line)[0]; strings.Contains(kind, "-") && kind != "intent-stale" && kind != "blob-orphan" {
			t.Errorf("fsck: %s", line)
		}
	}
	if out, err := fsck("--repair"); err != nil {
		t.Errorf("fsck --repair: %v\n%s", err, out)
	}
	if out, err := fsck(); err != nil {
		t.Errorf("fsck after a repair: %v\n%s", err, out)
	}
}

// storms kills at a random crash point or at a random instant, now and then
// PostgreSQL as well, under eight senders: 50 times with PASSERELLE_LONG=1, else twice.
// PASSERELLE_SEED repeats a storm.
func (v *victim) storms(t *testing.T) (all []*delivery) {
	rounds := 2
	if v.long {
		rounds = 50
	}
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv("PASSERELLE_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("PASSERELLE_SEED=%d", seed)
	draw := rand.New(rand.NewPCG(seed, 0))
	for round := range rounds {
		s := drawStorm(draw)
		t.Run(fmt.Sprintf("storm %d %s", round+1, s), func(t *testing.T) {
			v.start(t, s.point)
			sent := v.push(t, s)
			v.start(t, "")
			for _, d := range sent {
				v.keeps(t, d)
			}
			d := sent[draw.IntN(len(sent))] // one of the senders tries again
			v.retry(t, d, v.whole(t, d))
			all = append(all, sent...)
			v.kill(t)
		})
	}
	return all
}

// storm is how one round goes.
type storm struct {
	point    string        // "": killed at an instant
	answers  int           // after so many acknowledgements, and
	after    time.Duration // so long after that one
	database bool          // PostgreSQL is killed too, before it can shut down
}

func (s storm) String() string {
	text := s.point
	if text == "" {
		text = fmt.Sprintf("%d answers %v", s.answers, s.after)
	}
	if s.database {
		text += " and PostgreSQL"
	}
	return text
}

func drawStorm(draw *rand.Rand) storm {
	s := storm{answers: draw.IntN(12), after: time.Duration(draw.IntN(200)) * time.Millisecond, database: draw.IntN(3) == 0}
	if draw.IntN(2) == 0 {
		points, side := failpoint.All(), []string{"before", "after"}[draw.IntN(2)]
		s.point = fmt.Sprintf("%s:%s:%d", points[draw.IntN(len(points))], side, 1+draw.IntN(12))
		s.answers = 24 // by then every point was met so often
	}
	return s
}

// pushers is how many send at once, each one submission after the other.
const pushers = 8

// push sends until the process is dead; each sender's next submission replaces a
// document of its former one.
func (v *victim) push(t *testing.T, s storm) (sent []*delivery) {
	t.Helper()
	b, database := v.sender(t), v.postmaster(t)
	cut := func() { time.AfterFunc(s.after, func() { _ = v.process.Process.Kill() }) }
	if s.answers == 0 {
		cut()
	}
	var mutex sync.Mutex
	answers := 0
	acknowledged := func() {
		mutex.Lock()
		defer mutex.Unlock()
		if answers++; answers == s.answers {
			cut()
		}
	}
	var clients sync.WaitGroup
	for i := range pushers {
		face := []string{"ITI-41", "ITI-65"}[i%2]
		clients.Go(func() {
			var former *delivery
			for alive := true; alive; {
				d := v.prepare(t, face, former)
				mutex.Lock()
				sent = append(sent, d)
				mutex.Unlock()
				d.receipt = d.send(t, v.kit, b)
				if former, alive = d, d.receipt.acknowledged; alive {
					acknowledged()
				}
			}
		})
	}
	<-v.ended
	if s.database {
		_ = database.Kill()
	}
	clients.Wait()
	return sent
}
