package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/config"
	"github.com/passerelle-sante/passerelle/registry/postgres"
	"github.com/passerelle-sante/passerelle/repository/vault"
	"github.com/passerelle-sante/passerelle/xds"
)

type doctorCommand struct {
	configured
}

// Help holds the examples.
func (doctorCommand) Help() string {
	return `passerelle doctor -c conf
passerelle doctor -c /etc/passerelle/passerelle.toml -o json`
}

// What a check says.
const (
	verdictOK   = "OK"
	verdictWarn = "WARN"
	verdictFail = "FAIL"
)

// Bounds of what doctor finds good enough.
const (
	maxSkew     = 2 * time.Second // between this clock and that of the database
	minPostgres = 14_00_00
	askLimit    = 10 * time.Second // of one check
)

// checkup is one line of the examination.
type checkup struct {
	Check   string `json:"check"`
	Verdict string `json:"verdict"`
	Text    string `json:"text"`
	Mend    string `json:"mend,omitempty"` // the command or the change that mends it
}

// examination collects the lines.
type examination struct {
	ctx   context.Context
	path  string // of the configuration, as it was given
	lines []checkup
}

func (x *examination) ok(check, format string, args ...any) {
	x.lines = append(x.lines, checkup{Check: check, Verdict: verdictOK, Text: fmt.Sprintf(format, args...)})
}

func (x *examination) warn(check, mend, format string, args ...any) {
	x.lines = append(x.lines, checkup{Check: check, Verdict: verdictWarn, Text: fmt.Sprintf(format, args...), Mend: mend})
}

func (x *examination) fail(check, mend, format string, args ...any) {
	x.lines = append(x.lines, checkup{Check: check, Verdict: verdictFail, Text: fmt.Sprintf(format, args...), Mend: mend})
}

// Run examines an installation. The database and the repository are asked for what
// serve would ask; the repository gets one probe blob, which is deleted.
func (c *doctorCommand) Run(ctx context.Context, p *program) error {
	x := &examination{ctx: ctx, path: c.Config}
	cfg, err := config.Load(c.path())
	findings, told := xds.FindingsOf(err)
	switch {
	case told:
		x.refused(findings)
	case err != nil:
		return environment("-c "+c.path()+" : "+reason(err), "passerelle init --prod DOSSIER")
	default:
		x.ok("configuration", "%s", c.path())
		x.ok("secrets", "%s, lisibles par leur propriétaire seul", plural(secrets(cfg), "fichier"))
		x.database(cfg)
		x.repository(cfg)
		x.keys(cfg)
		x.certificates(cfg, p.now())
		x.clients(cfg)
		x.revocation(cfg, p.now())
		x.audit(cfg)
		x.mail(cfg)
		x.scanner(cfg)
		x.signIn(cfg)
		x.ports(cfg)
	}
	return c.tell(p, x.lines)
}

// secrets counts the files that Load has found private.
func secrets(cfg *config.Config) int {
	n := 3 // cursor, master key, signature
	for _, set := range []bool{cfg.Password.Set(), cfg.AccessKey.Set(), cfg.SecretKey.Set(), cfg.Certificate != nil, cfg.SOAPIdentity != nil,
		cfg.Post != nil && cfg.Post.Password != "", cfg.Phones != nil && cfg.Phones.Token != "", cfg.PSC != nil, cfg.FranceConnect != nil} {
		if set {
			n++
		}
	}
	return n
}

// refused are the findings of a configuration: nothing else can be examined.
func (x *examination) refused(findings xds.Errors) {
	for _, e := range findings {
		text := e.Problem().French + " : " + e.Where
		if e.Line > 0 {
			text = fmt.Sprintf("ligne %d, %s", e.Line, text)
		}
		if e.Found != "" {
			text += " ; trouvé : " + xds.Shorten(e.Found)
		}
		mend := "attendu : " + e.Expected
		if len(e.Nearest) > 0 {
			mend = "peut-être : " + strings.Join(e.Nearest, ", ")
		}
		if e.Hint != "" {
			mend += " ; " + e.Hint
		}
		x.fail("configuration", mend, "%s", text)
	}
	x.warn("suite", "passerelle doctor -c "+x.path, "base, entrepôt, certificats et ports seront examinés une fois la configuration corrigée")
}

