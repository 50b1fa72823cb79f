package sandbox

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/xds"
)

// patient is a member of the cast with a record.
type patient struct {
	Name            string         `json:"name"`
	Record          string         `json:"record"`
	INS             xds.CX         `json:"ins"`
	Family          string         `json:"family"`
	Given           string         `json:"given"`
	Sex             string         `json:"sex"`
	BirthDate       string         `json:"birthDate"` // YYYY-MM-DD
	State           string         `json:"state"`
	Settings        authz.Settings `json:"settings"`
	Administrator   string         `json:"administrator,omitempty"`
	Representatives []person       `json:"representatives"`
	Delegates       []person       `json:"delegates"`
}

// person is a representative or a relative.
type person struct {
	As     string `json:"as"` // rep:chloe:2, delegate:alice
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	Family string `json:"family"`
	Given  string `json:"given"`
}

// professional is a member of the cast with a directory entry.
type professional struct {
	Name          string `json:"name"`
	Kind          string `json:"kind"`
	ID            string `json:"id"`
	Profession    string `json:"profession"`
	Specialty     string `json:"specialty"`
	Structure     string `json:"structure"`
	Regulator     bool   `json:"regulator"`
	Family        string `json:"family,omitempty"`
	Given         string `json:"given,omitempty"`
	StructureName string `json:"structureName,omitempty"`
}

// state is what the sandbox keeps beside its databases: when it was seeded, how far
// its clock is ahead, and who is in the cast. It is replaced whole.
type state struct {
	Seeded        time.Time      `json:"seeded"`
	Ahead         time.Duration  `json:"ahead"`
	Patients      []patient      `json:"patients"`
	Professionals []professional `json:"professionals"`
	Depositors    []professional `json:"depositors"` // of the seed; no members of the cast
}

// record is the opaque id of a cast member's record: the same in every sandbox, so
// that it survives a reset.
func recordID(name string) string { return derivedID("record:" + name) }

func personID(as string) string { return derivedID("person:" + as) }

func derivedID(what string) string {
	sum := sha256.Sum256([]byte("passerelle sandbox " + what))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newState is the cast as design §7 names it, seeded at an instant.
func newState(seeded time.Time, c cast.Cast) state {
	st := state{Seeded: seeded}
	for _, p := range c.Patients {
		st.Patients = append(st.Patients, patientOf(p))
	}
	for _, p := range c.Professionals {
		st.Professionals = append(st.Professionals, professionalOf(p))
	}
	for _, p := range c.Depositors {
		st.Depositors = append(st.Depositors, professionalOf(p))
	}
	return st
}

func professionalOf(p cast.Professional) professional {
	return professional{
		Name: p.Name, Kind: p.Kind, ID: p.ID, Profession: p.Profession, Specialty: p.Specialty, Structure: p.Structure.ID,
		Regulator: p.Regulator, Family: p.Family, Given: p.Given, StructureName: p.Structure.Name,
	}
}

func patientOf(p cast.Patient) patient {
	out := patient{
		Name: p.Name, Record: recordID(p.Name), INS: p.INS, Family: p.Family, Given: p.Given, Sex: p.Sex, BirthDate: p.BirthDate,
		State: p.State, Settings: p.Settings, Administrator: p.Administrator, Representatives: []person{}, Delegates: []person{},
	}
	for i, r := range p.Representatives {
		as := repName(p.Name, i)
		out.Representatives = append(out.Representatives, person{As: as, ID: personID(as), Family: r.Family, Given: r.Given})
	}
	for _, d := range p.Delegates {
		as := "delegate:" + p.Name
		out.Delegates = append(out.Delegates, person{As: as, ID: personID(as), Name: d.Name, Family: d.Family, Given: d.Given})
	}
	return out
}

// repName is rep:chloe for the first representative, rep:chloe:2 for the second.
func repName(patient string, i int) string {
	if i == 0 {
		return "rep:" + patient
	}
	return fmt.Sprintf("rep:%s:%d", patient, i+1)
}

func (st *state) patient(name string) (patient, bool) {
	for _, p := range st.Patients {
		if p.Name == name || p.Record == name {
			return p, true
		}
	}
	return patient{}, false
}

// professional finds a member or a depositor by name, else by id: a structure has
// the id that its professionals carry, and its own name.
func (st *state) professional(nameOrID string) (professional, bool) {
	all := slices.Concat(st.Professionals, st.Depositors)
	for _, by := range []func(professional) string{
		func(p professional) string { return p.Name }, func(p professional) string { return p.ID },
	} {
		if i := slices.IndexFunc(all, func(p professional) bool { return by(p) == nameOrID }); i >= 0 {
			return all[i], true
		}
	}
	return professional{}, false
}

// compact is a date without its hyphens: the tokens carry YYYYMMDD.
func compact(date string) string { return strings.ReplaceAll(date, "-", "") }

// load reads the kept state; found is false the first time.
func load(dir string) (st state, found bool, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, "sandbox.json"))
	if errors.Is(err, os.ErrNotExist) {
		return st, false, nil
	}
	if err != nil {
		return st, false, err
	}
	return st, true, json.Unmarshal(raw, &st)
}

// save keeps the state, whole or not at all.
func (st *state) save(dir string) error {
	raw, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return err
	}
	temp := filepath.Join(dir, "sandbox.json.new")
	if err := os.WriteFile(temp, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(temp, filepath.Join(dir, "sandbox.json"))
}
