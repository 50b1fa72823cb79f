package cast

import (
	"fmt"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// The JDV_J02 and JDV_J04 codes of the cast's structures.
var (
	publicHospital = xds.Code{Value: "SA01", Scheme: facilityOID, Display: "Etablissement public de santé"}
	soloPractice   = xds.Code{Value: "SA07", Scheme: facilityOID, Display: "Cabinet individuel"}
	groupPractice  = xds.Code{Value: "SA08", Scheme: facilityOID, Display: "Cabinet de groupe"}
	insurance      = xds.Code{Value: "SA24", Scheme: facilityOID, Display: "Organisme de sécurité sociale"}
	laboratory     = xds.Code{Value: "SA25", Scheme: facilityOID, Display: "Laboratoire de biologie médicale"}
	pharmacy       = xds.Code{Value: "SA33", Scheme: facilityOID, Display: "Pharmacie d'officine"}
	healthCentre   = xds.Code{Value: "SA52", Scheme: facilityOID, Display: "Maison de santé ou Pôle de santé"}

	ambulatory = xds.Code{Value: "AMBULATOIRE", Scheme: settingOID, Display: "Ambulatoire"}
	hospital   = xds.Code{Value: "ETABLISSEMENT", Scheme: settingOID, Display: "Etablissement de santé"}
	homeCare   = xds.Code{Value: "SAD", Scheme: settingOID, Display: "Soins à domicile"}
	samu       = xds.Code{Value: "SAMU_SMUR", Scheme: settingOID, Display: "SAMU/SMUR"}
	insurer    = xds.Code{Value: "AMO", Scheme: settingOID, Display: "Organisme d'assurance maladie obligatoire"}
)

const (
	facilityOID = "1.2.250.1.71.4.2.4"
	settingOID  = "1.2.250.1.213.1.1.4.9"
)

var specialties = map[string]string{
	"G15_10":      "Médecin",
	"G15_10/SM03": "Médecin - Biologie médicale (SM)",
	"G15_10/SM26": "Médecin - Qualifié en Médecine Générale (SM)",
	"G15_10/SM44": "Médecin - Radio-diagnostic (SM)",
	"G15_10/SM59": "Médecin - Médecine d'urgence (SM)",
	"G15_21/A":    "Pharmacien titulaire d'officine",
	"G15_40":      "Chirurgien-Dentiste",
	"G15_60":      "Infirmier",
	"G15_80":      "Pédicure-Podologue",
}

const year = 365 * 24 * time.Hour

// commune is a number that no commune of the department 59 bears.
const commune = "59999"

func patients(at time.Time) []Patient {
	// chloe turns 15 in the twelve months before the seeding.
	chloe := time.Date(at.Year()-15, time.July, 17, 0, 0, 0, 0, time.UTC)
	if at.Before(chloe.AddDate(15, 0, 0)) {
		chloe = chloe.AddDate(-1, 0, 0)
	}
	all := []Patient{
		{Name: "alice", Family: "GARNIER", Given: "Alice", Sex: "F", BirthDate: "1993-03-14", LocalID: "590001472",
			Settings: authz.DefaultSettings, Delegates: []Person{{Name: "leo", Family: "GARNIER", Given: "Léo"}}},
		{Name: "bruno", Family: "MOREL", Given: "Bruno", Sex: "M", BirthDate: "1964-11-02", LocalID: "590001538",
			Settings: authz.Settings{MaskAll: true, SamuOK: true, BdgOK: true}},
		{Name: "chloe", Family: "VASSEUR", Given: "Chloé", Sex: "F", BirthDate: chloe.Format(time.DateOnly), LocalID: "590001604",
			Settings: authz.DefaultSettings, Representatives: []Person{{Family: "VASSEUR", Given: "Hélène"}, {Family: "VASSEUR", Given: "Thomas"}}},
		{Name: "david", Family: "RENARD", Given: "David", Sex: "M", BirthDate: "1981-06-21", LocalID: "590001670",
			Settings: authz.Settings{SamuOK: false, BdgOK: false}},
		{Name: "emma", Family: "COLLIN", Given: "Emma", Sex: "F", BirthDate: "1977-09-30", LocalID: "590001736",
			Settings: authz.DefaultSettings, State: "closed", ClosedFor: 2*year + 2*24*time.Hour},
		{Name: "farid", Family: "BENALI", Given: "Farid", Sex: "M", BirthDate: "1990-01-17", LocalID: "590001802",
			Settings: authz.DefaultSettings, State: "opposed"},
		{Name: "gina", Family: "ROSSI", Given: "Gina", Sex: "F", BirthDate: "1973-05-08", LocalID: "590001868",
			Settings: authz.DefaultSettings},
	}
	for i := range all {
		p := &all[i]
		p.INS = xds.NewCX(NIR(p.Sex, p.BirthDate, commune, fmt.Sprintf("%03d", 11+i)), TestINS, "NH")
		if p.State == "" {
			p.State, p.Administrator = "active", "dr-traitant"
		}
	}
	return all
}

func professionals() []Professional {
	lille := Structure{ID: "1599990017", Name: "CHU de Lille-Test", Facility: publicHospital, Setting: hospital,
		Street: "2 avenue du Beffroi", PostalCode: "59000", City: "Lille", Phone: "0353010100"}
	lab := Structure{ID: "1599990025", Name: "Laboratoire Bio-Lab des Flandres", Facility: laboratory, Setting: ambulatory,
		Street: "14 rue des Tanneurs", PostalCode: "59000", City: "Lille", Phone: "0353010214"}
	return []Professional{
		{Name: "dr-traitant", Kind: KindPro, ID: "899900001100", Family: "CARPENTIER", Given: "Claire", Profession: "10", Specialty: "SM26",
			Structure: Structure{ID: "1599990033", Name: "Cabinet du Dr Carpentier", Facility: soloPractice, Setting: ambulatory,
				Street: "8 rue de la Clef", PostalCode: "59800", City: "Lille", Phone: "0353010308"}},
		{Name: "dr-durand", Kind: KindPro, ID: "899900001217", Family: "DURAND", Given: "Philippe", Profession: "10", Specialty: "SM26",
			Structure: Structure{ID: "1599990041", Name: "Cabinet médical des Moulins", Facility: groupPractice, Setting: ambulatory,
				Street: "31 rue d'Arras", PostalCode: "59000", City: "Lille", Phone: "0353010431"}},
		{Name: "dr-hopital", Kind: KindPro, ID: "899900001324", Family: "LECLERCQ", Given: "Hugo", Profession: "10", Structure: lille},
		{Name: "dr-bloque", Kind: KindPro, ID: "899900001431", Family: "BRIDOUX", Given: "Serge", Profession: "10", Specialty: "SM26",
			Structure: Structure{ID: "1599990058", Name: "Cabinet du Dr Bridoux", Facility: soloPractice, Setting: ambulatory,
				Street: "5 place du Concert", PostalCode: "59800", City: "Lille", Phone: "0353010505"}},
		{Name: "ide-nadia", Kind: KindPro, ID: "899900001548", Family: "HADDAD", Given: "Nadia", Profession: "60",
			Structure: Structure{ID: "1599990066", Name: "Cabinet infirmier Wazemmes", Facility: soloPractice, Setting: homeCare,
				Street: "77 rue Léon Gambetta", PostalCode: "59000", City: "Lille", Phone: "0353010677"}},
		{Name: "podo-paul", Kind: KindPro, ID: "899900001654", Family: "PRUVOST", Given: "Paul", Profession: "80",
			Structure: Structure{ID: "1599990074", Name: "Cabinet de podologie Saint-Maurice", Facility: soloPractice, Setting: ambulatory,
				Street: "19 rue du Faubourg de Roubaix", PostalCode: "59800", City: "Lille", Phone: "0353010719"}},
		{Name: "dent-rose", Kind: KindPro, ID: "899900001761", Family: "DELATTRE", Given: "Rose", Profession: "40",
			Structure: Structure{ID: "1599990082", Name: "Cabinet dentaire Vauban", Facility: groupPractice, Setting: ambulatory,
				Street: "3 boulevard Vauban", PostalCode: "59800", City: "Lille", Phone: "0353010803"}},
		{Name: "samu-31", Kind: KindPro, ID: "899900001878", Family: "CASTAING", Given: "Maylis", Profession: "10", Specialty: "SM59", Regulator: true,
			Structure: Structure{ID: "1319990016", Name: "SAMU 31-Test", Facility: publicHospital, Setting: samu,
				Street: "1 place de la Régulation", PostalCode: "31000", City: "Toulouse", Phone: "0536490115"}},
		{Name: "dr-urg", Kind: KindPro, ID: "899900001985", Family: "FAUVEL", Given: "Inès", Profession: "10", Specialty: "SM59",
			Structure: Structure{ID: "1629990011", Name: "Centre hospitalier d'Arras-Test", Facility: publicHospital, Setting: hospital,
				Street: "6 route des Urgences", PostalCode: "62000", City: "Arras", Phone: "0353010906"}},
		{Name: "dr-inconnu", Kind: KindPro, ID: "899900002090", Family: "TISSERAND", Given: "Yann", Profession: "10", Specialty: "SM26",
			Structure: Structure{ID: "1299990010", Name: "Maison de santé de la Rade", Facility: healthCentre, Setting: ambulatory,
				Street: "12 quai de la Rade", PostalCode: "29200", City: "Brest", Phone: "0261910012"}},
		{Name: "bio-lab", Kind: KindStruct, ID: lab.ID, Structure: lab},
		{Name: "chu-lille", Kind: KindStruct, ID: lille.ID, Structure: lille},
		{Name: "operateur", Kind: KindOther, ID: "899900002199", Family: "MERCIER", Given: "Alix", Profession: "EXPLOITANT"},
	}
}

func depositors() []Professional {
	structures := []struct {
		name string
		s    Structure
	}{
		{"pharmacie-halles", Structure{ID: "1599990090", Name: "Pharmacie des Halles", Facility: pharmacy, Setting: ambulatory,
			Street: "40 rue Solférino", PostalCode: "59000", City: "Lille", Phone: "0353011040"}},
		{"imagerie-deule", Structure{ID: "1599990108", Name: "Centre d'imagerie de la Deûle", Facility: groupPractice, Setting: ambulatory,
			Street: "22 quai du Wault", PostalCode: "59000", City: "Lille", Phone: "0353011122"}},
		{"assurance-maladie", Structure{ID: "1759990013", Name: "Assurance Maladie-Test", Facility: insurance, Setting: insurer,
			Street: "1 rue de la Solidarité", PostalCode: "75020", City: "Paris", Phone: "0199001201"}},
	}
	all := make([]Professional, len(structures))
	for i, e := range structures {
		all[i] = Professional{Name: e.name, Kind: KindStruct, ID: e.s.ID, Structure: e.s}
	}
	return all
}

var links = []Link{
	{"dr-durand", "alice", "consent"},
	{"dr-durand", "bruno", "consent"},
	{"dr-durand", "chloe", "consent"},
	{"dr-durand", "gina", "consent"},
	{"dr-hopital", "alice", "team"},
	{"ide-nadia", "alice", "team"},
	{"podo-paul", "alice", "consent"},
	{"dent-rose", "alice", "consent"},
}

// dr-bloque had alice's consent: blocking ended the link (C-14).
var blocks = []Pair{{"dr-bloque", "alice"}}

// Everybody but dr-inconnu and dr-urg connected once, on the linked records or on alice's.
var connected = []Pair{
	{"dr-traitant", "alice"},
	{"dr-durand", "alice"}, {"dr-durand", "bruno"}, {"dr-durand", "chloe"}, {"dr-durand", "gina"},
	{"dr-hopital", "alice"}, {"dr-bloque", "alice"}, {"ide-nadia", "alice"}, {"podo-paul", "alice"},
	{"dent-rose", "alice"}, {"samu-31", "alice"},
}
