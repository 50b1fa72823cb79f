package fhir

// listTable are the parameters of ITI-66.
func listTable() map[string]searchParam { return commonTable() }
