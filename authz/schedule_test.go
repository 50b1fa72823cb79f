package authz_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// versioned is a gate's policy under another name of the matrix, that opens nothing.
func versioned(p authz.Policy, matrix string) *authz.Policy {
	p.MatrixVersion = matrix
	p.Types = func(authz.Subject) authz.TypeSet { return authz.TypeSet{} }
	return &p
}

func TestScheduleAt(t *testing.T) {
	policy := *newGate(t).Policy.At(noon)
	first, second, third := versioned(policy, "first"), versioned(policy, "second"), versioned(policy, "third")
	s := authz.NewSchedule(first)
	if s.At(time.Time{}) != first || s.At(noon) != first {
		t.Error("the first one is not that of all time")
	}
	if err := s.Replace([]authz.Dated{{From: noon, Policy: second}, {From: noon.Add(time.Hour), Policy: third}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   time.Time
		want *authz.Policy
	}{
		{time.Time{}, first}, {noon.Add(-1), first}, {noon, second}, {noon.Add(time.Hour - 1), second}, {noon.Add(time.Hour), third}, {noon.AddDate(50, 0, 0), third},
		{noon.In(time.FixedZone("", 7200)), second},
	} {
		if got := s.At(c.at); got != c.want {
			t.Errorf("%v: %s, want %s", c.at, got.MatrixVersion, c.want.MatrixVersion)
		}
	}
	for name, later := range map[string][]authz.Dated{
		"no policy":    {{From: noon}},
		"no date":      {{Policy: second}},
		"equal dates":  {{From: noon, Policy: second}, {From: noon, Policy: third}},
		"out of order": {{From: noon.Add(1), Policy: second}, {From: noon, Policy: third}},
	} {
		if err := s.Replace(later); !errors.Is(err, authz.ErrUnordered) || s.At(noon) != second {
			t.Errorf("%s: %v", name, err)
		}
	}
	list := []authz.Dated{{From: noon, Policy: third}}
	if err := s.Replace(list); err != nil {
		t.Fatal(err)
	}
	if list[0].Policy = first; s.At(noon) != third {
		t.Error("the schedule shares its list")
	}
	if err := s.Replace(nil); err != nil || s.At(noon) != first {
		t.Errorf("an empty list: %v", err)
	}
}

// A list is replaced whole: whoever reads meanwhile sees one or the other.
func TestScheduleIsReplacedWhole(t *testing.T) {
	policy := *newGate(t).Policy.At(noon)
	a, b := versioned(policy, "a"), versioned(policy, "b")
	s := authz.NewSchedule(a)
	lists := [][]authz.Dated{{{From: noon, Policy: a}, {From: noon.Add(1), Policy: a}}, {{From: noon, Policy: b}, {From: noon.Add(1), Policy: b}}}
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if p := s.At(noon.Add(time.Hour)); p != a && p != b {
					t.Error("neither")
				}
			}
		})
	}
	for i := range 2000 {
		if err := s.Replace(lists[i%2]); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	readers.Wait()
}

// switching is a session during which another version takes effect: by its date, and
// by a new list.
type switching struct {
	*session
	between func()
}

func (s switching) Facts(ctx context.Context, sub authz.Subject, patient xds.CX) (authz.Facts, error) {
	f, err := s.session.Facts(ctx, sub, patient)
	s.between()
	return f, err
}

// A request has one policy, from its facts to its last decision, even when another
// one takes effect in its midst; the next request has the other one.
func TestOneRequestOnePolicy(t *testing.T) {
	g := newGate(t)
	first := g.Policy.At(noon)
	second := versioned(*first, "second")
	for _, name := range []string{"by its date", "by a new list"} {
		now := noon
		schedule := authz.NewSchedule(first)
		g.Policy, g.Now = schedule, func() time.Time { return now }
		if name == "by its date" {
			if err := schedule.Replace([]authz.Dated{{From: noon.Add(time.Minute), Policy: second}}); err != nil {
				t.Fatal(err)
			}
		}
		s := switching{newSession(nil), func() {
			now = noon.Add(time.Minute)
			if err := schedule.Replace([]authz.Dated{{From: noon, Policy: second}}); err != nil {
				t.Error(err)
			}
		}}
		scopes, err := g.OpenByID(t.Context(), s, doctor(), []xds.CX{alice, bruno}, authz.Purpose{Action: authz.Retrieve})
		if err != nil || len(scopes) != 2 {
			t.Fatal(err, len(scopes))
		}
		if _, err := g.Open(t.Context(), s, doctor(), alice, authz.Purpose{Action: authz.Retrieve}); err != nil {
			t.Fatal(err)
		}
		var decided []string
		for _, trace := range s.traces {
			decided = append(decided, trace.Matrix)
		}
		if want := []string{first.MatrixVersion, first.MatrixVersion, "second"}; !slices.Equal(decided, want) {
			t.Errorf("%s: decided by %q, want %q", name, decided, want)
		}
		for i, sc := range scopes {
			if len(sc.Predicate().Types().Allowed) == 0 {
				t.Errorf("%s: scope %d has the types of the other version", name, i)
			}
		}
	}
}

// Foresee tells the predicate of a reading, and that a door is closed.
func TestForesee(t *testing.T) {
	g := newGate(t)
	p, open := g.Foresee(openRecord(alice), doctor(), noon)
	sc, err := g.Open(t.Context(), newSession(nil), doctor(), alice, authz.Purpose{Action: authz.Retrieve})
	if err != nil || !open || len(p.Permits()) == 0 || len(p.Permits()) != len(sc.Predicate().Permits()) {
		t.Errorf("%v, %v (%v)", open, p.Permits(), err)
	}
	for name, change := range map[string]func(*authz.Facts){
		"blocked": func(f *authz.Facts) { f.Blocked = true },
		"no link": func(f *authz.Facts) { f.Link = authz.NoLink },
		"closed":  func(f *authz.Facts) { f.Profile = authz.ProfileClosed },
		"opposed": func(f *authz.Facts) { f.Profile = authz.ProfileOpposed },
	} {
		f := openRecord(alice)
		change(&f)
		if p, open := g.Foresee(f, doctor(), noon); open || len(p.Permits()) > 0 {
			t.Errorf("%s: %v", name, p.Permits())
		}
	}
}
