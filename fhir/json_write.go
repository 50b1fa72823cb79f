package fhir

// AppendJSON writes a Node as JSON: numbers by their text, members in their order.
func AppendJSON(b []byte, n *Node, pretty bool) []byte {
	w := nodeOut{out{b}, pretty, 0}
	w.value(n)
	return w.b
}

type nodeOut struct {
	out
	pretty bool
	depth  int
}

func (w *nodeOut) value(n *Node) {
	switch n.Kind {
	case Object:
		w.b = append(w.b, '{')
		w.depth++
		for i, m := range n.Members {
			w.line(i)
			w.text(m.Name)
			w.b = append(w.b, ':')
			if w.pretty {
				w.b = append(w.b, ' ')
			}
			w.value(m.Value)
		}
		w.end(len(n.Members), '}')
	case Array:
		w.b = append(w.b, '[')
		w.depth++
		for i, item := range n.Items {
			w.line(i)
			w.value(item)
		}
		w.end(len(n.Items), ']')
	case String:
		w.text(n.Text)
	case Null:
		w.b = append(w.b, "null"...)
	default:
		w.b = append(w.b, n.Text...)
	}
}

// line starts the i-th part of an object or array.
func (w *nodeOut) line(i int) {
	if i > 0 {
		w.b = append(w.b, ',')
	}
	if w.pretty {
		w.b = append(w.b, '\n')
		for range w.depth {
			w.b = append(w.b, ' ', ' ')
		}
	}
}

// end closes an object or array of so many parts.
func (w *nodeOut) end(parts int, bracket byte) {
	w.depth--
	if parts > 0 && w.pretty {
		w.line(0)
	}
	w.b = append(w.b, bracket)
}
