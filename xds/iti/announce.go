package iti

import "github.com/passerelle-sante/passerelle/xds/xmlgate"

// Announces is the body that a wsa:Action announces, whichever endpoint takes it
// (ITI TF-2 V.3.2.1): what an offline check compares a message with.
func Announces(action string) (body xmlgate.Name, known bool) {
	for _, t := range transactions {
		if t.action == action {
			return t.body, true
		}
	}
	return xmlgate.Name{}, false
}

// Actions are those that the face takes.
func Actions() []string {
	all := make([]string, len(transactions))
	for i, t := range transactions {
		all[i] = t.action
	}
	return all
}
