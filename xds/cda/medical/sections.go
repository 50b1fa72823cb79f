package medical

import "github.com/passerelle-sante/passerelle/xds"

// The code systems of the table.
const (
	loinc  = "2.16.840.1.113883.6.1"
	snomed = "2.16.840.1.113883.6.96"
	roles  = "2.16.840.1.113883.5.111" // HL7 v3 RoleCode
	typeTo = "1.2.250.1.213.1.1.4.12"  // TRE_A05

	// Our own names, under OIDs of the arc of UUIDs.
	sectionSystem = "2.25.12251590713287978337725034971630030999"
	kindSystem    = "2.25.185015837907404515371246668103549667545"
	fieldSystem   = "2.25.157746154795246236317627259017950473883"
	templateID    = "2.25.31551349572889624181872175193014948054"
)

// LOINC is the code system of sections and measures.
const LOINC = loinc

func observed(code, display string) xds.Code {
	return xds.Code{Value: code, Scheme: loinc, Display: display}
}

// The types of the DMP that a profile is kept in (domain §7). The medical profile has
// one of its own; treatments and wishes have narrower ones.
var (
	profileType    = xds.Code{Value: "DOCPAT08", Scheme: typeTo, Display: "Profil médical Mon espace santé"}
	treatmentType  = xds.Code{Value: "DOCPAT02", Scheme: typeTo, Display: "Traitement ou document de soins déposé par le patient"}
	wishesType     = xds.Code{Value: "EXPPAT_1", Scheme: typeTo, Display: "Volontés et droits du patient"}
	directivesType = xds.Code{Value: "EXPPAT_3", Scheme: typeTo, Display: "Directives anticipées"}
)

// DirectivesType is the type of advance directives, written here or elsewhere.
func DirectivesType() xds.Code { return directivesType }

// The ids of sections.
const (
	Allergies  = "allergies"
	History    = "antecedents"
	Treatments = "traitements"
	Measures   = "mesures"
	Relatives  = "entourage"
	Wishes     = "volontes"
	Directives = "directives"
)

var (
	comment = Field{Name: "commentaire", Label: "Commentaire", Form: Text}
	when    = Field{Name: "quand", Label: "Quand", Form: Instant, Required: true}
	contact = []Field{
		{Name: "nom", Label: "Nom", Form: Line, Required: true},
		{Name: "prenom", Label: "Prénom", Form: Line},
		{Name: "lien", Label: "Lien avec moi", Form: Choice, Required: true, Options: ties},
		{Name: "telephone", Label: "Téléphone", Form: Phone},
		{Name: "email", Label: "E-mail", Form: Email},
		{Name: "adresse", Label: "Adresse", Form: Text, Longest: 300},
	}
	reached = []string{"telephone", "email", "adresse"}
)

// ties are what somebody is to the patient (HL7 v3 PersonalRelationshipRoleType).
var ties = []Option{
	{"conjoint", "Conjoint, partenaire", tie("DOMPART", "domestic partner")},
	{"parent", "Père ou mère", tie("PRN", "parent")},
	{"enfant", "Enfant", tie("CHILD", "child")},
	{"fratrie", "Frère ou sœur", tie("SIB", "sibling")},
	{"famille", "Autre membre de la famille", tie("FAMMEMB", "family member")},
	{"ami", "Ami", tie("FRND", "unrelated friend")},
	{"voisin", "Voisin", tie("NBOR", "neighbor")},
	{"autre", "Autre", xds.Code{}},
}

// kin are who had what runs in the family.
var kin = []Option{
	{"mere", "Mère", tie("MTH", "mother")},
	{"pere", "Père", tie("FTH", "father")},
	{"soeur", "Sœur", tie("SIS", "sister")},
	{"frere", "Frère", tie("BRO", "brother")},
	{"fille", "Fille", tie("DAUC", "daughter")},
	{"fils", "Fils", tie("SONC", "son")},
	{"grand-mere", "Grand-mère", tie("GRMTH", "grandmother")},
	{"grand-pere", "Grand-père", tie("GRFTH", "grandfather")},
	{"tante", "Tante", tie("AUNT", "aunt")},
	{"oncle", "Oncle", tie("UNCLE", "uncle")},
	{"autre", "Autre membre de la famille", tie("FAMMEMB", "family member")},
}

func tie(code, display string) xds.Code {
	return xds.Code{Value: code, Scheme: roles, Display: display}
}

func number(name, label, unit, unitName string, least, most float64, code xds.Code) Field {
	return Field{Name: name, Label: label, Form: Number, Required: true, Least: least, Most: most, Unit: unit, UnitName: unitName, Code: code}
}

// measure is a kind of one number.
func measure(id, title, unit, unitName string, least, most float64, code xds.Code, more ...Field) Kind {
	fields := append([]Field{when, number("valeur", title, unit, unitName, least, most, code)}, more...)
	return Kind{ID: id, Title: title, Code: code, Fields: append(fields, comment)}
}

