package corpus

import (
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// emma closed her record two years ago; what it held is kept.
func emma() []document {
	return []document{
		{key: "emma-fatigue", patient: "emma", as: "dr-durand", days: 860, clock: "10:50", kind: consultation, content: "60",
			title: "Consultation : asthénie", events: []xds.Code{act("11488-4", "Consultation")},
			sections: []section{
				text("46239-0", "Motif", "Fatigue depuis deux mois, frilosité, prise de 4 kg."),
				text("29545-1", "Examen", "Fréquence cardiaque 56 /min, peau sèche, thyroïde palpée sans nodule."),
				text("51847-2", "Conclusion", "Hypothyroïdie probable, bilan demandé."),
			}},
		{key: "emma-tsh", patient: "emma", as: "bio-lab", author: "biologiste", days: 855, clock: "16:40", lasted: 8 * time.Hour, kind: biology, content: "26", order: "BL-240677",
			title: "Bilan thyroïdien", events: []xds.Code{act("18719-5", "Biochimie")},
			sections: []section{results("18719-5", "Biochimie", result{"3016-3", "TSH", "11.6", "m[IU]/L", "0.4", "4.0", "H"}, result{"3024-7", "T4 libre", "7.9", "ng/L", "8.0", "17.0", "L"}).
				and("Hypothyroïdie périphérique. Contrôle et anticorps antithyroperoxydase à la demande du prescripteur.")}},
	}
}

// gina waits for the result of a biopsy that only a doctor may tell her.
func gina() []document {
	return []document{
		{key: "gina-nodule", patient: "gina", as: "dr-durand", days: 34, clock: "12:00", kind: consultation, content: "60",
			title: "Consultation : nodule du sein droit", events: []xds.Code{act("11488-4", "Consultation")},
			sections: []section{
				text("46239-0", "Motif", "Nodule perçu à l'autopalpation il y a une semaine."),
				text("29545-1", "Examen", "Nodule ferme de 15 mm du quadrant supéro-externe droit, mobile, sans signe cutané. Aires ganglionnaires libres."),
				text("51847-2", "Conclusion", "Mammographie et échographie demandées sans délai."),
			}},
		{key: "gina-mammographie", patient: "gina", as: "imagerie-deule", author: "radiologue", days: 27, clock: "10:25", kind: imaging, content: "60", order: "2026-0977",
			title: "Mammographie et échographie mammaire", events: []xds.Code{act("24606-6", "Mammographie"), ccam("QEQK001", "Mammographie bilatérale")},
			sections: []section{
				text("18785-6", "Indication", "Nodule palpé du sein droit, adressée par le {dr-durand}."),
				text("59776-5", "Résultats", "Sein droit : opacité de 14 mm à contours irréguliers du quadrant supéro-externe, hypoéchogène, atténuante. Sein gauche normal. Ganglions axillaires d'aspect habituel."),
				text("19005-8", "Conclusion", "ACR 5 à droite, ACR 1 à gauche. Microbiopsie échoguidée à organiser."),
			}},
		{key: "gina-adressage", patient: "gina", as: "dr-durand", days: 26, clock: "19:15", kind: referral, content: "60",
			title: "Lettre d'adressage au centre du sein", events: []xds.Code{act("96349-6", "Adressage")},
			sections: []section{
				text("42349-1", "Demande", "Chers confrères, je vous adresse Mme Rossi, {age}, pour une microbiopsie d'un nodule du sein droit classé ACR 5 le {-1j}."),
				list("11348-0", "Antécédents", "Ménopause il y a deux ans, pas de traitement hormonal", "Tante maternelle : cancer du sein à 61 ans", "Hypertension traitée"),
				text("51847-2", "Contexte", "Patiente informée de la nécessité d'un prélèvement, anxieuse. Une consultation d'annonce avec vous est souhaitée avant toute transmission du résultat."),
			}},
		{key: "gina-coagulation", patient: "gina", as: "bio-lab", author: "biologiste", days: 20, clock: "13:50", lasted: 5 * time.Hour, kind: biology, content: "26", order: "BL-261834",
			title: "Hémogramme avant biopsie", events: []xds.Code{act("18723-7", "Hématologie")},
			sections: []section{results("18723-7", "Hématologie",
				result{"718-7", "Hémoglobine", "13.1", "g/dL", "12.0", "16.0", ""}, result{"777-3", "Plaquettes", "246", "10*9/L", "150", "400", ""}, result{"5894-1", "Taux de prothrombine", "96", "%", "70", "120", ""})}},
		{key: "gina-biopsie", patient: "gina", as: "chu-lille", author: "dr-hopital", days: 6, clock: "17:30", kind: pathology, content: "07", order: "ACP-20914", marks: xds.Marks{HiddenPatient: true},
			title: "Anatomie pathologique : microbiopsie mammaire", events: []xds.Code{act("11526-1", "Anatomie et cytologie pathologiques"), ccam("QEHJ001", "Biopsie de lésion de la glande mammaire")},
			comments: "Non visible par la patiente jusqu'à la consultation d'annonce",
			sections: []section{
				text("22636-5", "Renseignements cliniques", "Sein droit, quadrant supéro-externe, nodule de 14 mm ACR 5. Quatre prélèvements."),
				text("22634-0", "Macroscopie", "Quatre carottes de 12 à 18 mm, fixées au formol, incluses en totalité."),
				text("22635-7", "Microscopie", "Prolifération carcinomateuse infiltrante d'architecture trabéculaire, sans embole visible. Composante in situ de bas grade."),
				text("22637-3", "Conclusion", "Carcinome infiltrant de type non spécifique, grade 2. Récepteurs hormonaux en cours. À présenter en réunion de concertation pluridisciplinaire après l'annonce."),
			}},
	}
}
