package xmlgate

import (
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// Check applies the gate to a whole text without building anything. The error
// is an xds.Errors of one finding, with line and column: XML-001 malformed,
// XML-002 forbidden construct, XML-003 beyond the limits. Time is linear in the
// text; memory is one copy of it.
func Check(doc []byte, l Limits) error {
	s := scanner{doc: doc, lim: l.orDefault()}
	return s.run()
}

// Parse applies the gate and builds the tree of the text, which must not be
// modified afterwards. Errors are those of Check.
func Parse(doc []byte, l Limits) (*Element, error) {
	l = l.orDefault()
	if countTags(doc) > l.Elements {
		if err := Check(doc, l); err != nil { // refuse before a tree takes memory
			return nil, err
		}
	}
	s := scanner{doc: doc, lim: l, tree: &builder{}}
	if err := s.run(); err != nil {
		return nil, err
	}
	return s.tree.root, nil
}

// scanner reads a text once, from left to right. Names and values are views of
// text, a string of the bytes of doc.
type scanner struct {
	doc  []byte
	text string
	pos  int
	lim  Limits

	stack      []frame
	scope      *binding
	rooted     bool // the root has been seen
	elements   int
	namespaces int

	attrs   []attribute // of the tag being read
	scratch []byte      // of the value being decoded
	tree    *builder    // nil when only checking
}

// frame is one open element.
type frame struct {
	name  string // as written, with its prefix
	start int
	outer *binding // scope around the element

	element *Element // nil when only checking
	kids    int      // where its children begin in builder.kids
	text    string   // the only run of text so far
	runs    []byte   // all runs, once there are two
}

func (s *scanner) run() error {
	if err := s.document(); err != nil {
		return xds.Errors{err}
	}
	return nil
}

func (s *scanner) document() *xds.Error {
	if err := s.checkStart(); err != nil {
		return err
	}
	s.text = string(s.doc)
	s.scope = &binding{prefix: "xml", uri: xmlSpace}
	if err := s.declaration(); err != nil {
		return err
	}
	if err := s.checkCharacters(); err != nil {
		return err
	}
	for s.pos < len(s.text) {
		step := s.characters
		if s.text[s.pos] == '<' {
			step = s.markup
		}
		if err := step(); err != nil {
			return err
		}
	}
	if n := len(s.stack); n > 0 {
		open := s.stack[n-1]
		return s.finding("XML-001", open.start, "<"+xds.Shorten(open.name)+"> jamais fermé", "</"+xds.Shorten(open.name)+">")
	}
	if !s.rooted {
		return s.finding("XML-001", s.pos, "aucun élément", "un élément racine")
	}
	return nil
}

// markup reads what begins with <.
func (s *scanner) markup() *xds.Error {
	rest := s.text[s.pos:]
	switch {
	case len(rest) < 2:
		return s.finding("XML-001", s.pos, "< en fin de texte", "une balise")
	case rest[1] == '/':
		return s.endTag()
	case rest[1] == '?':
		return s.instruction()
	case strings.HasPrefix(rest, "<!--"):
		return s.comment()
	case strings.HasPrefix(rest, "<![CDATA["):
		return s.cdata()
	case rest[1] == '!':
		return s.finding("XML-002", s.pos, "<!"+xds.Shorten(rest[2:ncName(rest, 2)]), "ni DOCTYPE ni déclaration")
	}
	return s.startTag()
}

// characters reads text up to the next <.
func (s *scanner) characters() *xds.Error {
	start, end := s.pos, len(s.text)
	if i := strings.IndexByte(s.text[start:], '<'); i >= 0 {
		end = start + i
	}
	run := s.text[start:end]
	s.pos = end
	if len(s.stack) == 0 {
		if i := notSpace(run); i < len(run) {
			return s.finding("XML-001", start+i, "texte hors de l'élément racine", "rien avant ni après la racine")
		}
		return nil
	}
	if i := strings.Index(run, "]]>"); i >= 0 {
		return s.finding("XML-001", start+i, "]]> dans du texte", "]]&gt;")
	}
	value, err := s.decode(run, start, inText, s.tree != nil)
	if err != nil {
		return err
	}
	s.tree.addText(&s.stack[len(s.stack)-1], value)
	return nil
}

func (s *scanner) cdata() *xds.Error {
	if len(s.stack) == 0 {
		return s.finding("XML-001", s.pos, "CDATA hors de l'élément racine", "rien avant ni après la racine")
	}
	start := s.pos + len("<![CDATA[")
	length := strings.Index(s.text[start:], "]]>")
	if length < 0 {
		return s.finding("XML-001", s.pos, "CDATA jamais fermé", "]]>")
	}
	s.pos = start + length + len("]]>")
	if s.tree == nil {
		return nil
	}
	value, err := s.decode(s.text[start:start+length], start, inCDATA, true)
	if err != nil {
		return err
	}
	s.tree.addText(&s.stack[len(s.stack)-1], value)
	return nil
}

func (s *scanner) comment() *xds.Error {
	if !s.lim.AllowComments {
		return s.finding("XML-002", s.pos, "commentaire", "aucun commentaire")
	}
	start := s.pos + len("<!--")
	length := strings.Index(s.text[start:], "--")
	if length < 0 {
		return s.finding("XML-001", s.pos, "commentaire jamais fermé", "-->")
	}
	end := start + length + len("--")
	if end >= len(s.text) || s.text[end] != '>' {
		return s.finding("XML-001", start+length, "-- dans un commentaire", "-->")
	}
	s.pos = end + 1
	return nil
}

func (s *scanner) instruction() *xds.Error {
	start := s.pos + len("<?")
	end := ncName(s.text, start)
	target := s.text[start:end]
	switch {
	case strings.EqualFold(target, "xml"):
		return s.finding("XML-001", s.pos, "déclaration <?xml?> ailleurs qu'au premier octet", "la déclaration en tête, ou aucune")
	case !s.lim.AllowPI:
		return s.finding("XML-002", s.pos, "<?"+xds.Shorten(target)+"?>", "aucune instruction de traitement")
	case target == "":
		return s.finding("XML-001", s.pos, "<? sans nom", "<?nom …?>")
	}
	length := strings.Index(s.text[end:], "?>")
	if length < 0 {
		return s.finding("XML-001", s.pos, "instruction jamais fermée", "?>")
	}
	if length > 0 && !isSpace(s.text[end]) {
		return s.finding("XML-001", end, "nom d'instruction mal formé", "<?nom …?>")
	}
	s.pos = end + length + len("?>")
	return nil
}

func (s *scanner) finding(id string, offset int, found, expected string) *xds.Error {
	line, column := position(s.doc, offset)
	return &xds.Error{ID: id, Where: "XML", Line: line, Column: column, Found: found, Expected: expected}
}
