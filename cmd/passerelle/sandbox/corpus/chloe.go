package corpus

import "github.com/passerelle-sante/passerelle/xds"

// chloe is 15: one of her documents is hidden from her parents, as she asked.
func chloe() []document {
	return []document{
		{key: "chloe-examen", patient: "chloe", as: "dr-traitant", days: 380, clock: "16:45", kind: childExam, content: "60",
			title: "Examen de santé de l'adolescente", events: []xds.Code{act("59283-2", "Examen de l'enfant")},
			sections: []section{
				rows("8716-3", "Mesures", []string{"Mesure", "Valeur"}, []string{"Taille", "164 cm"}, []string{"Poids", "53 kg"}, []string{"Tension", "108/64 mmHg"}, []string{"Acuité visuelle", "10/10 et 9/10"}),
				text("29545-1", "Examen", "Développement pubertaire achevé. Rachis : gibbosité de 4 mm, sans retentissement. Calendrier vaccinal à compléter (papillomavirus)."),
				text("51847-2", "Conclusion", "Bonne santé. Contrôle du rachis dans un an. Temps d'entretien seule proposé et accepté."),
			}},
		{key: "chloe-hpv", patient: "chloe", as: "dr-traitant", days: 350, clock: "17:20", kind: vaccineNote, content: "60",
			title: "Note de vaccination", events: []xds.Code{act("87273-9", "Note de vaccination")},
			sections: []section{vaccines("Vaccination", vaccine{0, 0, "J07BM03", "Vaccin papillomavirus humain 9-valent", "HV7731", "1re dose", "{dr-traitant}"}).
				and("Deltoïde droit, sans incident. Deuxième dose à prévoir dans six mois.")}},
		{key: "chloe-vaccins", patient: "chloe", as: "dr-traitant", days: 160, clock: "17:00", kind: vaccineHistory, content: "60",
			title: "Historique des vaccinations", events: []xds.Code{act("11369-6", "Historique des vaccinations")},
			sections: []section{vaccines("Vaccinations",
				vaccine{13, 60, "J07BD52", "Vaccin rougeole, oreillons, rubéole", "", "1re dose", "non renseigné"}, vaccine{13, 0, "J07AH07", "Vaccin méningocoque C conjugué", "", "Dose unique", "non renseigné"},
				vaccine{3, 200, "J07CA02", "Vaccin diphtérie, tétanos, coqueluche, poliomyélite", "TC0218", "Rappel", "{dr-traitant}"},
				vaccine{0, 190, "J07BM03", "Vaccin papillomavirus humain 9-valent", "HV7731", "1re dose", "{dr-traitant}"}, vaccine{0, 0, "J07BM03", "Vaccin papillomavirus humain 9-valent", "HV8042", "2e dose", "{dr-traitant}"})}},
		{key: "chloe-contraception", patient: "chloe", as: "dr-durand", days: 70, clock: "13:10", kind: consultation, content: "60", marks: xds.Marks{HiddenReps: true},
			title: "Première consultation de contraception", events: []xds.Code{act("11488-4", "Consultation")}, comments: "Non visible par les représentants légaux, à la demande de la mineure",
			sections: []section{
				text("46239-0", "Motif", "Demande de contraception, consultation confidentielle. La patiente ne souhaite pas que ses parents en soient informés."),
				text("29545-1", "Examen", "Tension 110/66 mmHg, poids 54 kg. Pas d'antécédent de migraine ni de thrombose familiale. Pas d'examen gynécologique ce jour."),
				text("51847-2", "Conclusion", "Contraception œstroprogestative de première intention, mode d'emploi et conduite en cas d'oubli expliqués. Préservatifs. À revoir dans trois mois."),
			}},
		{key: "chloe-sport", patient: "chloe", as: "dr-durand", days: 68, clock: "18:05", kind: certificate, content: "60",
			title: "Certificat de non-contre-indication à la pratique du handball", events: []xds.Code{act("89601-9", "Certificat")},
			sections: []section{text("51855-5", "Certificat", "L'examen pratiqué ce jour, le {0j}, ne montre pas de contre-indication à la pratique du handball en compétition.",
				"Certificat établi à la demande de la famille et remis en main propre.")}},
	}
}
