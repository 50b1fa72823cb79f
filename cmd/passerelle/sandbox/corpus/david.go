package corpus

import "github.com/passerelle-sante/passerelle/xds"

// david has a back pain and refuses both emergency modes.
func david() []document {
	return []document{
		{key: "david-lombalgie", patient: "david", as: "dr-traitant", days: 210, clock: "09:10", kind: consultation, content: "60",
			title: "Consultation : lombosciatique", events: []xds.Code{act("11488-4", "Consultation")},
			sections: []section{
				text("46239-0", "Motif", "Douleur lombaire basse irradiant à la face postérieure de la jambe gauche depuis dix jours, après un port de charge."),
				text("29545-1", "Examen", "Lasègue gauche à 40°. Réflexe achilléen gauche diminué. Pas de déficit moteur, pas de trouble sphinctérien."),
				text("51847-2", "Conclusion", "Lombosciatique S1 gauche non compliquée. Antalgiques, reprise progressive du mouvement. Imagerie si la douleur persiste à six semaines."),
			}},
		{key: "david-irm", patient: "david", as: "imagerie-deule", author: "radiologue", days: 165, clock: "15:55", kind: imaging, content: "60", order: "2026-0412",
			title: "IRM du rachis lombaire", events: []xds.Code{act("24968-0", "IRM du rachis lombaire"), ccam("LHQN001", "Remnographie du rachis")},
			sections: []section{
				text("18785-6", "Indication", "Sciatique gauche persistante à six semaines, adressé par le {dr-traitant}."),
				text("55111-9", "Technique", "Séquences sagittales T1 et T2, axiales T2, sans injection."),
				text("59776-5", "Résultats", "Hernie discale L5-S1 paramédiane gauche au contact de la racine S1. Discopathie dégénérative modérée L4-L5. Canal de calibre normal."),
				text("19005-8", "Conclusion", "Conflit disco-radiculaire S1 gauche, concordant avec la clinique."),
			}},
		{key: "david-kine", patient: "david", as: "dr-traitant", days: 160, clock: "11:05", kind: physiotherapy, content: "60",
			title: "Prescription de kinésithérapie", events: []xds.Code{act("57832-8", "Prescription de soins")},
			sections: []section{text("57828-6", "Prescription", "Rééducation du rachis lombaire pour lombosciatique gauche : gainage, étirements, école du dos. Quinze séances, deux par semaine.")}},
		{key: "david-teleconsultation", patient: "david", as: "dr-traitant", days: 100, clock: "20:00", kind: teleconsult, content: "60",
			title: "Compte rendu de téléconsultation", events: []xds.Code{act("85208-7", "Téléconsultation")},
			sections: []section{
				text("46239-0", "Motif", "Point à la fin des séances de kinésithérapie."),
				text("51847-2", "Conclusion", "Douleur résiduelle à 2 sur 10, marche sans limitation. Reprise du travail à temps plein le {5j}. Auto-rééducation poursuivie."),
			}},
	}
}
