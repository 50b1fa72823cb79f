package main

import "github.com/passerelle-sante/passerelle/authz"

// exportColumn is a column with its meaning in both languages.
type exportColumn struct {
	Name    string   `json:"name"`
	Values  []string `json:"values,omitempty"`
	French  string   `json:"fr"`
	English string   `json:"en"`
}

// attributeWords say what each attribute of a state means (policy §1.1).
var attributeWords = [authz.AttrCount][2]string{
	authz.Action:        {"l'acte demandé", "the action asked for"},
	authz.Kind:          {"qui demande : titulaire, représentant légal, délégué, professionnel nominatif, structure seule, autre", "who asks: holder, legal representative, delegate, nominal professional, structure alone, anybody else"},
	authz.Mode:          {"mode d'accès ; bdg : bris de glace fondé (traits et justification concordants), bdgNoJust : infondé", "access mode; bdg: break-glass with matching traits and a justification, bdgNoJust: without"},
	authz.Regulator:     {"médecin régulateur du SAMU, d'après l'annuaire ou le jeton", "SAMU regulator, from the directory or the token"},
	authz.Administrator: {"médecin traitant administrateur du dossier", "the doctor named administrator of the record"},
	authz.Blocked:       {"professionnel bloqué", "professional blocked on the record"},
	authz.Link:          {"lien déclaré : aucun, expiré, équipe de soins, consentement", "declared relation: none, expired, care team, consent"},
	authz.Profile:       {"état du dossier", "state of the record"},
	authz.MaskAll:       {"réglage : tous les documents masqués", "setting: all documents masked"},
	authz.SamuOK:        {"réglage : le centre 15 peut consulter", "setting: the SAMU regulator may consult"},
	authz.BdgOK:         {"réglage : le bris de glace est permis", "setting: break-glass is allowed"},
	authz.MaskedOK:      {"réglage : en urgence, les documents masqués aussi", "setting: masked documents too in an emergency"},
	authz.Occupational:  {"médecin du travail", "occupational physician"},
	authz.Minor:         {"titulaire mineur à l'instant de la demande", "holder under age at the instant of the request"},
	authz.Matrix:        {"la matrice ouvre ce type de document à cette profession", "the matrix opens this document type to this profession"},
	authz.Author:        {"auteur du document, avec droits", "author of the document, with rights"},
	authz.LineageAuthor: {"auteur de la première version de la lignée", "author of the first entry of the lineage"},
	authz.SameStructure: {"structure du jeton = structure du dépôt", "structure of the token = structure of the deposit"},
	authz.MaskedPS:      {"document masqué aux professionnels", "document masked from professionals"},
	authz.HiddenPatient: {"document masqué au patient", "document hidden from the patient"},
	authz.HiddenReps:    {"document masqué aux représentants légaux", "document hidden from legal representatives"},
	authz.Status:        {"statut du document", "status of the document"},
	authz.Origin:        {"origine du document", "origin of the document"},
}

// The texts of the head. Each row stands for all combinations of its values.
const (
	vectorsFrench  = "Chaque ligne vaut pour toutes les combinaisons de ses valeurs (| = ou, * = indifférent) ; les lignes sont disjointes et couvrent tout le domaine. Une porte (door) refuse le dossier entier, quelle que soit la décision."
	vectorsEnglish = "A row stands for all combinations of its values (| = or, * = any); rows are disjoint and cover the whole domain. A door refuses the whole record, whatever the decision."
)

func vectorColumns() []exportColumn {
	var columns []exportColumn
	for attr := authz.Attr(0); int(attr) < authz.AttrCount; attr++ {
		words := attributeWords[attr]
		columns = append(columns, exportColumn{attr.String(), valueNames(attr, authz.NotIn(attr)), words[0], words[1]})
	}
	return append(columns,
		exportColumn{"decision", []string{"permit", "deny"}, "la décision de la table, un interdit l'emporte", "the decision of the table, a forbid beats every permit"},
		exportColumn{"rules", nil, "les interdits qui tiennent, sinon les permissions", "the forbids that hold, else the permits"},
		exportColumn{"door", nil, "ACC-nn : refus du dossier entier ; unseen : répond comme un patient jamais vu", "ACC-nn: refusal of the whole record; unseen: answers as a patient never seen"})
}

var matrixColumns = []exportColumn{
	{"column", nil, "profession ou spécialité : une colonne de la matrice", "profession or specialty: a column of the matrix"},
	{"professions", nil, "codes de profession de la colonne", "profession codes of the column"},
	{"specialties", nil, "savoir-faire de la colonne, vide : tous", "specialties of the column, empty: all"},
	{"provisional", []string{"0", "1"}, "1 : colonne provisoire, en vigueur seulement si l'exploitant le demande", "1: provisional column, in force only where the operator says so"},
	{"typeCode", nil, "type de document", "document type"},
	{"scheme", nil, "système de codage du type", "coding scheme of the type"},
	{"allowed", []string{"0", "1"}, "1 : la profession peut consulter ce type", "1: the profession may consult this type"},
	{"source", nil, "source de la case, vide : par défaut", "source of the cell, empty: by default"},
}

const (
	matrixFrench  = "La matrice d'habilitation, une ligne par case. Un type absent est fermé à tous."
	matrixEnglish = "The matrix of authorisations, one row per cell. A type that is absent is closed to everybody."
)
