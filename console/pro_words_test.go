package console

func init() {
	tables = append(tables, values(accessWords), values(basisWords), values(stateWords), values(actedWords))
}
