package console

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/record"
)

// professionWords are the professions of health (TRE_G15) as people call them, and those
// of their specialties (TRE_R01) that people tell apart.
var professionWords = map[string]string{
	"10": "médecin", "10/SM26": "médecin généraliste", "10/SM59": "médecin urgentiste", "10/SM44": "médecin radiologue",
	"10/SM03": "médecin biologiste", "10/SM25": "médecin du travail",
	"21": "pharmacien", "26": "audioprothésiste", "28": "opticien-lunetier", "31": "assistant dentaire", "32": "physicien médical", "35": "aide-soignant",
	"36": "ambulancier", "37": "auxiliaire de puériculture", "38": "préparateur en pharmacie", "39": "préparateur en pharmacie hospitalière",
	"40": "chirurgien-dentiste", "50": "sage-femme", "60": "infirmier", "69": "infirmier psychiatrique", "70": "masseur-kinésithérapeute",
	"80": "pédicure-podologue", "81": "orthoprothésiste", "82": "podo-orthésiste", "83": "orthopédiste-orthésiste", "84": "oculariste", "85": "épithésiste",
	"86": "technicien de laboratoire médical", "91": "orthophoniste", "92": "orthoptiste", "93": "psychologue", "94": "ergothérapeute",
	"95": "diététicien", "96": "psychomotricien", "98": "manipulateur en électroradiologie médicale",
}

// Profession is a profession in words, with its specialty where people tell it apart; a
// code that there are no words for stands for itself.
func (v *visit) Profession(code, specialty string) string {
	if words, told := professionWords[code+"/"+specialty]; told {
		return v.T(words)
	}
	if words, told := professionWords[code]; told {
		return v.T(words)
	}
	return code
}

// doctors are the professions that are addressed as Dr.
var doctors = map[string]bool{"10": true, "40": true}

// Professional is how a professional is called: Dr Philippe Durand.
func (v *visit) Professional(p record.Professional) string {
	name := strings.TrimSpace(p.Given + " " + capitals(p.Family))
	switch {
	case p.Kind == "struct":
		return p.StructureName
	case name == "":
		return v.T("Professionnel n° %s", p.ID)
	case doctors[p.Profession]:
		return "Dr " + name
	}
	return name
}

// capitals is a family name that identity traits write in capitals, as it is read: Le
// Goff-Martin. One that has small letters already is left alone.
func capitals(family string) string {
	if strings.ToUpper(family) != family {
		return family
	}
	start := true
	return strings.Map(func(r rune) rune {
		first := start
		start = !unicode.IsLetter(r)
		if first {
			return r
		}
		return unicode.ToLower(r)
	}, family)
}

// Given is what the holder of the record is called by those who act for him.
func (v *visit) Given() string { return v.record.Traits.Given }

// elided is a sentence about a name, in French with d' for de before a vowel.
func (v *visit) elided(sentence, name string) string {
	if first, _ := utf8.DecodeRuneInString(name); v.lang == "fr" && strings.ContainsRune("AEIOUÂÉÈÊËÎÏÔ", first) {
		return strings.Replace(sentence, "de "+name, "d'"+name, 1)
	}
	return sentence
}

// Of is the record of the visit, after a noun: de mon dossier, du dossier de Chloé.
func (v *visit) Of() string {
	if v.own() {
		return v.T("de mon dossier")
	}
	return v.elided(v.T("du dossier de %s", v.Given()), v.Given())
}

// The is the record of the visit: mon dossier, le dossier de Chloé.
func (v *visit) The() string {
	if v.own() {
		return v.T("mon dossier")
	}
	return v.elided(v.T("le dossier de %s", v.Given()), v.Given())
}

// patientDoorWords say what a patient, or who acts for him, can do before a closed door.
var patientDoorWords = map[string]string{
	"ACC-01":   "Il est fermé ou n'a jamais été activé : le titulaire l'ouvre depuis ses paramètres, « Fermer ou supprimer ».",
	"ACC-05":   "Le dossier d'un mineur est tenu par ses représentants légaux, avec leur propre compte. Le titulaire y entre à ses dix-huit ans.",
	"ACC-06":   "À dix-huit ans, le titulaire tient seul son dossier. Il peut y inviter un proche.",
	"LIFE-002": "Il faut écrire SUPPRIMER, en capitales.",
}

// Decides tells whether the visitor may change who enters, as far as a page offers it:
// the holder and representatives, not a delegate. The Gate decides.
func (v *visit) Decides() bool { return v.side == patientSide && v.record.Role != authz.DelegateRole }

// Acting says on whose record the visitor acts, "" on his own: it stands on every page.
func (v *visit) Acting() string {
	switch {
	case v.side != patientSide || v.record.Record == "" || v.own():
		return ""
	case v.represented():
		return v.elided(v.T("Vous agissez sur le dossier de %s, que vous représentez.", v.Holder()), v.Holder())
	}
	return v.elided(v.T("Vous consultez le dossier de %s, qui vous en a délégué l'accès.", v.Holder()), v.Holder())
}
