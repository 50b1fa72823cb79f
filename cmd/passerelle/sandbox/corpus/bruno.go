package corpus

import (
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// bruno had a myocardial infarction and masks his whole record.
func bruno() []document {
	return []document{
		{key: "bruno-infarctus", patient: "bruno", as: "chu-lille", author: "dr-hopital", days: 520, clock: "16:30", lasted: 6 * 24 * time.Hour, kind: hospitalStay, content: "03",
			title: "Compte rendu d'hospitalisation, cardiologie", events: []xds.Code{act("34112-3", "Hospitalisation"), ccam("DDAF006", "Dilatation d'une artère coronaire avec pose d'endoprothèse")},
			sections: []section{
				text("42349-1", "Motif", "Syndrome coronaire aigu avec sus-décalage du segment ST en territoire antérieur, adressé par le SMUR."),
				list("11348-0", "Facteurs de risque", "Tabac, 35 paquets-année, poursuivi", "Dyslipidémie non traitée", "Père décédé d'un infarctus à 58 ans"),
				text("8648-8", "Séjour", "Coronarographie en urgence : occlusion de l'interventriculaire antérieure proximale, angioplastie et un stent actif.",
					"Fraction d'éjection à 48 % au troisième jour. Pas de trouble du rythme après la vingt-quatrième heure."),
				results("30954-2", "Biologie", result{"67151-1", "Troponine T ultrasensible, pic", "3120", "ng/L", "", "14", "H"}, result{"13457-7", "LDL-cholestérol", "1.78", "g/L", "", "1.00", "H"},
					result{"2160-0", "Créatinine", "9.4", "mg/L", "7.0", "12.0", ""}),
				drugs("10183-2", "Traitement de sortie", drug{"B01AC06", "Acide acétylsalicylique 75 mg", "1 par jour", "à vie"}, drug{"B01AC24", "Ticagrélor 90 mg", "1 matin et soir", "12 mois"},
					drug{"C10AA05", "Atorvastatine 80 mg", "1 le soir", "au long cours"}, drug{"C07AB07", "Bisoprolol 2,5 mg", "1 le matin", "au long cours"}, drug{"C09AA05", "Ramipril 2,5 mg", "1 le soir", "à augmenter"}),
				list("18776-5", "Suites", "Réadaptation cardiaque, début le {20j}", "Consultation d'addictologie proposée, acceptée", "Ne pas interrompre le ticagrélor avant le {365j}"),
			}},
		{key: "bruno-ald", patient: "bruno", as: "dr-traitant", days: 500, clock: "10:00", kind: longTermPlan, content: "60",
			title: "Protocole de soins : maladie coronaire", events: []xds.Code{act("18776-5", "Plan de soins")},
			sections: []section{
				text("51847-2", "Affection", "Maladie coronaire, infarctus antérieur le {-20j}."),
				list("18776-5", "Soins prévus", "Double antiagrégation douze mois", "Statine de forte intensité, objectif de LDL inférieur à 0,55 g/L", "Consultation de cardiologie à 1, 6 et 12 mois", "Aide au sevrage tabagique"),
			}},
		{key: "bruno-lipides", patient: "bruno", as: "bio-lab", author: "biologiste", days: 300, clock: "14:25", lasted: 6 * time.Hour, kind: biology, content: "26", order: "BL-251977",
			title: "Bilan lipidique et hépatique", events: []xds.Code{act("18719-5", "Biochimie")},
			sections: []section{results("18719-5", "Biochimie",
				result{"2093-3", "Cholestérol total", "1.32", "g/L", "", "2.00", ""}, result{"2085-9", "HDL-cholestérol", "0.44", "g/L", "0.40", "", ""},
				result{"13457-7", "LDL-cholestérol", "0.61", "g/L", "", "0.55", "H"}, result{"2571-8", "Triglycérides", "1.35", "g/L", "", "1.50", ""},
				result{"1742-6", "ALAT", "38", "U/L", "", "45", ""}, result{"4548-4", "Hémoglobine glyquée", "5.8", "%", "4.0", "6.0", ""})}},
		{key: "bruno-ordonnance", patient: "bruno", as: "dr-durand", days: 290, clock: "09:35", kind: prescription, content: "60",
			title: "Ordonnance bizone", events: []xds.Code{act("57833-6", "Prescription de produits de santé")},
			sections: []section{
				drugs("57828-6", "En rapport avec l'affection de longue durée", drug{"B01AC06", "Acide acétylsalicylique 75 mg, poudre", "1 sachet le midi", "3 mois"}, drug{"B01AC24", "Ticagrélor 90 mg, comprimé", "1 matin et soir", "3 mois"},
					drug{"C10AA05", "Atorvastatine 80 mg, comprimé", "1 le soir", "3 mois"}, drug{"C10AX09", "Ézétimibe 10 mg, comprimé", "1 le soir", "3 mois"}),
				drugs("57828-6", "Sans rapport", drug{"N02BE01", "Paracétamol 1 g, comprimé", "1 si douleur, au plus 3 par jour", "8 jours"}),
			}},
		{key: "bruno-sevrage", patient: "bruno", as: "dr-durand", days: 40, clock: "19:00", kind: consultation, content: "60",
			title: "Consultation de suivi", events: []xds.Code{act("11488-4", "Consultation")},
			sections: []section{
				text("46239-0", "Motif", "Suivi à seize mois de l'infarctus."),
				rows("29545-1", "Examen", []string{"Mesure", "Valeur"}, []string{"Tension", "126/74 mmHg"}, []string{"Fréquence cardiaque", "58 /min"}, []string{"Poids", "81 kg"}),
				text("51847-2", "Conclusion", "Pas de douleur à l'effort. Deux cigarettes par jour, sevrage complet visé. Ticagrélor arrêté comme prévu, aspirine seule."),
			}},
	}
}
