package corpus

import (
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// alice is 33 at the time of writing: asthma since adolescence, then a first
// pregnancy. Her seed ends before the delivery, whose report the README's story pushes.
func alice() []document {
	return append(aliceBefore(), alicePregnant()...)
}

func aliceBefore() []document {
	return []document{
		{key: "alice-rhinite", patient: "alice", as: "dr-bloque", days: 905, clock: "17:40", kind: consultation, content: "60",
			title: "Consultation : rhinite allergique", events: []xds.Code{act("11488-4", "Consultation")},
			sections: []section{
				text("46239-0", "Motif", "Éternuements en salves et obstruction nasale depuis trois semaines, gêne au travail."),
				text("29545-1", "Examen", "Muqueuse pâle et œdématiée aux deux fosses nasales. Tympans normaux. Auscultation libre ce jour."),
				text("51847-2", "Conclusion", "Rhinite allergique saisonnière chez une patiente asthmatique. Lavages de nez, antihistaminique quatre semaines.",
					"À revoir si la gêne respiratoire nocturne réapparaît."),
			}},
		{key: "alice-asthme", patient: "alice", as: "dr-durand", days: 840, clock: "10:15", kind: consultation, content: "60",
			title: "Consultation de suivi de l'asthme", events: []xds.Code{act("11488-4", "Consultation")},
			sections: []section{
				text("46239-0", "Motif", "Toux nocturne deux à trois fois par semaine depuis le retour du froid."),
				list("11348-0", "Antécédents", "Asthme connu depuis l'âge de 14 ans", "Rhinite aux pollens de graminées", "Appendicectomie à 19 ans"),
				list("48765-2", "Allergies", "Graminées : rhinite, asthme d'effort au printemps", "Aucune allergie médicamenteuse connue"),
				rows("29545-1", "Examen", []string{"Mesure", "Valeur"}, []string{"Fréquence respiratoire", "16 /min"}, []string{"Saturation à l'air ambiant", "98 %"},
					[]string{"Débit de pointe", "370 L/min (84 % de la meilleure valeur personnelle)"}),
				text("51847-2", "Conclusion", "Asthme persistant léger, partiellement contrôlé. Radiographie du thorax de référence demandée.",
					"Corticoïde inhalé à faible dose proposé ; technique d'inhalation revue et comprise."),
			}},
		{key: "alice-thorax", patient: "alice", as: "imagerie-deule", author: "radiologue", days: 838, clock: "14:20", kind: imaging, content: "60", order: "2024-1187",
			title: "Radiographie du thorax de face", events: []xds.Code{act("36643-5", "Radiographie du thorax"), ccam("ZBQK002", "Radiographie du thorax")},
			sections: []section{
				text("18785-6", "Indication", "Asthme. Bilan de référence demandé par le {dr-durand}."),
				text("55111-9", "Technique", "Un cliché de face, debout, en inspiration."),
				text("59776-5", "Résultats", "Silhouette cardiaque de taille normale. Pas d'opacité parenchymateuse. Culs-de-sac pleuraux libres. Discrète distension, sans pneumothorax."),
				text("19005-8", "Conclusion", "Pas d'anomalie pleuro-parenchymateuse évolutive."),
			}},
		{key: "alice-ferritine", patient: "alice", as: "bio-lab", author: "biologiste", days: 780, clock: "16:05", lasted: 8 * time.Hour, kind: biology, content: "26", order: "BL-240931",
			title: "Hémogramme et ferritine", events: []xds.Code{act("18723-7", "Hématologie"), act("18719-5", "Biochimie")},
			sections: []section{
				results("18723-7", "Hématologie",
					result{"718-7", "Hémoglobine", "11.2", "g/dL", "12.0", "16.0", "L"}, result{"787-2", "Volume globulaire moyen", "79", "fL", "80", "98", "L"},
					result{"6690-2", "Leucocytes", "6.8", "10*9/L", "4.0", "10.0", ""}, result{"777-3", "Plaquettes", "284", "10*9/L", "150", "400", ""}),
				results("18719-5", "Biochimie", result{"2276-4", "Ferritine", "9", "ug/L", "15", "150", "L"}, result{"1988-5", "Protéine C réactive", "2", "mg/L", "", "5", ""}).
					and("Profil de carence martiale, à confronter au contexte clinique."),
			}},
		{key: "alice-ordonnance", patient: "alice", as: "dr-durand", days: 770, clock: "11:30", kind: prescription, content: "60",
			title: "Ordonnance", events: []xds.Code{act("57833-6", "Prescription de produits de santé")},
			sections: []section{drugs("57828-6", "Prescription",
				drug{"R03BA01", "Béclométasone 100 µg/dose, suspension pour inhalation", "1 bouffée matin et soir, rincer la bouche", "3 mois"},
				drug{"R03AC02", "Salbutamol 100 µg/dose, suspension pour inhalation", "2 bouffées en cas de gêne, au plus 8 par jour", "3 mois"},
				drug{"B03AA07", "Sulfate ferreux 80 mg, comprimé", "1 comprimé le matin à jeun", "3 mois"})}},
		{key: "alice-dispensation", patient: "alice", as: "pharmacie-halles", author: "pharmacienne", days: 769, clock: "18:10", kind: dispensation, content: "60", order: "ORD-770",
			title: "Dispensation de médicaments", events: []xds.Code{act("60593-1", "Dispensation médicamenteuse")},
			sections: []section{
				drugs("60590-7", "Médicaments dispensés",
					drug{"R03BA01", "Béclométasone 100 µg/dose, 1 flacon de 200 doses", "1 bouffée matin et soir", "délivré pour 3 mois"},
					drug{"R03AC02", "Salbutamol 100 µg/dose, 1 flacon de 200 doses", "2 bouffées en cas de gêne", "délivré pour 3 mois"},
					drug{"B03AA07", "Sulfate ferreux 80 mg, boîte de 30", "1 comprimé le matin", "délivré pour 1 mois, 2 renouvellements"}),
				text("61357-0", "Conseil", "Usage de la chambre d'inhalation expliqué. Prendre le fer à distance du thé et du café."),
			}},
		{key: "alice-urgences", patient: "alice", as: "chu-lille", author: "dr-hopital", days: 610, clock: "04:50", lasted: 5 * time.Hour, kind: emergencyVisit, content: "07",
			title: "Compte rendu de passage aux urgences", events: []xds.Code{act("34878-9", "Passage aux urgences")},
			sections: []section{
				text("46239-0", "Motif", "Dyspnée sifflante d'aggravation rapide depuis la veille, au décours d'une infection virale."),
				text("10164-2", "Histoire de la maladie", "Huit bouffées de salbutamol à domicile sans amélioration durable. Traitement de fond interrompu depuis six semaines."),
				rows("29545-1", "À l'arrivée", []string{"Paramètre", "Valeur"}, []string{"Fréquence respiratoire", "28 /min"}, []string{"Saturation à l'air ambiant", "91 %"},
					[]string{"Fréquence cardiaque", "118 /min"}, []string{"Débit de pointe", "180 L/min"}),
				list("8648-8", "Évolution", "Trois nébulisations de salbutamol et d'ipratropium", "Prednisolone 60 mg par voie orale", "Oxygène 2 L/min jusqu'à 3 heures",
					"Débit de pointe à 260 L/min à la quatrième heure"),
				text("51847-2", "Conclusion", "Exacerbation sévère d'asthme, amélioration incomplète : hospitalisation en pneumologie."),
			}},
		{key: "alice-sortie", patient: "alice", as: "chu-lille", author: "dr-hopital", days: 607, clock: "15:00", lasted: 67 * time.Hour, kind: dischargeLetter, content: "03",
			title: "Lettre de liaison à la sortie, service de pneumologie", events: []xds.Code{act("11490-0", "Hospitalisation")},
			sections: []section{
				text("42349-1", "Motif d'hospitalisation", "Exacerbation sévère d'asthme, adressée par les urgences le {-3j}."),
				text("8648-8", "Synthèse du séjour", "Évolution favorable en trois jours sous corticothérapie orale et bronchodilatateurs. Sevrage de l'oxygène dès le premier jour.",
					"L'arrêt du traitement de fond, par crainte des corticoïdes, a été discuté longuement avec la patiente."),
				results("30954-2", "Examens", result{"1988-5", "Protéine C réactive", "24", "mg/L", "", "5", "H"}, result{"6690-2", "Leucocytes", "11.4", "10*9/L", "4.0", "10.0", "H"}),
				drugs("10183-2", "Traitement de sortie",
					drug{"R03AK08", "Béclométasone et formotérol 100/6 µg", "2 inhalations matin et soir", "jusqu'à la consultation de pneumologie"},
					drug{"H02AB06", "Prednisolone 20 mg", "2 comprimés le matin", "4 jours, puis arrêt"}),
				list("18776-5", "Suites", "Consultation de pneumologie dans six semaines", "Plan d'action écrit remis", "Vaccination antigrippale annuelle recommandée"),
			}},
		{key: "alice-synthese", patient: "alice", as: "dr-traitant", days: 560, clock: "12:10", kind: synthesis, content: "60",
			title: "Volet de synthèse médicale", events: []xds.Code{act("34117-2", "Historique et examen")},
			sections: []section{
				list("11348-0", "Antécédents", "Asthme, une hospitalisation pour exacerbation ({-50j})", "Carence martiale corrigée", "Appendicectomie"),
				list("48765-2", "Allergies et intolérances", "Pollens de graminées", "Pas d'allergie médicamenteuse connue"),
				drugs("10160-0", "Traitements au long cours", drug{"R03AK08", "Béclométasone et formotérol 100/6 µg", "2 inhalations matin et soir", "au long cours"},
					drug{"R03AC02", "Salbutamol 100 µg/dose", "à la demande", "au long cours"}),
				list("29762-2", "Mode de vie", "Ne fume pas", "Course à pied une fois par semaine", "Enseignante"),
				text("51847-2", "Points de vigilance", "Observance du traitement de fond. Projet de grossesse évoqué : acide folique à prévoir avant l'arrêt de la contraception."),
			}},
		{key: "alice-grippe", patient: "alice", as: "ide-nadia", days: 415, clock: "09:20", kind: vaccineNote, content: "60",
			title: "Note de vaccination", events: []xds.Code{act("87273-9", "Note de vaccination")},
			sections: []section{vaccines("Vaccination", vaccine{0, 0, "J07BB02", "Vaccin grippe saisonnière quadrivalent inactivé", "FX2209A", "Dose annuelle", "{ide-nadia}"}).
				and("Deltoïde gauche. Surveillance de quinze minutes sans réaction.")}},
		{key: "alice-vaccins", patient: "alice", as: "dr-traitant", days: 410, clock: "11:50", kind: vaccineHistory, content: "60",
			title: "Historique des vaccinations", events: []xds.Code{act("11369-6", "Historique des vaccinations")},
			sections: []section{vaccines("Vaccinations",
				vaccine{31, 120, "J07CA02", "Vaccin diphtérie, tétanos, coqueluche, poliomyélite", "", "1re dose", "non renseigné"},
				vaccine{30, 200, "J07BD52", "Vaccin rougeole, oreillons, rubéole", "", "1re dose", "non renseigné"},
				vaccine{26, 90, "J07BD52", "Vaccin rougeole, oreillons, rubéole", "", "2e dose", "non renseigné"},
				vaccine{7, 30, "J07CA02", "Vaccin diphtérie, tétanos, coqueluche, poliomyélite", "RD4417", "Rappel", "{dr-traitant}"},
				vaccine{0, 5, "J07BB02", "Vaccin grippe saisonnière quadrivalent inactivé", "FX2209A", "Dose annuelle", "{ide-nadia}"})}},
		{key: "alice-volontes", patient: "alice", as: "patient:alice", days: 400, clock: "21:05", kind: wishes, content: "97",
			title: "Mes volontés et ma personne de confiance", events: []xds.Code{act("42348-3", "Volontés")},
			file: plain("Je désigne mon frère Léo comme personne de confiance.", "", "Il est d'accord et il a une copie de ce document.",
				"Je souhaite que ma sœur soit prévenue la première en cas d'hospitalisation.", "", "Don d'organes : je ne suis pas inscrite au registre des refus.", "", "Alice")},
		{key: "alice-directives", patient: "alice", as: "patient:alice", days: 399, clock: "21:30", kind: directives, content: "97",
			title: "Mes directives anticipées", events: []xds.Code{act("42348-3", "Directives anticipées")},
			sections: []section{
				text("42348-3", "Ce que je souhaite", "Si je ne peux plus m'exprimer et que les médecins jugent mon état irréversible, je demande que l'on n'entreprenne pas de réanimation prolongée.",
					"Je souhaite que la douleur soit soulagée, même si cela doit abréger ma vie."),
				text("51847-2", "Ce que je refuse", "Une alimentation artificielle prolongée au-delà de deux mois sans espoir d'amélioration."),
				text("18776-5", "Révision", "Je relirai ce document à chaque changement important de ma santé. Écrit le {0j}."),
			}},
		{key: "alice-remboursements", patient: "alice", as: "assurance-maladie", days: 360, clock: "06:00", lasted: 180 * 24 * time.Hour, kind: reimbursements, content: "97",
			title: "Historique des remboursements", events: []xds.Code{act("48768-6", "Remboursements")},
			sections: []section{
				rows("48768-6", "Soins remboursés", []string{"Date", "Nature", "Prescripteur ou exécutant"},
					[]string{"{-12j}", "Consultation de médecine générale", "{dr-traitant}"}, []string{"{-55j}", "Vaccin antigrippal et injection", "{ide-nadia}"},
					[]string{"{-102j}", "Béclométasone et formotérol", "{dr-durand}"}, []string{"{-150j}", "Consultation de pneumologie", "{chu-lille}"}),
				text("46057-6", "Hospitalisations", "Aucun séjour remboursé sur la période."),
			}},
	}
}
