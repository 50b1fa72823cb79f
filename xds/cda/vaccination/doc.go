// Package vaccination reads the acts of vaccination that stand in CDA vaccination
// notes and histories, writes the note of one act, and tells by a calendar which
// vaccinations are due. It knows neither FHIR nor HTTP, decides about nobody's
// rights and keeps nothing: an act is a view of a document.
//
// Whoever calls Read has been shown the document; what it gives is about that
// document alone. A text that is not a vaccination document gives findings and no act.
//
// Sources: CI-SIS VAC-NOTE 2023.01 (templates 1.2.250.1.213.1.1.1.46, …3.45),
// IHE PCC Immunizations (1.3.6.1.4.1.19376.1.5.3.1.4.12), domain §6.
package vaccination
