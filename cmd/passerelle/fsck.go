package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/registry"
)

type fsckCommand struct {
	storesTarget
	Quick     bool          `help:"Présence et taille des documents seulement : leurs octets ne sont pas lus."`
	Repair    bool          `help:"Supprimer les blobs orphelins, les intentions périmées et les clés détruites qu'une restauration a ramenées ; les métadonnées ne changent jamais."`
	OlderThan time.Duration `name:"older-than" default:"24h" placeholder:"DURÉE" help:"Âge d'un orphelin ou d'une intention périmée (${default}) ; plus jeunes, ils sont peut-être d'un dépôt en cours."`
}

// Help holds the examples.
func (fsckCommand) Help() string {
	return `passerelle fsck
passerelle fsck --data /tmp/passerelle --quick -o json
passerelle fsck -c /etc/passerelle/passerelle.toml --repair --older-than 48h`
}

// fsckWords are what an operator reads of a fault, and what he can do.
var fsckWords = map[registry.Fault]struct{ text, advice string }{
	registry.BlobMissing:         {"octets absents de l'entrepôt", "remettre ce blob depuis la sauvegarde de l'entrepôt"},
	registry.BlobCorrupt:         {"octets différents de ceux enregistrés (taille ou SHA-256)", "remettre ce blob depuis la sauvegarde de l'entrepôt ; la passerelle refuse de le servir"},
	registry.BlobUnreadable:      {"octets illisibles : l'entrepôt ne répond pas pour ce blob", "vérifier le disque ou le service S3, puis relancer"},
	registry.KeyMissing:          {"document dont la clé manque", "restaurer le dossier des clés depuis sa sauvegarde, la plus récente ; vérifier keys.master_file"},
	registry.KeyRevived:          {"clé détruite qu'une restauration a ramenée", "passerelle fsck --repair : le dossier correspondant a été supprimé définitivement"},
	registry.BlobOrphan:          {"blob qu'aucun document ne nomme", "reste d'un dépôt interrompu : passerelle fsck --repair"},
	registry.BlobStray:           {"fichier étranger dans l'entrepôt", "le déplacer hors de l'entrepôt : la passerelle n'y touche pas"},
	registry.IntentStale:         {"intention d'un dépôt interrompu", "passerelle fsck --repair ; sinon le service la balaie dans l'heure"},
	registry.EntryUnreadable:     {"métadonnées illisibles dans le registre", "restaurer cette ligne depuis la sauvegarde de PostgreSQL, ou lancer une version plus récente"},
	registry.DocumentCurrent:     {"document sans une seule version courante", "restaurer ce document depuis la sauvegarde de PostgreSQL"},
	registry.LineageEmpty:        {"lignée sans document", "sans effet pour les lecteurs ; signaler ce défaut"},
	registry.AssociationDangling: {"association vers un objet absent", "restaurer l'objet depuis la sauvegarde de PostgreSQL"},
	registry.ObjectIDMissing:     {"objet que son identifiant ne retrouve pas", "restaurer object_id depuis la sauvegarde de PostgreSQL"},
	registry.ObjectIDDangling:    {"identifiant qui ne mène à rien", "sans effet pour les lecteurs ; signaler ce défaut"},
	registry.UniqueIDMissing:     {"objet dont l'uniqueId n'est pas gardé, ou l'est pour un autre", "restaurer unique_id depuis la sauvegarde de PostgreSQL : un renvoi pourrait être accepté deux fois"},
	registry.UniqueIDDangling:    {"uniqueId gardé pour rien", "un dépôt sous cet identifiant serait refusé ; signaler ce défaut"},
	registry.HashDiffers:         {"deux empreintes enregistrées pour un document", "comparer avec la sauvegarde de PostgreSQL"},
}

