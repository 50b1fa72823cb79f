// Package vault keeps the keys of the records: one file for each epoch of a record that
// holds documents, its key wrapped by the master key of the installation. Destroying the
// file is the deletion of the epoch's documents for good (policy §1.5 erase, S3 "les
// informations ne peuvent être récupérées"; safety §6): of the blobs, of their copies
// and of their back-ups.
//
// The folder stands apart from the database and from the blobs, so that no back-up of
// those two holds a key. Gateways of one installation share it; its file system must
// have hard links that fail when the name is taken, and an fsync that is honest, as
// NFSv4 and cluster file systems do. A folder that is merely copied to and fro is none:
// two gateways would make two keys of one record.
//
// Nothing is held in memory from one request to the next: a key that is destroyed is
// so for all gateways at once. This package must never put a key, or the master key,
// into an error.
package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
)

// What can be wrong, for errors.Is.
var (
	ErrNone      = errors.New("no key of this epoch")
	ErrDestroyed = errors.New("key destroyed")
	ErrCorrupt   = errors.New("key file corrupt")
	ErrMaster    = errors.New("another master key")
	ErrNoVault   = errors.New("no vault in this folder")
)

// Key is the key of one epoch of a record. No text shows it.
type Key struct{ b [32]byte }

// Format implements fmt.Formatter.
func (Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, "key") }

// Derive makes a key for one purpose out of the epoch's.
func (k Key) Derive(salt []byte, purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, k.b[:], salt, purpose, len(k.b))
}

// Fingerprint names a key without telling it.
func (k Key) Fingerprint() string {
	sum := sha256.Sum256(append([]byte("passerelle key fingerprint\x00"), k.b[:]...))
	return hex.EncodeToString(sum[:16])
}

// Vault is a folder of keys. It is safe for concurrent use, and for that of several
// processes.
type Vault struct {
	dir    string
	master [32]byte
}

// marker is the file that makes a folder a vault, and says which master key it has: an
// empty mount point must not become one.
const marker = "passerelle-vault"

// Master makes the master key of what a secret file holds, at least 32 bytes.
func Master(secret []byte) [32]byte {
	return sha256.Sum256(append([]byte("passerelle master key\x00"), secret...))
}

// Create makes a folder a vault, or opens the one that is there.
func Create(dir string, master [32]byte) (*Vault, error) {
	v := &Vault{dir, master}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	if err := v.create(filepath.Join(dir, marker), v.mark()); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return Open(dir, master)
}

// Open opens a vault: ErrNoVault when the folder is none, ErrMaster when its keys are
// wrapped by another master key.
func Open(dir string, master [32]byte) (*Vault, error) {
	v := &Vault{dir, master}
	if err := v.Check(context.Background()); err != nil {
		return nil, err
	}
	return v, nil
}

// Check tells whether the vault is there and its master key the right one.
func (v *Vault) Check(context.Context) error {
	got, err := os.ReadFile(filepath.Join(v.dir, marker))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("vault: %w: %w", xds.ErrUnavailable, ErrNoVault)
	case err != nil:
		return fmt.Errorf("vault: %w: %w", xds.ErrUnavailable, err)
	case string(got) != string(v.mark()):
		return fmt.Errorf("vault: %w", ErrMaster)
	}
	return nil
}

// Probe writes a file as a key is written, and destroys it: for the command line.
func (v *Vault) Probe() error {
	name := filepath.Join(v.dir, "probe-"+rand.Text())
	if err := v.create(name, []byte("probe")); err != nil {
		return err
	}
	return obliterate(name)
}

// mark is the content of the marker.
func (v *Vault) mark() []byte { return append(v.masterID(), '\n') }

func (v *Vault) masterID() []byte {
	sum := sha256.Sum256(append([]byte("passerelle master fingerprint\x00"), v.master[:]...))
	return []byte(hex.EncodeToString(sum[:8]))
}

// A key file: magic 8 bytes "PASRKEY1", master id 16, nonce 12, wrapped key 32 and its tag 16.
const (
	magic    = "PASRKEY1"
	fileSize = 8 + 16 + 12 + 32 + 16
)

