package console

func init() {
	tables = append(tables, []string{"Titre", "Fichier", "Document remplacé"}, values(proDoorWords), values(patientDoorWords), values(accessWords), values(basisWords), values(stateWords), values(actedWords))
}