// database asks the server for its version, the schema, the role and the clock.
func (x *examination) database(cfg *config.Config) {
	ctx, cancel := context.WithTimeout(x.ctx, askLimit)
	defer cancel()
	pool, err := openDatabase(ctx, cfg)
	if err != nil {
		x.fail("base", "vérifier database.dsn et password_file, puis : psql \""+cfg.Database.DSN+"\"", "PostgreSQL ne répond pas : %s", french(err))
		return
	}
	defer pool.Close()
	role, err := postgres.Ask(ctx, pool)
	if err != nil {
		x.fail("base", "", "%s", french(err))
		return
	}
	if role.Version < minPostgres {
		x.fail("base", "installer PostgreSQL 14 ou plus récent", "PostgreSQL %d", role.Version/10_000)
	} else {
		x.ok("base", "PostgreSQL %d", role.Version/10_000)
	}
	if target, err := postgres.Inspect(cfg.Database.DSN); err == nil && !target.Local && !target.Verified {
		x.warn("base", "sslmode=verify-full dans database.dsn", "la connexion est chiffrée, mais le serveur n'est pas vérifié")
	}
	x.schema(ctx, pool, role, cfg.Database.MigrateAtStart)
	x.clock(ctx, pool)
}

func (x *examination) schema(ctx context.Context, pool *pgxpool.Pool, role postgres.Role, migrates bool) {
	schema, err := postgres.ReadSchema(ctx, pool)
	x.version(schema, err, migrates)
	x.role(schema, role)
}

// version judges the schema as serve would: migrates is migrate_at_start.
func (x *examination) version(schema postgres.Schema, err error, migrates bool) {
	var known *postgres.Error
	switch wrong := schema.Check(); {
	case err != nil:
		x.fail("schéma", "donner au rôle le droit de lire goose_db_version", "%s", french(err))
	case errors.Is(wrong, postgres.ErrOlder) && migrates:
		x.warn("schéma", "passerelle migrate -c "+x.path+" pour le faire avant", "version %d : serve le mettra à la version %d en démarrant (migrate_at_start)", schema.Current, schema.Newest)
	case errors.As(wrong, &known) && errors.Is(wrong, postgres.ErrOlder):
		x.fail("schéma", "passerelle migrate -c "+x.path, "%s", known.French)
	case errors.As(wrong, &known) && errors.Is(wrong, postgres.ErrEdited):
		x.fail("schéma", "createdb, une autre base dans database.dsn, passerelle migrate -c "+x.path, "%s", known.French)
	case errors.As(wrong, &known):
		x.fail("schéma", "installer une version plus récente de passerelle", "%s", known.French)
	default:
		x.ok("schéma", "version %d", schema.Current)
	}
}

func (x *examination) role(schema postgres.Schema, role postgres.Role) {
	switch {
	case role.ReadOnly:
		x.fail("rôle", "viser le serveur primaire : target_session_attrs=read-write dans database.dsn", "la base est en lecture seule")
	case schema.Current > 0 && !role.Writes:
		x.fail("rôle", "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO le rôle du service", "le rôle ne peut pas écrire dans l'historique")
	case role.Superuser:
		x.warn("rôle", "ALTER ROLE … NOSUPERUSER", "le rôle est superutilisateur : un rôle propriétaire de la base suffit")
	default:
		x.ok("rôle", "ni superutilisateur, ni en lecture seule")
	}
}

