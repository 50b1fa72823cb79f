package postgres

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver named pgx
)

// One process migrates at a time: a second one waits for the lock until the first
// is done, or its own patience is over.
func TestMigrateInTurn(t *testing.T) {
	s := start(t, shared)
	first, second := database(t, s), database(t, s)
	unlock, err := lockMigrations(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	impatient, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := lockMigrations(impatient, second); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v while another migrates, want DeadlineExceeded", err)
	}
	unlock()
	first.Close()
	unlock, err = lockMigrations(t.Context(), second)
	if err != nil {
		t.Fatalf("after the other: %v", err)
	}
	unlock()
}

func database(t *testing.T, s *Server) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", s.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
