package postgres

import (
	"fmt"
	"os"
	"strings"
)

// Attach is the child server that another gateway of this machine runs on a folder
// (Start said ErrInUse): the user who runs that gateway, or root, may use its
// database, and Stop leaves it alone. Whether it answers is for Open to see.
func Attach(dir string) (*Server, error) {
	abs, err := absolute(dir)
	if err != nil {
		return nil, err
	}
	c := cluster{dir: abs}
	text, err := os.ReadFile(c.pidFile())
	lines := strings.Split(string(text), "\n")
	if err != nil || len(lines) < 5 {
		return nil, &Error{ErrUnreachable,
			fmt.Sprintf("Une autre passerelle travaille sur %s et son serveur PostgreSQL n'est pas joignable : la laisser démarrer, ou se placer sous son utilisateur", abs),
			"another gateway works on this data folder and its server cannot be reached"}
	}
	c.socket = strings.TrimSpace(lines[4]) // line 5 of the file, see readPidFile
	child := Server{cluster: c}
	done := make(chan struct{})
	return &Server{dsn: child.DSN(""), done: done, quit: func() { close(done) }, hurry: make(chan struct{})}, nil
}
