package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// execute is the statement that a connection has prepared, for a patient: what is
// explained is the very plan that PostgreSQL keeps for the gateway's own statement,
// not one made for these values alone.
func (f *finder) execute(ctx context.Context, conn *pgxpool.Conn, p patient) (string, error) {
	var name string
	if err := conn.QueryRow(ctx, `select name from pg_prepared_statements where statement = $1`, f.sql).Scan(&name); err != nil {
		return "", fmt.Errorf("prepared statement: %w", err)
	}
	var values []string
	for _, a := range f.argsFor(p) {
		value, err := literal(a)
		if err != nil {
			return "", err
		}
		values = append(values, value)
	}
	return `execute "` + name + `"(` + strings.Join(values, ", ") + `)`, nil
}

// literal writes an argument into SQL text; it is our own, of the bench's patients.
func literal(a any) (string, error) {
	quoted := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	switch v := a.(type) {
	case nil:
		return "null", nil
	case string:
		return quoted(v), nil
	case bool, int, int16, int32, int64:
		return fmt.Sprint(v), nil
	case time.Time:
		return quoted(v.Format(time.RFC3339Nano)), nil
	case []string:
		var items []string
		for _, s := range v {
			items = append(items, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)+`"`)
		}
		return quoted("{" + strings.Join(items, ",") + "}"), nil
	case []int16:
		return quoted("{" + strings.Trim(strings.Join(strings.Fields(fmt.Sprint(v)), ","), "[]") + "}"), nil
	default:
		return "", fmt.Errorf("no literal for %T", a)
	}
}

// explain is the plan of the statement for a patient, carried out.
func (f *finder) explain(ctx context.Context, conn *pgxpool.Conn, p patient) (explained, error) {
	lines, err := f.lines(ctx, conn, p, "analyze, buffers, format json")
	if err != nil {
		return explained{}, err
	}
	var plans []struct{ Plan explained }
	if err := json.Unmarshal([]byte(strings.Join(lines, "\n")), &plans); err != nil || len(plans) != 1 {
		return explained{}, fmt.Errorf("unreadable plan: %w", err)
	}
	return plans[0].Plan, nil
}

// text is the plan in words, with rows and buffers.
func (f *finder) text(ctx context.Context, conn *pgxpool.Conn) (string, error) {
	lines, err := f.lines(ctx, conn, f.of, "analyze, buffers, costs off, timing off, summary off")
	for i := range lines {
		lines[i] = shorten(lines[i])
	}
	return strings.Join(lines, "\n"), err
}

func (f *finder) lines(ctx context.Context, conn *pgxpool.Conn, p patient, how string) ([]string, error) {
	execute, err := f.execute(ctx, conn, p)
	if err != nil {
		return nil, err
	}
	// Not prepared: every patient has a text of his own.
	rows, err := conn.Query(ctx, "explain ("+how+") "+execute, pgx.QueryExecModeExec)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// planned tells how often PostgreSQL made a plan for the values at hand, instead of
// keeping one.
func (f *finder) planned(ctx context.Context, conn *pgxpool.Conn) (string, error) {
	var kept, anew int
	err := conn.QueryRow(ctx, `select generic_plans, custom_plans from pg_prepared_statements where statement = $1`, f.sql).Scan(&kept, &anew)
	return fmt.Sprintf("%d of %d times", anew, anew+kept), err
}

// shorten takes the long list of types out of a plan's line.
func shorten(line string) string {
	const most = 220
	if len(line) <= most {
		return line
	}
	return strings.ToValidUTF8(line[:most], "") + " …"
}
