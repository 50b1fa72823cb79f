package sandbox

import "github.com/passerelle-sante/passerelle/hl7v2"

// Engines are who may deposit by HL7 v2: each structure of the cast, MSH-4 being its
// name or its id.
func (s *Sandbox) Engines() (all []hl7v2.Sender) {
	for _, p := range s.cast().Professionals {
		if p.Kind != "struct" {
			continue
		}
		for _, facility := range []string{p.Name, p.ID} {
			all = append(all, hl7v2.Sender{Facility: facility, Structure: p.Structure, StructureName: p.Name})
		}
	}
	return all
}
