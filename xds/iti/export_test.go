package iti

// PathOf is the address where an action is answered, the repository's when none is.
func PathOf(action string) string {
	for _, t := range transactions {
		if t.action == action {
			return Endpoints[t.actor].Path
		}
	}
	return Endpoints[RepositoryActor].Path
}