// clock compares this machine with the database: tokens and trail rows carry the
// one, ids and sweeps the other.
func (x *examination) clock(ctx context.Context, pool *pgxpool.Pool) {
	before := time.Now()
	theirs, err := postgres.Clock(ctx, pool)
	if err != nil {
		x.fail("horloge", "", "%s", french(err))
		return
	}
	trip := time.Since(before)
	skew := theirs.Sub(before.Add(trip / 2)).Abs()
	if skew > maxSkew+trip {
		x.fail("horloge", "timedatectl set-ntp true, sur les deux machines", "%s d'écart avec la base", skew.Round(time.Millisecond))
		return
	}
	x.ok("horloge", "%s d'écart avec la base", skew.Round(time.Millisecond))
}

func (x *examination) repository(cfg *config.Config) {
	ctx, cancel := context.WithTimeout(x.ctx, askLimit)
	defer cancel()
	place, mend := "dossier "+cfg.Repository.Directory, "donner le dossier à l'utilisateur du service, sur un volume monté"
	if cfg.Repository.Directory == "" {
		place = "S3 " + cfg.Repository.S3.Endpoint + ", compartiment " + cfg.Repository.S3.Bucket
		mend = "créer le compartiment, et donner aux clés s3:GetObject, PutObject, DeleteObject et ListBucket"
	}
	store, err := openBlobs(ctx, cfg)
	if err == nil {
		err = store.Check(ctx)
	}
	if err == nil {
		err = store.Probe(ctx)
	}
	if err != nil {
		x.fail("entrepôt", mend, "%s : %s", place, french(err))
		return
	}
	x.ok("entrepôt", "%s : écriture, lecture et retrait d'un objet d'essai", place)
}

// keys opens the vault, and asks whether it stands apart from the documents.
func (x *examination) keys(cfg *config.Config) {
	dir := cfg.VaultDirectory()
	v, err := vault.Open(dir, cfg.Master)
	switch {
	case errors.Is(err, vault.ErrNoVault):
		x.fail("clés", "monter le volume ; à l'installation, une seule fois : passerelle keys init -c "+x.path, "%s n'est pas un dossier de clés", dir)
		return
	case errors.Is(err, vault.ErrMaster):
		x.fail("clés", "remettre dans keys.master_file la clé maîtresse de ce dossier", "%s : une autre clé maîtresse", dir)
		return
	case err != nil:
		x.fail("clés", "donner le dossier à l'utilisateur du service", "%s : %s", dir, french(err))
		return
	}
	if err := v.Probe(); err != nil {
		x.fail("clés", "donner le dossier à l'utilisateur du service, sur un système de fichiers qui a des liens physiques", "%s : %s", dir, french(err))
		return
	}
	x.ok("clés", "%s : clé maîtresse reconnue, écriture et destruction d'un fichier d'essai", dir)
	if blobs := cfg.Repository.Directory; blobs != "" {
		if !filepath.IsAbs(blobs) {
			blobs = filepath.Join(filepath.Dir(cfg.Path), blobs)
		}
		if same, err := sameVolume(dir, blobs); err == nil && same {
			x.warn("clés", "un autre volume pour keys.directory, sauvegardé à part (docs/exploitation.md)", "clés et documents sont sur un même volume : ses sauvegardes défont les suppressions définitives")
		}
	}
}

// sameVolume tells whether two folders are on one file system.
func sameVolume(a, b string) (bool, error) {
	var one, other syscall.Stat_t
	if err := errors.Join(syscall.Stat(a, &one), syscall.Stat(b, &other)); err != nil {
		return false, err
	}
	return one.Dev == other.Dev, nil
}

// audit connects to the audit repository; nothing is sent.
func (x *examination) audit(cfg *config.Config) {
	sink := cfg.Audit
	switch {
	case sink == nil:
		x.ok("audit", "aucun dépôt d'audit (atna.address)")
		return
	case sink.Network == "udp":
		x.warn("audit", "tls:// dans atna.address", "%s : rien ne dit si un message en UDP est arrivé", config.Endpoint(sink))
		return
	}
	ctx, cancel := context.WithTimeout(x.ctx, askLimit)
	defer cancel()
	conn, err := sink.Dial(ctx)
	if err != nil {
		x.fail("audit", "vérifier atna.address, ca_file et certificate ; ce qui attend sera envoyé ensuite", "%s ne répond pas : %s", config.Endpoint(sink), french(err))
		return
	}
	defer conn.Close()
	x.ok("audit", "%s répond, %s", config.Endpoint(sink), tls.VersionName(conn.ConnectionState().Version))
}

