package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// swapper puts another patient and new ids into the arguments of a script.
func swapper(s *script, from, to patient) *strings.Replacer {
	pairs := []string{from.record, to.record, from.ins, to.ins}
	for _, id := range s.fresh {
		pairs = append(pairs, id, likeID(id))
	}
	return strings.NewReplacer(pairs...)
}

func swapped(args []any, swap *strings.Replacer) []any {
	out := make([]any, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case string:
			out[i] = swap.Replace(v)
		case []byte:
			out[i] = []byte(swap.Replace(string(v)))
		case []string:
			list := make([]string, len(v))
			for j, text := range v {
				list[j] = swap.Replace(text)
			}
			out[i] = list
		default:
			out[i] = a
		}
	}
	return out
}

// sendSame sends what the gateway sent, round trip for round trip.
func (l *loop) sendSame(ctx context.Context, s *script, swap *strings.Replacer) error {
	var conn *pgxpool.Conn
	defer func() {
		if conn != nil {
			conn.Release()
		}
	}()
	for _, step := range s.steps {
		if conn == nil {
			var err error
			if conn, err = l.pool.Acquire(ctx); err != nil {
				return err
			}
		}
		if err := one(ctx, conn, step, swap); err != nil {
			return err
		}
		if conn.Conn().PgConn().TxStatus() == 'I' {
			conn.Release()
			conn = nil
		}
	}
	return nil
}

// one sends one round trip and reads its rows as a program would.
func one(ctx context.Context, conn *pgxpool.Conn, s step, swap *strings.Replacer) error {
	if len(s) == 1 {
		rows, err := conn.Query(ctx, s[0].sql, swapped(s[0].args, swap)...)
		if err != nil {
			return err
		}
		return readRows(rows)
	}
	return sendBatch(ctx, conn, s, swap)
}

// sendPacked sends each transaction that commits in one round trip.
func (l *loop) sendPacked(ctx context.Context, s *script, swap *strings.Replacer) error {
	for _, transaction := range s.transactions() {
		conn, err := l.pool.Acquire(ctx)
		if err != nil {
			return err
		}
		err = sendBatch(ctx, conn, transaction, swap)
		conn.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

func sendBatch(ctx context.Context, conn *pgxpool.Conn, s step, swap *strings.Replacer) error {
	b := &pgx.Batch{}
	for _, st := range s {
		b.Queue(st.sql, swapped(st.args, swap)...)
	}
	results := conn.SendBatch(ctx, b)
	for range s {
		rows, err := results.Query()
		if err == nil {
			err = readRows(rows)
		}
		if err != nil {
			return errors.Join(err, results.Close())
		}
	}
	return results.Close()
}

// readRows scans every column into a variable of its type.
func readRows(rows pgx.Rows) error {
	defer rows.Close()
	var into []any
	for rows.Next() {
		if into == nil {
			into = variables(rows)
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// variables are what the columns of an answer are scanned into.
func variables(rows pgx.Rows) []any {
	var into []any
	for _, f := range rows.FieldDescriptions() {
		t, known := rows.Conn().TypeMap().TypeForOID(f.DataTypeOID)
		name := ""
		if known {
			name = t.Name
		}
		switch name {
		case "text", "uuid", "varchar":
			into = append(into, new(*string))
		case "bytea":
			into = append(into, new([]byte))
		case "_text":
			into = append(into, new([]string))
		case "bool":
			into = append(into, new(*bool))
		case "int2", "int4", "int8":
			into = append(into, new(*int64))
		case "timestamptz":
			into = append(into, new(*time.Time))
		default:
			into = append(into, new(any))
		}
	}
	return into
}
