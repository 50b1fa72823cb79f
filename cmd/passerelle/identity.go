package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/lot"
	"github.com/passerelle-sante/passerelle/xds"
)

// maxToken bounds a VIHF or a token that is read, in bytes.
const maxToken = 1 << 20

// identity says who asks, about whom and how: the body of /sandbox/vihf and
// /sandbox/token (design §7).
type identity struct {
	As      string `required:"" placeholder:"NOM" help:"Qui demande : un nom du bac à sable, ou patient:NOM, rep:NOM, delegate:NOM." json:"as"`
	Patient string `placeholder:"NOM" help:"Patient, par son nom dans le bac à sable." json:"patient,omitempty"`
	Mode    string `enum:"normal,centre_15,bris_de_glace" default:"normal" placeholder:"MODE" help:"Mode d'accès : ${enum}." json:"mode,omitempty"`
	Reason  string `placeholder:"TEXTE" help:"Justification du bris de glace." json:"reason,omitempty"`
}

// AfterApply lets a refusal name who asked in the command that it suggests.
func (who *identity) AfterApply(p *program) error {
	p.who = *who
	return nil
}

// vihf asks the sandbox for an assertion.
func (g gateway) vihf(ctx context.Context, who identity) ([]byte, error) {
	answer, err := g.post(ctx, "/sandbox/vihf", who)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(io.LimitReader(answer.Body, maxToken))
}

// token asks the sandbox for an access token.
func (g gateway) token(ctx context.Context, who identity) (tokenAnswer, error) {
	var answer tokenAnswer
	err := g.call(ctx, http.MethodPost, "/sandbox/token", "", who, &answer)
	return answer, err
}

type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
}

// castAnswer is GET /sandbox/cast, as far as a client needs it.
type castAnswer struct {
	Patients      []castPatient `json:"patients"`
	Professionals []struct {
		Name          string `json:"name"`
		Kind          string `json:"kind"`
		ID            string `json:"id"`
		Family        string `json:"family"`
		Given         string `json:"given"`
		Structure     string `json:"structure"`
		StructureName string `json:"structureName"`
	} `json:"professionals"`
}

type castPatient struct {
	Name            string       `json:"name"`
	Record          string       `json:"record"`
	INS             xds.CX       `json:"ins"`
	Family          string       `json:"family"`
	Given           string       `json:"given"`
	Sex             string       `json:"sex"`
	BirthDate       string       `json:"birthDate"`
	Representatives []castPerson `json:"representatives"`
	Delegates       []castPerson `json:"delegates"`
}

type castPerson struct {
	As     string `json:"as"`
	ID     string `json:"id"`
	Family string `json:"family"`
	Given  string `json:"given"`
}

func (g gateway) cast(ctx context.Context) (castAnswer, error) {
	var all castAnswer
	err := g.call(ctx, http.MethodGet, "/sandbox/cast", "", nil, &all)
	return all, err
}

// sender is who a name of the cast is, as the author of what it submits.
func (all castAnswer) sender(as string) (lot.Sender, error) {
	for _, p := range all.Professionals {
		if p.Name != as && p.ID != as {
			continue
		}
		nature := authz.NaturePro
		if p.Kind == "struct" {
			nature = authz.NatureStructure
		}
		return lot.Sender{Nature: nature, ID: p.ID, Family: p.Family, Given: p.Given, Structure: p.Structure, StructureName: p.StructureName}, nil
	}
	for _, p := range all.Patients {
		if as == "patient:"+p.Name {
			return lot.Sender{Nature: authz.NaturePerson, ID: p.Record, Family: p.Family, Given: p.Given}, nil
		}
		for _, x := range append(append([]castPerson{}, p.Representatives...), p.Delegates...) {
			if x.As == strings.TrimSuffix(as, ":1") {
				return lot.Sender{Nature: authz.NaturePerson, ID: x.ID, Family: x.Family, Given: x.Given}, nil
			}
		}
	}
	return lot.Sender{}, misuse("--as : « "+as+" » n'est pas dans le bac à sable", "curl http://127.0.0.1:8080/sandbox/cast")
}

// patient is the INS and the record of a name of the cast.
func (all castAnswer) patient(name string) (ins xds.CX, record string, err error) {
	for _, p := range all.Patients {
		if p.Name == name || p.Record == name {
			return p.INS, p.Record, nil
		}
	}
	var names []string
	for _, p := range all.Patients {
		names = append(names, p.Name)
	}
	return "", "", misuse("--patient : « " + name + " » n'est pas un patient du bac à sable ; attendu : " + strings.Join(names, ", "))
}

// assertion is the VIHF of a request: a file, or one fresh from the sandbox.
func (g gateway) assertion(ctx context.Context, who identity, file string) ([]byte, error) {
	if file == "" {
		return g.vihf(ctx, who)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, environment("VIHF illisible : " + err.Error())
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxToken))
}

func (g gateway) post(ctx context.Context, path string, body identity) (*http.Response, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return g.send(ctx, http.MethodPost, g.base+path, "", http.Header{"Content-Type": {"application/json"}}, raw)
}
