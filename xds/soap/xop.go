package soap

import (
	"encoding/base64"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Include returns the Content-ID of the part that stands for the content of an
// element by a xop:Include, in the form of Part.ContentID; false when the
// element holds its content itself. In a Message returned by Read, every
// xop:Include has been checked.
func Include(e *xmlgate.Element) (contentID string, ok bool) {
	in := e.Child(NSXOP, "Include")
	if in == nil {
		return "", false
	}
	return cidKey(in.Attr("href")[len("cid:"):]), true
}

// include is one xop:Include of the envelope.
type include struct {
	element *xmlgate.Element
	cid     string
	met     bool // its part has been seen
}

// includes are the references of an envelope, by Content-ID.
type includes struct {
	body  map[string]*include
	token map[string]*include // in the security header, to be put back before it is verified
}

// findIncludes checks every xop:Include: alone in its parent, by cid: to another
// part, each part once; in the header only inside base64 elements of the
// security token (safety §2.3 E-82…E-86, E-97).
func findIncludes(root *xmlgate.Element, rootID string, limit int) (includes, xds.Errors) {
	in := includes{body: map[string]*include{}, token: map[string]*include{}}
	var es xds.Errors
	header := root.Child(NS, "Header")
	for e := range root.All() {
		if e.Space != NSXOP {
			continue
		}
		if len(es) >= xds.MaxFindings {
			break
		}
		if len(in.body)+len(in.token) > limit {
			es.Add(tooMany("xop:Include", limit))
			break
		}
		cid, problem := readInclude(e, rootID)
		if problem != nil {
			es.Add(problem)
			continue
		}
		into := in.body
		if within(e, header) {
			if !inToken(e, header) {
				es.Add(mend(e.Finding("MIME-002", "xop:Include dans l'en-tête", "le contenu de l'en-tête dans l'enveloppe"), "n'appliquer MTOM qu'au corps"))
				continue
			}
			into = in.token
		}
		if in.body[cid] != nil || in.token[cid] != nil {
			es.Add(e.Finding("MIME-002", "partie référencée deux fois", "une partie par xop:Include"))
			continue
		}
		into[cid] = &include{element: e, cid: cid}
	}
	if n := len(in.body) + len(in.token); n > limit {
		es.Add(tooMany("xop:Include", limit))
	}
	return in, es
}

func readInclude(e *xmlgate.Element, rootID string) (cid string, problem *xds.Error) {
	href := e.Attr("href")
	scheme, rest, _ := strings.Cut(href, ":")
	switch {
	case e.Local != "Include" || e.Parent == nil:
		return "", e.Finding("MIME-002", "xop:"+xds.Shorten(e.Local), "xop:Include")
	case !strings.EqualFold(scheme, "cid") || rest == "":
		return "", e.Finding("MIME-002", "href "+xds.Shorten(scheme)+":", `href="cid:…"`)
	case len(e.Children) > 0 || e.Trimmed() != "" || len(e.Attrs) != 1:
		return "", e.Finding("MIME-002", "xop:Include avec un contenu ou d'autres attributs", `<xop:Include href="cid:…"/>`)
	case len(e.Parent.Children) != 1 || e.Parent.Trimmed() != "":
		return "", e.Finding("MIME-002", "xop:Include mêlé à un autre contenu", "xop:Include seul dans son élément")
	}
	cid = cidKey(rest)
	if cid == rootID && rootID != "" {
		return "", e.Finding("MIME-002", "xop:Include de l'enveloppe elle-même", "une autre partie")
	}
	return cid, nil
}

func within(e, ancestor *xmlgate.Element) bool {
	for ; e != nil; e = e.Parent {
		if e == ancestor {
			return true
		}
	}
	return false
}

// inToken tells whether the parent is a base64 element of a wsse:Security.
func inToken(e, header *xmlgate.Element) bool {
	base64Element := slices.Contains([]xmlgate.Name{
		{Space: NSDSig, Local: "X509Certificate"}, {Space: NSDSig, Local: "SignatureValue"}, {Space: NSDSig, Local: "DigestValue"},
		{Space: NSSecurity, Local: "BinarySecurityToken"},
	}, e.Parent.Name())
	top := e
	for top.Parent != nil && top.Parent != header {
		top = top.Parent
	}
	return base64Element && top.Is(NSSecurity, "Security")
}

// putBack reads the parts that belong to the security header and returns the
// envelope with their content in it as base64. Parts met before them are held.
func (m *Message) putBack(in includes) ([]byte, error) {
	content := make(map[*include][]byte, len(in.token))
	budget := m.limit.Token
	take := func(p *Part) (bool, error) {
		i := in.token[p.ContentID]
		if i == nil {
			return false, nil
		}
		if err := hold(p, &budget, tooLarge("parties de l'en-tête de sécurité", -1, m.limit.Token)); err != nil {
			return true, err
		}
		var err error
		content[i], err = io.ReadAll(p.body)
		i.met = true
		return true, err
	}
	var kept []*Part
	for _, p := range m.early {
		taken, err := take(p)
		if err != nil {
			return nil, err
		}
		if !taken {
			kept = append(kept, p)
		}
	}
	m.early = kept
	for len(content) < len(in.token) {
		p, err := m.stream.next()
		if err == io.EOF {
			return nil, missing(in.token)
		}
		if err != nil {
			return nil, err
		}
		taken, err := take(p)
		if err == nil && !taken {
			err = m.holdEarly(p, "les parties du jeton de sécurité juste après l'enveloppe")
		}
		if err != nil {
			return nil, err
		}
	}
	return splice(m.Root, in.token, content), nil
}

// missing are the findings of the references whose part never came.
func missing(in map[string]*include) xds.Errors {
	var lost []*include
	for _, i := range in {
		if !i.met {
			lost = append(lost, i)
		}
	}
	slices.SortFunc(lost, func(a, b *include) int { return a.element.Start - b.element.Start })
	var es xds.Errors
	for _, i := range lost {
		es.Add(i.element.Finding("MIME-002", "aucune partie <"+xds.Shorten(i.cid)+">", "une partie de ce Content-ID"))
	}
	return es
}

// splice replaces each reference by the base64 of its part.
func splice(root []byte, token map[string]*include, content map[*include][]byte) []byte {
	order := make([]*include, 0, len(token))
	for _, i := range token {
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b *include) int { return a.element.Start - b.element.Start })
	out := make([]byte, 0, len(root))
	from := 0
	for _, i := range order {
		out = append(out, root[from:i.element.Start]...)
		out = base64.StdEncoding.AppendEncode(out, content[i])
		from = i.element.End
	}
	return append(out, root[from:]...)
}

func mend(e *xds.Error, hint string) *xds.Error {
	e.Hint = hint
	return e
}

func tooMany(what string, limit int) *xds.Error {
	n := strconv.Itoa(limit)
	return xds.Found("MIME-003", "multipart", "plus de "+n+" "+what, "au plus "+n)
}
