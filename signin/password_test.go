package signin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// cheap is a cost for tests of what does not depend on it.
var cheap = Cost{Memory: 64, Time: 1, Threads: 1}

func TestPassword(t *testing.T) {
	p := NewPasswords(cheap)
	stored, err := p.Hash(t.Context(), "la truite remonte le gave")
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("%q, %v", stored, err)
	}
	again, _ := p.Hash(t.Context(), "la truite remonte le gave")
	if again == stored {
		t.Error("two hashes of one password are equal: no salt")
	}
	for _, c := range []struct {
		stored, password string
		ok               bool
	}{
		{stored, "la truite remonte le gave", true},
		{again, "la truite remonte le gave", true},
		{stored, "La truite remonte le gave", false},
		{stored, "", false},
		{stored, strings.Repeat("a", 5000), false},
		{"", "la truite remonte le gave", false},
		{"", "", false},
	} {
		ok, stale, err := p.Verify(t.Context(), c.stored, c.password)
		if ok != c.ok || stale || err != nil {
			t.Errorf("%q: %v, stale %v, %v", c.password, ok, stale, err)
		}
	}
}

// A hash of another cost is verified by its own, and told to be made anew.
func TestPasswordRehash(t *testing.T) {
	old := NewPasswords(Cost{Memory: 32, Time: 1, Threads: 1})
	stored, _ := old.Hash(t.Context(), "la truite remonte le gave")
	ok, stale, err := NewPasswords(cheap).Verify(t.Context(), stored, "la truite remonte le gave")
	if !ok || !stale || err != nil {
		t.Errorf("%v, stale %v, %v", ok, stale, err)
	}
}

// What the database might have been made to hold opens nothing and costs nothing.
func TestPasswordUnreadable(t *testing.T) {
	p := NewPasswords(cheap)
	stored, _ := p.Hash(t.Context(), "la truite remonte le gave")
	for _, broken := range []string{
		"x", "$argon2i" + stored[9:], strings.Replace(stored, "v=19", "v=16", 1), strings.Replace(stored, "m=64", "m=99999999", 1),
		strings.Replace(stored, "t=1", "t=0", 1), strings.Replace(stored, "p=1", "p=0", 1), stored[:len(stored)-4], stored + "$",
	} {
		if ok, _, err := p.Verify(t.Context(), broken, "la truite remonte le gave"); ok || err == nil {
			t.Errorf("%q: %v, %v", broken, ok, err)
		}
	}
}

// Nobody's password costs what somebody's does: a wrong guess takes as long as one at an
// identifier that is not there.
func TestPasswordDecoy(t *testing.T) {
	p := NewPasswords(cheap)
	cost, salt, key, err := decode(p.decoy)
	if err != nil || cost != cheap || len(salt) != saltBytes || len(key) != keyBytes {
		t.Errorf("%+v, %d, %d, %v", cost, len(salt), len(key), err)
	}
	if ok, _, _ := p.Verify(t.Context(), "", ""); ok {
		t.Error("nobody is somebody")
	}
	slow := NewPasswords(Cost{Memory: 8 << 10, Time: 8, Threads: 1})
	stored, _ := slow.Hash(t.Context(), "la truite remonte le gave")
	took := map[string]time.Duration{}
	for name, stored := range map[string]string{"somebody": stored, "nobody": ""} {
		start := time.Now()
		_, _, _ = slow.Verify(t.Context(), stored, "une autre phrase")
		took[name] = time.Since(start)
	}
	if took["nobody"] < took["somebody"]/20 { // without the work it would be a thousandth
		t.Errorf("%v", took)
	}
}

// A client that has gone waits for no place, and nobody hashes more than a few at once.
func TestPasswordPlaces(t *testing.T) {
	p := NewPasswords(cheap)
	for range hashesAtOnce {
		p.places <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Hash(ctx, "la truite remonte le gave"); !errors.Is(err, context.Canceled) {
		t.Errorf("hash: %v", err)
	}
	if _, _, err := p.Verify(ctx, "", "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("verify: %v", err)
	}
}

func TestCheckPassword(t *testing.T) {
	for password, want := range map[string]error{
		"la truite remonte le gave":    nil,
		"zwtkvqhmndpa":                 nil,
		"Bâtiment-vert-7":              nil,
		"四月の雨が降る庭の猫と犬":                 nil,
		"court":                        ErrShort,
		"éééééééééé":                   ErrShort, // 20 bytes, 10 characters
		strings.Repeat("abcdefg ", 17): ErrLong,
		"la truite remonte \xff":       ErrLong,
		"aaaaaaaaaaaaaaa":              ErrForbidden,
		"121212121212":                 ErrForbidden,
		"motdepassemotdepasse":         ErrForbidden,
		"MotDePasse2026":               ErrForbidden,
		"azertyazerty":                 ErrForbidden,
		"Azerty123456!":                ErrForbidden,
		"passwordpassword":             ErrForbidden,
		"123456789012":                 ErrForbidden,
		"2026-11-22 !!!":               ErrForbidden,
		"mon espace santé":             ErrForbidden,
		"alice.garnier":                ErrForbidden,
		"alice.garnier2026":            ErrForbidden,
	} {
		if err := CheckPassword(password, "alice.garnier"); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%q: %v, want %v", password, err, want)
		}
	}
}

func BenchmarkPassword(b *testing.B) {
	p := NewPasswords(DefaultCost)
	for b.Loop() {
		if _, err := p.Hash(b.Context(), "la truite remonte le gave"); err != nil {
			b.Fatal(err)
		}
	}
}
