package main

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"strings"
	"syscall"
)

// reason is why the system refused, in one word of French when there is one: for a
// text that names the file or the address itself.
func reason(err error) string {
	if word := cause(err); word != "" {
		return word
	}
	var code syscall.Errno
	if errors.As(err, &code) {
		return code.Error()
	}
	return err.Error()
}

// french is an error on one line: the French half of a text in two languages, the
// word for its cause, then the detail as the system or the server gave it.
func french(err error) string {
	detail := strings.Join(strings.Fields(err.Error()), " ")
	var parts []string
	if before, after, ok := strings.Cut(detail, " | "); ok {
		parts = append(parts, before)
		_, detail, _ = strings.Cut(after, ": ")
	}
	if word := cause(err); word != "" {
		parts = append(parts, word)
	}
	if detail != "" {
		parts = append(parts, detail)
	}
	return strings.Join(parts, " : ")
}

// cause names the causes that an operator meets; "" is any other one.
func cause(err error) string {
	var server interface{ SQLState() string } // what pgx gives of an answer of the server
	if errors.As(err, &server) {
		return serverCauses[server.SQLState()]
	}
	for _, known := range systemCauses {
		if errors.Is(err, known.err) {
			return known.french
		}
	}
	var (
		unknown   *net.DNSError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &unknown):
		return "nom d'hôte introuvable"
	case errors.As(err, &authority), errors.As(err, &name), errors.As(err, &invalid):
		return "certificat du serveur refusé"
	}
	return ""
}

// serverCauses are by SQLSTATE (PostgreSQL, appendix A).
var serverCauses = map[string]string{
	"28P01": "authentification refusée",
	"28000": "authentification refusée",
	"3D000": "base inconnue du serveur",
	"42501": "droit manquant",
	"53300": "trop de connexions au serveur",
	"57P03": "le serveur démarre ou s'arrête",
}

var systemCauses = []struct {
	err    error
	french string
}{
	{fs.ErrPermission, "permission refusée"},
	{fs.ErrNotExist, "fichier ou dossier introuvable"},
	{syscall.ECONNREFUSED, "connexion refusée"},
	{syscall.ECONNRESET, "connexion coupée"},
	{syscall.EHOSTUNREACH, "machine injoignable"},
	{syscall.ENETUNREACH, "réseau injoignable"},
	{syscall.EADDRNOTAVAIL, "adresse d'une autre machine"},
	{syscall.ENOSPC, "plus de place sur le volume"},
	{syscall.EROFS, "volume en lecture seule"},
	{syscall.ENOTDIR, "ce n'est pas un dossier"},
	{syscall.EISDIR, "c'est un dossier"},
	{context.DeadlineExceeded, "pas de réponse à temps"},
}
