package cast

import (
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
)

var seed = time.Date(2026, time.November, 22, 9, 0, 0, 0, time.UTC)

// TestNIR checks the key on a number whose key is known, that of the example in domain §3.1.
func TestNIR(t *testing.T) {
	if got := NIR("F", "1979-03-28", "51215", "189"); got != "279035121518989" {
		t.Errorf("NIR = %s", got)
	}
}

func TestIdentifiers(t *testing.T) {
	all := All(seed)
	seen := map[string]string{}
	claim := func(id, name string) {
		if owner, taken := seen[id]; taken && owner != name {
			t.Errorf("%s and %s share an identifier", owner, name)
		}
		seen[id] = name
	}
	for _, p := range all.Patients {
		if !p.INS.Valid() || p.INS.Authority() != TestINS || p.INS.Type() != "NH" {
			t.Errorf("%s: INS %s", p.Name, p.INS)
		}
		value := p.INS.ID()
		n, err := strconv.ParseInt(value[:13], 10, 64)
		if err != nil || len(value) != 15 || value[13:] != strconv.FormatInt(197-n%97, 10)[1:] {
			t.Errorf("%s: key of %s", p.Name, value)
		}
		if value[1:5] != p.BirthDate[2:4]+p.BirthDate[5:7] || (value[0] == '2') != (p.Sex == "F") {
			t.Errorf("%s: %s does not follow from %s %s", p.Name, value, p.Sex, p.BirthDate)
		}
		claim(value, p.Name)
	}
	person := regexp.MustCompile(`^899900\d{6}$`)
	structure := regexp.MustCompile(`^1\d{2}999\d{4}$`)
	for _, p := range slices.Concat(all.Professionals, all.Depositors) {
		if p.Kind == KindOther { // of no structure, and no professional
			if claim(p.ID, p.Name); !person.MatchString(p.ID) || !luhn(p.ID[1:]) || p.Structure.ID != "" || p.XCN() != "" {
				t.Errorf("%s: %+v", p.Name, p)
			}
			continue
		}
		if !structure.MatchString(p.Structure.ID) || !luhn(p.Structure.ID[1:]) {
			t.Errorf("%s: structure %s", p.Name, p.Structure.ID)
		}
		claim(p.Structure.ID, p.Structure.Name)
		if p.Kind == KindStruct {
			if p.ID != p.Structure.ID || p.XCN() != "" {
				t.Errorf("%s: a structure is its own identity", p.Name)
			}
			continue
		}
		if !person.MatchString(p.ID) || !luhn(p.ID[1:]) || p.SpecialtyCode().Display == "" {
			t.Errorf("%s: id %s, specialty %v", p.Name, p.ID, p.SpecialtyCode())
		}
		claim(p.ID, p.Name)
	}
}

// luhn is the check of RPPS and FINESS numbers.
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// TestMembers holds each member against the sentence of design §7 that names it.
func TestMembers(t *testing.T) {
	all := All(seed)
	names := func(patients []Patient, keep func(Patient) bool) (got []string) {
		for _, p := range patients {
			if keep(p) {
				got = append(got, p.Name)
			}
		}
		return got
	}
	same := func(what string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	same("active", names(all.Patients, func(p Patient) bool { return p.State == "active" }), "alice", "bruno", "chloe", "david", "gina")
	same("administered", names(all.Patients, func(p Patient) bool { return p.Administrator == "dr-traitant" }), "alice", "bruno", "chloe", "david", "gina")
	same("closed", names(all.Patients, func(p Patient) bool {
		return p.State == "closed" && p.ClosedFor > 2*year && p.ClosedFor < 2*year+7*24*time.Hour
	}), "emma")
	same("opposed", names(all.Patients, func(p Patient) bool { return p.State == "opposed" }), "farid")
	same("two representatives", names(all.Patients, func(p Patient) bool { return len(p.Representatives) == 2 }), "chloe")
	same("no emergency", names(all.Patients, func(p Patient) bool { return !p.Settings.SamuOK && !p.Settings.BdgOK }), "david")
	same("all masked", names(all.Patients, func(p Patient) bool { return p.Settings.MaskAll && !p.Settings.MaskedOK }), "bruno")
	same("defaults", names(all.Patients, func(p Patient) bool { return p.Settings == authz.DefaultSettings }), "alice", "chloe", "emma", "farid", "gina")
	same("delegates", names(all.Patients, func(p Patient) bool { return len(p.Delegates) == 1 && p.Delegates[0].Name == "leo" }), "alice")

	var members, regulators, silent []string
	for _, p := range all.Professionals {
		members = append(members, p.Name)
		if p.Regulator {
			regulators = append(regulators, p.Name)
		}
		if p.Kind == KindPro && !slices.ContainsFunc(all.Connected, func(c Pair) bool { return c.Professional == p.Name }) {
			silent = append(silent, p.Name)
		}
	}
	same("professionals", members, "dr-traitant", "dr-durand", "dr-hopital", "dr-bloque", "ide-nadia", "podo-paul", "dent-rose",
		"samu-31", "dr-urg", "dr-inconnu", "bio-lab", "chu-lille", "operateur")
	same("regulators", regulators, "samu-31")
	same("never connected", silent, "dr-urg", "dr-inconnu")
	physician, _ := all.Professional("dr-hopital")
	chu, ok := all.Professional("chu-lille")
	if !ok || physician.Structure != chu.Structure {
		t.Error("dr-hopital does not work at chu-lille")
	}
	for _, l := range all.Links {
		if _, ok := all.Professional(l.Professional); !ok {
			t.Errorf("link of unknown %s", l.Professional)
		}
	}
}

// TestChloe is 15 whatever the day of the seeding.
func TestChloe(t *testing.T) {
	for day := range 400 {
		at := seed.AddDate(0, 0, day)
		p, _ := All(at).Patient("chloe")
		fifteen, sixteen := p.Born().AddDate(15, 0, 0), p.Born().AddDate(16, 0, 0)
		if at.Before(fifteen) || !at.Before(sixteen) {
			t.Fatalf("on %s chloe, born %s, is not 15", at.Format(time.DateOnly), p.BirthDate)
		}
	}
}
