package corpus

import (
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

func alicePregnant() []document {
	return []document{
		{key: "alice-serologies", patient: "alice", as: "bio-lab", author: "biologiste", days: 250, clock: "17:15", lasted: 9 * time.Hour, kind: biology, content: "26", order: "BL-260118",
			title: "Bilan de début de grossesse", events: []xds.Code{act("18727-8", "Sérologie"), act("18719-5", "Biochimie")},
			sections: []section{
				results("18727-8", "Sérologies",
					result{"22580-1", "Toxoplasmose, IgG", "absence", "", "", "", ""}, result{"8014-1", "Rubéole, IgG", "62", "[IU]/mL", "10", "", ""},
					result{"5195-3", "Antigène HBs", "absence", "", "", "", ""}, result{"56888-1", "VIH 1 et 2, dépistage combiné", "négatif", "", "", "", ""}).
					and("Non immunisée contre la toxoplasmose : contrôle mensuel et mesures de prévention."),
				results("18719-5", "Biochimie", result{"1558-6", "Glycémie à jeun", "0.86", "g/L", "0.60", "0.92", ""}, result{"2276-4", "Ferritine", "31", "ug/L", "15", "150", ""}),
			}},
		{key: "alice-echographie", patient: "alice", as: "chu-lille", author: "dr-hopital", days: 228, clock: "10:40", kind: imaging, content: "07", order: "ECHO-7741",
			title: "Échographie obstétricale du premier trimestre", events: []xds.Code{act("11778-8", "Échographie obstétricale"), ccam("JQQM010", "Échographie biométrique et morphologique d'une grossesse unifœtale au 1er trimestre")},
			sections: []section{
				text("18785-6", "Indication", "Dépistage du premier trimestre, 12 semaines d'aménorrhée et 3 jours."),
				rows("59776-5", "Biométrie", []string{"Mesure", "Valeur"}, []string{"Longueur crânio-caudale", "60 mm"}, []string{"Clarté nucale", "1,3 mm"}, []string{"Diamètre bipariétal", "20 mm"},
					[]string{"Activité cardiaque", "présente, 158 /min"}),
				text("19005-8", "Conclusion", "Grossesse monofœtale évolutive, biométrie concordante avec le terme. Pas d'anomalie décelée à ce terme."),
			}},
		{key: "alice-hgpo", patient: "alice", as: "bio-lab", author: "biologiste", days: 135, clock: "15:30", lasted: 7 * time.Hour, kind: biology, content: "26", order: "BL-260502",
			title: "Hyperglycémie provoquée par voie orale", events: []xds.Code{act("18719-5", "Biochimie")},
			sections: []section{results("18719-5", "Biochimie, charge de 75 g de glucose",
				result{"1558-6", "Glycémie à jeun", "0.90", "g/L", "", "0.92", ""}, result{"20438-8", "Glycémie à 1 heure", "1.69", "g/L", "", "1.80", ""},
				result{"20436-2", "Glycémie à 2 heures", "1.35", "g/L", "", "1.53", ""}).and("Pas d'argument pour un diabète gestationnel.")}},
		{key: "alice-hgpo-corrigee", patient: "alice", as: "bio-lab", author: "biologiste", days: 133, clock: "09:45", lasted: 49 * time.Hour, kind: biology, content: "26", order: "BL-260502",
			replaces: "alice-hgpo", comments: "Corrige l'inversion de deux tubes sur le compte rendu précédent",
			title: "Hyperglycémie provoquée par voie orale (rectificatif)", events: []xds.Code{act("18719-5", "Biochimie")},
			sections: []section{
				text("51855-5", "Rectificatif", "Annule et remplace le compte rendu du {-2j} : les tubes de la première et de la deuxième heure avaient été intervertis avec ceux d'un autre dossier. Le prescripteur a été prévenu par téléphone."),
				results("18719-5", "Biochimie, charge de 75 g de glucose",
					result{"1558-6", "Glycémie à jeun", "0.90", "g/L", "", "0.92", ""}, result{"20438-8", "Glycémie à 1 heure", "1.94", "g/L", "", "1.80", "H"},
					result{"20436-2", "Glycémie à 2 heures", "1.58", "g/L", "", "1.53", "H"}).and("Deux valeurs au-dessus des seuils : diabète gestationnel."),
			}},
		{key: "alice-soutien", patient: "alice", as: "dr-traitant", days: 110, clock: "18:30", kind: consultation, content: "60", marks: xds.Marks{MaskedPS: true},
			title: "Consultation de soutien", events: []xds.Code{act("11488-4", "Consultation")}, comments: "Masqué aux professionnels à la demande de la patiente",
			sections: []section{
				text("46239-0", "Motif", "Anxiété envahissante depuis un mois, réveils à trois heures du matin."),
				text("10164-2", "Entretien", "Deuil d'un proche au printemps, craintes pour l'accouchement. Pas d'idée suicidaire. Bon soutien de l'entourage."),
				text("51847-2", "Conclusion", "Trouble anxieux réactionnel. Entretien prénatal précoce organisé avec la psychologue de la maternité. Pas de traitement médicamenteux."),
			}},
		{key: "alice-podologie", patient: "alice", as: "podo-paul", days: 95, clock: "14:00", lasted: time.Hour, kind: functional, content: "60",
			title: "Bilan podologique", events: []xds.Code{act("47420-5", "Bilan fonctionnel")},
			sections: []section{
				text("46239-0", "Motif", "Talalgies bilatérales à la marche depuis le deuxième trimestre."),
				text("47420-5", "Bilan", "Appui en valgus modéré, plus marqué à gauche. Aponévrose plantaire sensible à l'insertion calcanéenne. Trophicité et sensibilité normales."),
				list("18776-5", "Conduite", "Orthèses plantaires souples", "Étirements quotidiens du triceps", "Chaussage stable, contrôle dans deux mois"),
			}},
		{key: "alice-dentaire", patient: "alice", as: "dent-rose", days: 60, clock: "08:45", kind: consultation, content: "60",
			title: "Examen bucco-dentaire de prévention de la grossesse", events: []xds.Code{act("11488-4", "Consultation")},
			sections: []section{
				text("29545-1", "Examen", "Gingivite localisée du secteur 3, saignement au sondage. Carie débutante sur 36. Pas de foyer infectieux."),
				list("51847-2", "Conduite", "Détartrage réalisé ce jour", "Soin conservateur de 36 sous anesthésie locale sans vasoconstricteur le {14j}", "Conseils d'hygiène, brossette interdentaire"),
			}},
		{key: "alice-anesthesie", patient: "alice", as: "chu-lille", author: "dr-hopital", days: 45, clock: "11:20", kind: anaesthesia, content: "07",
			title: "Consultation pré-anesthésique", events: []xds.Code{act("34749-2", "Consultation pré-anesthésique")},
			file: pdf("CHU de Lille-Test - Consultation pré-anesthésique", "Terme prévu dans six semaines, première grossesse.", "",
				"Antécédents : asthme, hospitalisation il y a deux ans, pas d'anesthésie générale depuis l'appendicectomie.",
				"Traitements : béclométasone et formotérol matin et soir, fer.", "Allergies : pollens. Pas d'allergie au latex ni aux antibiotiques.", "",
				"Examen : Mallampati 2, ouverture de bouche normale, rachis sans anomalie.", "Plaquettes 231 G/L, TP et TCA normaux.", "",
				"Analgésie péridurale souhaitée, information donnée et comprise.", "En cas de césarienne : rachianesthésie.", "Poursuivre le traitement inhalé, y compris le jour de l'accouchement.")},
		{key: "alice-radio-ancienne", patient: "alice", as: "patient:alice", days: 30, clock: "20:15", kind: patientImage, content: "97",
			title: "Ancienne radiographie du poignet", events: []xds.Code{act("52040-3", "Image déposée")}, comments: "Numérisée à la maison",
			file: radiograph()},
		{key: "alice-glycemies", patient: "alice", as: "ide-nadia", days: 12, clock: "08:10", lasted: 7 * 24 * time.Hour, kind: careSheet, content: "60",
			title: "Fiche de suivi : glycémies capillaires", events: []xds.Code{act("11506-3", "Suivi de soins infirmiers")},
			sections: []section{
				rows("30954-2", "Glycémies de la semaine (g/L)", []string{"Jour", "À jeun", "2 h après le déjeuner", "2 h après le dîner"},
					[]string{"{-6j}", "0,88", "1,14", "1,21"}, []string{"{-4j}", "0,91", "1,22", "1,09"}, []string{"{-2j}", "0,86", "1,10", "1,17"}, []string{"{0j}", "0,90", "1,12", "1,15"}),
				text("51847-2", "Transmission", "Objectifs atteints sous régime seul. Tension 118/72 mmHg, pas d'œdème, bandelette urinaire négative. Prochain passage le {7j}."),
			}},
	}
}

// delivery is the report that alice's record does not hold until somebody pushes it.
func delivery() document {
	return document{key: "alice-accouchement", patient: "alice", as: "chu-lille", author: "dr-hopital", lasted: 11 * time.Hour, kind: deliveryReport, content: "03",
		title: "Compte rendu d'accouchement", events: []xds.Code{act("15508-5", "Accouchement"), ccam("JQGD010", "Accouchement céphalique unique par voie naturelle, chez une primipare")},
		sections: []section{
			text("10164-2", "Grossesse", "Première grossesse, {age}. Diabète gestationnel équilibré par le régime. Asthme contrôlé sous traitement inhalé. Terme : 39 semaines d'aménorrhée et 4 jours."),
			rows("57074-7", "Travail", []string{"Étape", "Observation"}, []string{"Début", "Spontané, membranes rompues à domicile, liquide clair"},
				[]string{"Analgésie", "Péridurale à 4 cm, efficace"}, []string{"Rythme fœtal", "Normal tout au long du travail"}, []string{"Durée", "10 heures 20 minutes"}),
			rows("57075-4", "Naissance", []string{"Élément", "Valeur"}, []string{"Voie", "Basse spontanée, présentation céphalique"}, []string{"Enfant", "Fille, vivante"},
				[]string{"Poids", "3 320 g"}, []string{"Taille", "50 cm"}, []string{"Apgar à 1, 5 et 10 minutes", "9, 10, 10"}),
			list("55109-3", "Délivrance et suites immédiates", "Délivrance dirigée complète à 12 minutes", "Pertes sanguines estimées à 250 mL", "Éraillure périnéale, pas de suture", "Peau à peau et première tétée en salle de naissance"),
			list("18776-5", "Suites", "Sortie prévue au troisième jour", "Glycémie à jeun de contrôle, puis HGPO dans trois mois", "Visite postnatale dans six semaines", "Traitement inhalé poursuivi, compatible avec l'allaitement"),
		}}
}