// Run checks both stores and prints what it finds. Findings that were repaired do
// not fail the command.
func (c *fsckCommand) Run(ctx context.Context, p *program) error {
	stores, err := c.stores(ctx)
	if err != nil {
		return err
	}
	defer stores.close()
	reg := registry.Open(stores.pool, registry.Registry{Now: p.now, NewID: service.NewID})
	report := &fsckReport{program: p, began: p.now(), shown: p.now(), Findings: []fsckFinding{}, counts: map[registry.Fault]int{}}
	o := registry.FsckOptions{Bytes: !c.Quick, OlderThan: c.OlderThan, Repair: c.Repair, Progress: report.progress}
	done, err := reg.Fsck(ctx, authz.AsSystem("passerelle fsck"), stores.repository, o, report.add)
	switch {
	case ctx.Err() != nil:
		return environment("contrôle interrompu : " + plural(done.Documents, "document") + ", " + plural(done.Findings, "défaut"))
	case err != nil:
		return environment("contrôle impossible : "+err.Error(), "passerelle fsck --help")
	}
	return report.end(done)
}

// fsckFinding is a finding as it is printed.
type fsckFinding struct {
	Kind     string `json:"kind"`
	Document string `json:"document,omitempty"` // logicalId, or the id of another object
	Version  int    `json:"version,omitempty"`
	Blob     string `json:"blob,omitempty"`
	Text     string `json:"text"`
	Advice   string `json:"advice"`
	Repaired bool   `json:"repaired"`
}

// maxFsckFindings bounds a JSON answer; the text form prints as it goes.
const maxFsckFindings = 10000

// fsckReport is what was found so far.
type fsckReport struct {
	*program     `json:"-"`
	Documents    int           `json:"documents"` // versions
	Blobs        int           `json:"blobs"`
	Total        int           `json:"total"`
	Repaired     int           `json:"repaired"`
	Findings     []fsckFinding `json:"findings"` // the first maxFsckFindings
	began, shown time.Time
	counts       map[registry.Fault]int
	order        []registry.Fault
}

func (r *fsckReport) add(f registry.Finding) {
	words := fsckWords[f.Fault]
	out := fsckFinding{string(f.Fault), f.Object, f.Version, f.Blob, words.text, words.advice, f.Repaired}
	if r.counts[f.Fault]++; r.counts[f.Fault] == 1 {
		r.order = append(r.order, f.Fault)
	}
	switch {
	case r.json && len(r.Findings) < maxFsckFindings:
		r.Findings = append(r.Findings, out)
	case !r.json:
		r.write(out)
	}
}

// write prints one line.
func (r *fsckReport) write(f fsckFinding) {
	var at []string
	switch {
	case f.Version > 0:
		at = append(at, fmt.Sprintf("document %s, version %d", f.Document, f.Version))
	case f.Document != "":
		at = append(at, f.Document)
	}
	if f.Blob != "" {
		at = append(at, f.Blob)
	}
	advice := "→ " + f.Advice
	if f.Repaired {
		advice = r.paint(green, "supprimé")
	}
	fmt.Fprintf(r.stdout, "%s  %s : %s ; %s\n", r.paint(red, fmt.Sprintf("%-20s", f.Kind)), strings.Join(at, ", "), f.Text, advice)
}

// progress shows life on a long run.
func (r *fsckReport) progress(documents, blobs int) {
	const pause = 2 * time.Second
	if now := r.now(); now.Sub(r.shown) >= pause {
		r.shown = now
		fmt.Fprintf(r.stderr, "… %s, %s de l'entrepôt\n", plural(documents, "document"), plural(blobs, "fichier"))
	}
}

// end prints the summary.
func (r *fsckReport) end(done registry.Checked) error {
	r.Documents, r.Blobs, r.Total, r.Repaired = done.Documents, done.Blobs, done.Findings, done.Repaired
	var kinds []string
	for _, fault := range r.order {
		kinds = append(kinds, fmt.Sprintf("%d %s", r.counts[fault], fault))
	}
	summary := fmt.Sprintf("%s (versions comprises) et %s de l'entrepôt contrôlés en %.1f s : ",
		plural(done.Documents, "document"), plural(done.Blobs, "fichier"), r.now().Sub(r.began).Seconds())
	switch {
	case r.json:
		r.writeJSON(r)
	case done.Findings == 0:
		fmt.Fprintln(r.stdout, summary+r.paint(green, "aucun défaut."))
	default:
		fmt.Fprintf(r.stdout, "%s%s (%s), dont %d réparés.\n", summary, plural(done.Findings, "défaut"), strings.Join(kinds, ", "), done.Repaired)
	}
	if done.Findings > done.Repaired {
		return failure{exit: exitFindings, told: true}
	}
	return nil
}
