package config

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// maxFile bounds a file that the configuration names, in bytes.
const maxFile = 1 << 20

// Secret is a text that shows itself to nobody but who asks by Reveal: no format,
// log or JSON prints it (safety §5).
type Secret struct{ text string }

const redacted = "[redacted]"

// Reveal is the text.
func (s Secret) Reveal() string { return s.text }

// Set tells whether there is one.
func (s Secret) Set() bool { return s.text != "" }

// Format implements fmt.Formatter.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements encoding.TextMarshaler, which encoding/json asks.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// secret reads a secret's file: of ours alone, mode 0400 or 0600, in one line.
func (c *checker) secret(key, name string) Secret {
	raw := c.private(key, name)
	text := strings.TrimRight(string(raw), "\r\n")
	if raw != nil && (text == "" || strings.ContainsAny(text, "\r\n\x00")) {
		c.add(&xds.Error{ID: "CONF-005", Where: key, Found: "un fichier vide ou de plusieurs lignes", Expected: "le secret, seul, sur une ligne"})
		return Secret{}
	}
	return Secret{text}
}

// private reads a file that must be readable by its owner alone; nil when it has
// been refused.
func (c *checker) private(key, name string) []byte {
	raw, info := c.read(key, name)
	if info == nil {
		return nil
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		c.add(&xds.Error{ID: "CONF-008", Where: key, Found: fmt.Sprintf("%s, mode %04o", name, mode), Expected: "mode 0400 ou 0600",
			Hint: "chmod 0400 " + c.path(name)})
		return nil
	}
	return raw
}

// read reads a file that a key names; info is nil when it has been refused.
func (c *checker) read(key, name string) ([]byte, os.FileInfo) {
	f, err := os.Open(c.path(name))
	if err != nil {
		c.unreadable(key, name, err)
		return nil, nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		c.unreadable(key, name, err)
		return nil, nil
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		c.add(&xds.Error{ID: "CONF-007", Where: key, Found: name, Expected: "un fichier ordinaire de 1 Mio au plus"})
		return nil, nil
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		c.unreadable(key, name, err)
		return nil, nil
	}
	return raw, info
}

func (c *checker) unreadable(key, name string, err error) {
	found := name + " : illisible pour cet utilisateur"
	if os.IsNotExist(err) {
		found = name + " : absent"
	}
	c.add(&xds.Error{ID: "CONF-007", Where: key, Found: found, Expected: "un fichier lisible par l'utilisateur du service (chemin relatif au fichier de configuration)"})
}

// folder checks a folder that must be there: one that is made by itself would hide
// a volume that is not mounted.
func (c *checker) folder(key, name string) {
	info, err := os.Stat(c.path(name))
	switch {
	case err != nil:
		c.unreadable(key, name, err)
	case !info.IsDir():
		c.add(&xds.Error{ID: "CONF-007", Where: key, Found: name, Expected: "un dossier"})
	}
}
