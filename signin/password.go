package signin

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Cost is what one argon2id costs (RFC 9106 §3.1). It stands in every hash, so that it
// can be raised: a hash of another cost is replaced when its password is given next.
type Cost struct {
	Memory  uint32 // KiB
	Time    uint32
	Threads uint8
}

// DefaultCost is the second recommended choice of RFC 9106 §4, in one thread: a gateway
// has other work for the others.
var DefaultCost = Cost{Memory: 64 << 10, Time: 3, Threads: 1}

const (
	saltBytes = 16
	keyBytes  = 32
	// hashesAtOnce bounds the memory of a storm of sign-ins to 256 MiB.
	hashesAtOnce = 4
)

// Bounds of a password, in characters. There is no rule of composition: length is what
// resists, and rules make people write it down (CNIL recommendation of 2022, NIST SP 800-63B).
const (
	MinPassword = 12
	maxPassword = 128
)

//go:embed forbidden.txt
var forbiddenText string

// forbidden are passwords that everybody tries first, folded as fold does.
var forbidden = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for lines := bufio.NewScanner(strings.NewReader(forbiddenText)); lines.Scan(); {
		all[fold(lines.Text())] = true
	}
	return all
})

// Why a new password is refused.
var (
	ErrShort     = errors.New("signin: password too short")
	ErrLong      = errors.New("signin: password too long")
	ErrForbidden = errors.New("signin: password too common")
)

// CheckPassword judges a new password. One that everybody tries first is refused, also
// repeated or with digits behind it, and so is one that holds the identifier or is made of it.
func CheckPassword(password, identifier string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case n < MinPassword:
		return ErrShort
	case n > maxPassword || !utf8.ValidString(password):
		return ErrLong
	}
	folded := fold(password)
	if identifier = fold(identifier); len(identifier) >= 4 {
		folded = strings.ReplaceAll(folded, identifier, "")
	}
	if trivial(folded) {
		return ErrForbidden
	}
	return nil
}

// trivial tells whether a folded password is a common one, one of few letters, or a common
// one in disguise: repeated, or dressed with digits and signs.
func trivial(folded string) bool {
	letters := map[rune]bool{}
	for _, r := range folded {
		letters[r] = true
	}
	if len(letters) < 5 {
		return true
	}
	bare := strings.Trim(folded, "0123456789!?.*-_@#$ ")
	for _, candidate := range []string{folded, bare, period(folded), period(bare)} {
		if candidate == "" || forbidden()[candidate] {
			return true
		}
	}
	return false
}

// period is the text that a text repeats, itself when it repeats none.
func period(s string) string {
	if i := strings.Index((s + s)[min(1, len(s)):], s) + 1; i > 0 && i < len(s) {
		return s[:i]
	}
	return s
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// Passwords hashes and verifies. It is safe for concurrent use, and does no more than a
// few at a time.
type Passwords struct {
	cost   Cost
	places chan struct{}
	decoy  string
}

// NewPasswords makes a hasher of a cost.
func NewPasswords(c Cost) *Passwords {
	p := &Passwords{cost: c, places: make(chan struct{}, hashesAtOnce)}
	p.decoy = encode(c, random(saltBytes), random(keyBytes))
	return p
}

// Hash is a password as it is stored, in the PHC string format.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	salt := random(saltBytes)
	return encode(p.cost, salt, derive(p.cost, password, salt)), nil
}

// Verify compares a password with a stored hash. Where nothing is stored it does the same
// work for nothing, and says no. stale tells that the hash should be made anew.
func (p *Passwords) Verify(ctx context.Context, stored, password string) (ok, stale bool, err error) {
	if err := p.enter(ctx); err != nil {
		return false, false, err
	}
	defer p.leave()
	there := stored != ""
	if !there {
		stored = p.decoy
	}
	cost, salt, key, err := decode(stored)
	if err != nil {
		return false, false, err
	}
	if utf8.RuneCountInString(password) > maxPassword {
		password, there = "", false
	}
	same := subtle.ConstantTimeCompare(derive(cost, password, salt), key) == 1
	return same && there, cost != p.cost, nil
}

func (p *Passwords) enter(ctx context.Context) error {
	select {
	case p.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Passwords) leave() { <-p.places }

func derive(c Cost, password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, c.Time, c.Memory, c.Threads, keyBytes)
}

var b64 = base64.RawStdEncoding.Strict()

func encode(c Cost, salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Time, c.Threads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

var errHash = errors.New("signin: stored password unreadable")

// decode reads a PHC string. What a database might have been made to hold must not cost
// more than a sane hash does.
func decode(stored string) (c Cost, salt, key []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errHash
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Time, &c.Threads); n != 3 || err != nil {
		return c, nil, nil, errHash
	}
	if c.Memory > 1<<20 || c.Time < 1 || c.Time > 32 || c.Threads < 1 || c.Threads > 16 {
		return c, nil, nil, errHash
	}
	if salt, err = b64.DecodeString(parts[4]); err != nil || len(salt) < 8 {
		return c, nil, nil, errHash
	}
	if key, err = b64.DecodeString(parts[5]); err != nil || len(key) != keyBytes {
		return c, nil, nil, errHash
	}
	return c, salt, key, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