var recordGrammar = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,47}$`)

// path is where the key of an epoch is: two levels of 256 folders by the record, so that
// a population of records does not fill one folder.
func (v *Vault) path(record string, epoch int) (string, error) {
	if !recordGrammar.MatchString(record) || epoch < 1 {
		return "", fmt.Errorf("vault: %w: not a record's epoch", ErrNone)
	}
	sum := sha256.Sum256([]byte(record))
	shelf := hex.EncodeToString(sum[:2])
	return filepath.Join(v.dir, shelf[:2], shelf[2:], record+"."+strconv.Itoa(epoch)), nil
}

// Key is the key of an epoch: ErrNone when there is none, destroyed or never made.
func (v *Vault) Key(record string, epoch int) (Key, error) {
	path, err := v.path(record, epoch)
	if err != nil {
		return Key{}, err
	}
	return v.read(path)
}

func (v *Vault) read(path string) (Key, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := v.Check(context.Background()); err != nil { // the folder itself has gone
			return Key{}, err
		}
		return Key{}, fmt.Errorf("vault: %w", ErrNone)
	}
	if err != nil {
		return Key{}, fmt.Errorf("vault: %w: %w", xds.ErrUnavailable, err)
	}
	k, err := v.unwrap(filepath.Base(path), raw)
	if err != nil {
		return Key{}, fmt.Errorf("vault: %s: %w", filepath.Base(path), err)
	}
	return k, nil
}

// Make is the key of an epoch, made and durable when there was none. An epoch whose key
// was destroyed gets no other: ErrDestroyed.
func (v *Vault) Make(record string, epoch int) (Key, error) {
	path, err := v.path(record, epoch)
	if err != nil {
		return Key{}, err
	}
	if k, err := v.read(path); !errors.Is(err, ErrNone) {
		return k, err
	}
	if _, gone, err := readTombstone(path); gone || err != nil {
		return Key{}, destroyed(err)
	}
	var k Key
	rand.Read(k.b[:]) // never fails
	wrapped, err := v.wrap(filepath.Base(path), k)
	if err != nil {
		return Key{}, fmt.Errorf("vault: %w", err)
	}
	if err := v.shelve(path); err != nil {
		return Key{}, fmt.Errorf("vault: %w: %w", xds.ErrUnavailable, err)
	}
	switch err := v.create(path, wrapped); {
	case errors.Is(err, fs.ErrExist): // another gateway was first
		return v.read(path)
	case err != nil:
		return Key{}, fmt.Errorf("vault: %w: %w", xds.ErrUnavailable, err)
	}
	if _, gone, err := readTombstone(path); gone || err != nil { // destroyed meanwhile
		return Key{}, destroyed(errors.Join(err, obliterate(path)))
	}
	return k, nil
}

func destroyed(err error) error {
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	return fmt.Errorf("vault: %w", ErrDestroyed)
}

// wrapping is the cipher of one key file: its name is in the key, so that a file that
// was renamed does not open.
func (v *Vault) wrapping(name string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, v.master[:], nil, "passerelle key file "+name, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (v *Vault) wrap(name string, k Key) ([]byte, error) {
	aead, err := v.wrapping(name)
	if err != nil {
		return nil, err
	}
	file := append(append(make([]byte, 0, fileSize), magic...), v.masterID()...)
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce)
	file = append(file, nonce...)
	return aead.Seal(file, nonce, k.b[:], []byte(magic)), nil
}

func (v *Vault) unwrap(name string, file []byte) (Key, error) {
	switch {
	case len(file) != fileSize || string(file[:8]) != magic:
		return Key{}, ErrCorrupt
	case string(file[8:24]) != string(v.masterID()):
		return Key{}, ErrMaster
	}
	aead, err := v.wrapping(name)
	if err != nil {
		return Key{}, err
	}
	clear, err := aead.Open(nil, file[24:36], file[36:], []byte(magic))
	if err != nil {
		return Key{}, ErrCorrupt
	}
	return Key{[32]byte(clear)}, nil
}