// The bounds of measures are those within which a person may live, with room: they
// keep out a slip of the finger and judge nobody's health.
var sections = []Section{
	{Allergies, "Allergies", profileType, observed("48765-2", "Allergies"), []Kind{
		{ID: "allergie", Title: "Allergie ou intolérance", Fields: []Field{
			{Name: "substance", Label: "À quoi", Form: Line, Required: true},
			{Name: "categorie", Label: "Sorte", Form: Choice, Required: true, Options: []Option{
				{"medicament", "Médicament", xds.Code{}}, {"aliment", "Aliment", xds.Code{}}, {"environnement", "Environnement (pollen, animaux, latex…)", xds.Code{}}, {"autre", "Autre", xds.Code{}},
			}},
			{Name: "gravite", Label: "Gravité", Form: Choice, Options: []Option{
				{"legere", "Légère", xds.Code{}}, {"moderee", "Modérée", xds.Code{}}, {"severe", "Sévère", xds.Code{}},
			}},
			{Name: "reaction", Label: "Réaction", Form: Line},
			{Name: "depuis", Label: "Depuis", Form: Date},
			comment,
		}},
		{ID: "aucune", Title: "Aucune allergie connue", One: true, Code: xds.Code{Value: "716186003", Scheme: snomed, Display: "No known allergy"}},
	}},
	{History, "Antécédents", profileType, observed("11348-0", "History of past illness"), []Kind{
		{ID: "personnel", Title: "Antécédent personnel", Fields: []Field{
			{Name: "intitule", Label: "Maladie, opération ou événement", Form: Line, Required: true},
			{Name: "sorte", Label: "Sorte", Form: Choice, Options: []Option{
				{"maladie", "Maladie", xds.Code{}}, {"operation", "Opération", xds.Code{}}, {"hospitalisation", "Hospitalisation", xds.Code{}}, {"autre", "Autre", xds.Code{}},
			}},
			{Name: "debut", Label: "Début", Form: Date},
			{Name: "fin", Label: "Fin", Form: Date},
			comment,
		}},
		{ID: "familial", Title: "Antécédent familial", Fields: []Field{
			{Name: "lien", Label: "Qui", Form: Choice, Required: true, Options: kin},
			{Name: "intitule", Label: "Maladie", Form: Line, Required: true},
			{Name: "age", Label: "Âge au début", Form: Number, Least: 0, Most: 120, Unit: "a", UnitName: "ans"},
			comment,
		}},
	}},
	{Treatments, "Traitements", treatmentType, observed("10160-0", "History of medication use"), []Kind{
		{ID: "traitement", Title: "Traitement", Fields: []Field{
			{Name: "nom", Label: "Médicament ou traitement", Form: Line, Required: true},
			{Name: "posologie", Label: "Posologie", Form: Line},
			{Name: "motif", Label: "Pour quoi", Form: Line},
			{Name: "debut", Label: "Début", Form: Date, Ahead: true},
			{Name: "fin", Label: "Fin", Form: Date, Ahead: true},
			comment,
		}},
	}},
	{Measures, "Mesures", profileType, observed("8716-3", "Vital signs"), []Kind{
		{ID: "tension", Title: "Tension artérielle", Code: observed("85354-9", "Blood pressure panel with all children optional"), Fields: []Field{
			when,
			number("systolique", "Systolique", "mm[Hg]", "mmHg", 50, 300, observed("8480-6", "Systolic blood pressure")),
			number("diastolique", "Diastolique", "mm[Hg]", "mmHg", 20, 200, observed("8462-4", "Diastolic blood pressure")),
			comment,
		}},
		measure("glycemie", "Glycémie", "g/L", "g/L", 0.1, 10, observed("2339-0", "Glucose [Mass/volume] in Blood"),
			Field{Name: "moment", Label: "Moment", Form: Choice, Options: []Option{{"jeun", "À jeun", xds.Code{}}, {"avant", "Avant un repas", xds.Code{}}, {"apres", "Après un repas", xds.Code{}}, {"autre", "Autre", xds.Code{}}}}),
		measure("poids", "Poids", "kg", "kg", 0.3, 500, observed("29463-7", "Body weight")),
		measure("taille", "Taille", "cm", "cm", 20, 260, observed("8302-2", "Body height")),
		measure("temperature", "Température", "Cel", "°C", 25, 45, observed("8310-5", "Body temperature")),
		measure("pouls", "Pouls", "/min", "battements/min", 20, 300, observed("8867-4", "Heart rate")),
		measure("saturation", "Saturation en oxygène", "%", "%", 40, 100, observed("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry")),
		measure("perimetre-cranien", "Périmètre crânien", "cm", "cm", 15, 80, observed("9843-4", "Head Occipital-frontal circumference")),
	}},
	{Relatives, "Entourage", wishesType, xds.Code{}, []Kind{
		{ID: "confiance", Title: "Personne de confiance", One: true, Fields: append(contact[:len(contact):len(contact)],
			Field{Name: "accord", Label: "Elle a donné son accord", Form: Tick}), AnyOf: reached},
		{ID: "urgence", Title: "Personne à prévenir en cas d'urgence", Fields: contact, AnyOf: reached},
		{ID: "aidant", Title: "Aidant", Fields: contact, AnyOf: reached},
	}},
	{Wishes, "Don d'organes", wishesType, observed("75781-5", "Thoughts on organ and tissue donations"), []Kind{
		{ID: "don", Title: "Don d'organes et de tissus", One: true, Code: observed("75781-5", "Thoughts on organ and tissue donations"), Fields: []Field{
			{Name: "position", Label: "Ma position", Form: Choice, Required: true, Options: []Option{
				{"accord", "Je suis d'accord pour donner mes organes et tissus", xds.Code{}},
				{"partiel", "Je suis d'accord, sauf pour ce que j'écris en commentaire", xds.Code{}},
				{"refus", "Je refuse de donner mes organes et tissus", xds.Code{}},
				{"registre", "Je refuse, et je suis inscrit au registre national des refus", xds.Code{}},
			}},
			{Name: "date", Label: "Date", Form: Date},
			comment,
		}},
	}},
	{Directives, "Directives anticipées", directivesType, observed("42348-3", "Advance directives"), []Kind{
		{ID: "directives", Title: "Directives anticipées", One: true, Fields: []Field{
			{Name: "texte", Label: "Mes directives", Form: Text, Required: true, Longest: 10_000},
			{Name: "date", Label: "Date", Form: Date, Required: true},
			{Name: "lieu", Label: "Où se trouve l'original signé", Form: Line},
		}},
	}},
}
