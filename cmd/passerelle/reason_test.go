package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"
)

// answer is what pgx gives of an answer of PostgreSQL.
type answer string

func (a answer) Error() string    { return "FATAL: no (SQLSTATE " + string(a) + ")" }
func (a answer) SQLState() string { return string(a) }

// The cause is told in French, the detail after it.
func TestCauses(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for _, c := range []struct {
		err            error
		reason, french string
	}{
		{&fs.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}, "permission refusée", "permission refusée : open /x: permission denied"},
		{&fs.PathError{Op: "open", Path: "/x", Err: syscall.ENOENT}, "fichier ou dossier introuvable", "fichier ou dossier introuvable : open /x: no such file or directory"},
		{fmt.Errorf("connexion PostgreSQL | PostgreSQL connection: %w", refused), "connexion refusée", "connexion PostgreSQL : connexion refusée : dial tcp: connect: connection refused"},
		{fmt.Errorf("connexion PostgreSQL | PostgreSQL connection: a\n\tb: %w", answer("28P01")), "authentification refusée", "connexion PostgreSQL : authentification refusée : a b: FATAL: no (SQLSTATE 28P01)"},
		{answer("42501"), "droit manquant", "droit manquant : FATAL: no (SQLSTATE 42501)"},
		{answer("XX000"), "FATAL: no (SQLSTATE XX000)", "FATAL: no (SQLSTATE XX000)"},
		{&net.DNSError{Err: "no such host", Name: "db"}, "nom d'hôte introuvable", "nom d'hôte introuvable : lookup db: no such host"},
		{context.DeadlineExceeded, "pas de réponse à temps", "pas de réponse à temps : context deadline exceeded"},
		{errors.New("DSN illisible | unreadable DSN"), "DSN illisible | unreadable DSN", "DSN illisible"},
	} {
		if got := reason(c.err); got != c.reason {
			t.Errorf("reason %v: %q", c.err, got)
		}
		if got := french(c.err); got != c.french {
			t.Errorf("french %v: %q", c.err, got)
		}
	}
}