// scanner asks the virus scanner whether it is there.
func (x *examination) scanner(cfg *config.Config) {
	if cfg.Scanner == nil {
		x.warn("antivirus", "remplir [scan]", "aucun (scan.clamd, scan.command) : les fichiers que les personnes ajoutent ne sont pas analysés")
		return
	}
	if err := cfg.Scanner.Probe(x.ctx); err != nil {
		x.fail("antivirus", "démarrer l'antivirus, ou vérifier [scan] ; en attendant, les ajouts sont refusés", "ne répond pas : %s", french(err))
		return
	}
	x.ok("antivirus", "répond ; un fichier infecté, ou non analysé, est refusé")
}

// mail connects to the mail server as serve would; nothing is sent. The gateway to
// telephones has no question that costs nothing.
func (x *examination) mail(cfg *config.Config) {
	if cfg.Post == nil {
		x.warn("courriel", "remplir [mail]", "aucun serveur de messagerie (mail.server) : ni code de connexion, ni notification, ni avis ne part")
		return
	}
	ctx, cancel := context.WithTimeout(x.ctx, askLimit)
	defer cancel()
	at := cfg.Mail.Server
	if err := cfg.Post.Probe(ctx); err != nil {
		x.fail("courriel", "vérifier mail.server, tls, ca_file, user et password_file ; ce qui attend sera envoyé ensuite", "%s ne prend pas de message : %s", at, french(err))
		return
	}
	how := "en TLS"
	if cfg.Post.TLS == nil {
		how = "en clair, sur cette machine"
	}
	x.ok("courriel", "%s répond, %s", at, how)
	if cfg.Phones == nil {
		x.ok("sms", "aucune passerelle SMS (sms.url) : les codes partent par courriel")
	}
}

// ports tries to listen where serve would. An address that is taken may be the
// gateway itself.
func (x *examination) ports(cfg *config.Config) {
	addresses := slices.Concat(cfg.HTTP.Listen, cfg.SOAP.Listen)
	if cfg.Metrics.Listen != "" {
		addresses = append(addresses, cfg.Metrics.Listen)
	}
	for _, address := range addresses {
		l, err := (&net.ListenConfig{}).Listen(x.ctx, "tcp", address)
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			x.warn("port", "ss -ltnp", "%s est pris, peut-être par la passerelle elle-même", address)
		case err != nil:
			x.fail("port", "une adresse de cette machine, un port permis à l'utilisateur du service", "%s : %s", address, reason(err))
		default:
			l.Close()
			x.ok("port", "%s est libre", address)
		}
	}
}

// tell prints the lines; one FAIL is enough for exit code 1.
func (c *doctorCommand) tell(p *program, lines []checkup) error {
	failed := 0
	for _, line := range lines {
		if line.Verdict == verdictFail {
			failed++
		}
	}
	if p.json {
		p.writeJSON(map[string]any{"checks": lines, "failed": failed})
	} else {
		for _, line := range lines {
			colour := map[string]string{verdictOK: green, verdictWarn: yellow, verdictFail: red}[line.Verdict]
			text := p.paint(colour, fmt.Sprintf("%-4s", line.Verdict)) + "  " + line.Check + " : " + line.Text
			if line.Mend != "" {
				text += " → " + line.Mend
			}
			fmt.Fprintln(p.stdout, text)
		}
	}
	if failed == 0 {
		return nil
	}
	return failure{exit: exitFindings, text: plural(failed, "défaut"), told: true}
}
