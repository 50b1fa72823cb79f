package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// Flip is how many decisions on a document type change for the professionals of one
// column. A decision is a record, a professional with a valid link on it, and a
// current document of it, read in normal access.
type Flip struct {
	Column string
	Type   string // code^^scheme
	Opened int
	Closed int
}

// Flips are the decisions that another policy would turn over, counted and not
// named.
type Flips struct {
	Rows     []Flip // by column, then type
	Opened   int
	Closed   int
	Records  int  // with one at least
	Unlisted int  // valid links of professionals whom the directory does not know: their profession is in their token alone
	Looked   int  // records with a valid link that were looked at
	Of       int  // of how many
	Complete bool // false: the context's deadline came first
}

// Comparison asks for Flips: the policy in force and another one with the same
// rules, that differ by their matrix.
type Comparison struct {
	Before, After *authz.Gate
	Column        func(authz.Subject) string // names the column of a subject
	Progress      func(looked, of int)       // nil: nobody waits
}

// flipBatch is how many records one statement looks at.
const flipBatch = 2000

// CountFlips counts what would change, in one read-only snapshot, from rights and
// typed columns alone: no entry is decoded. The table of rules is folded for each
// kind of viewer that there is, and compiled to SQL as for a search. When the
// context's deadline comes first the counts so far come back, not complete; it is the
// only bound, that of one statement of a request does not hold here.
func (r *Registry) CountFlips(ctx context.Context, sys authz.System, c Comparison) (Flips, error) {
	if err := db.BySystem(sys); err != nil {
		return Flips{}, err
	}
	tx, err := r.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return Flips{}, fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // nothing was written
	n := counter{Comparison: c, tx: tx, now: r.Now(), cells: map[[2]string]*Flip{}}
	err = n.count(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return n.result(), nil
	}
	n.total.Complete = err == nil
	return n.result(), err
}

// counter is one count under way.
type counter struct {
	Comparison
	tx       pgx.Tx
	now      time.Time
	viewers  []viewer
	branches []branch
	cells    map[[2]string]*Flip // by column and type
	total    Flips
}

// viewer is what a link tells about its professional on its record: the facts of a
// decision in normal access. Settings of the emergency modes, and what bears on
// other kinds of subject, decide nothing here.
type viewer struct {
	kind, profession, specialty     string
	state, basis                    int16
	maskAll, administrator, blocked bool
	branch                          int
}

// branch is what the viewers of one predicate and column have in common.
type branch struct {
	column        string
	before, after authz.Predicate
	types         []string // whose cells differ
	all           bool     // types that neither matrix knows may differ, too
}

const viewersSQL = `
select p.kind, p.profession, p.specialty, r.state, l.basis, r.mask_all, coalesce(r.administrator = l.professional, false), b.professional is not null
from link l
join record r on r.id = l.record
join professional p on p.id = l.professional
left join block b on b.record = l.record and b.professional = l.professional
where l.expires_at > $1
group by 1, 2, 3, 4, 5, 6, 7, 8`

func (n *counter) count(ctx context.Context) error {
	if _, err := n.tx.Exec(ctx, `set local statement_timeout = 0`); err != nil {
		return err
	}
	err := n.tx.QueryRow(ctx, `
select count(distinct l.record), count(*) filter (where p.id is null)
from link l left join professional p on p.id = l.professional where l.expires_at > $1`, n.now).Scan(&n.total.Of, &n.total.Unlisted)
	if err != nil {
		return err
	}
	rows, err := n.tx.Query(ctx, viewersSQL, n.now)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var w viewer
		if err := rows.Scan(&w.kind, &w.profession, &w.specialty, &w.state, &w.basis, &w.maskAll, &w.administrator, &w.blocked); err != nil {
			return err
		}
		n.classify(w)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if len(n.branches) == 0 {
		n.total.Looked = n.total.Of
		return nil
	}
	return n.batches(ctx)
}

// classify finds the branch of a viewer, or none when nothing can change for him.
func (n *counter) classify(w viewer) {
	sub := authz.Subject{Nature: authz.NaturePro, ID: "somebody", Profession: w.profession, Specialty: w.specialty, Structure: "somewhere"}
	if w.kind != "pro" {
		return
	}
	facts := authz.Facts{
		Record: "record", Profile: authz.Value(w.state), Settings: authz.Settings{MaskAll: w.maskAll},
		Administrator: w.administrator, Blocked: w.blocked, Link: authz.Value(w.basis),
	}
	before, _ := n.Before.Foresee(facts, sub, n.now)
	after, _ := n.After.Foresee(facts, sub, n.now)
	b := branch{column: n.Column(sub), before: before, after: after}
	b.types, b.all = differing(before, after)
	if len(b.types) == 0 && !b.all {
		return
	}
	shape := fmt.Sprint(b)
	w.branch = slices.IndexFunc(n.branches, func(o branch) bool { return fmt.Sprint(o) == shape })
	if w.branch < 0 {
		w.branch = len(n.branches)
		n.branches = append(n.branches, b)
	}
	n.viewers = append(n.viewers, w)
}

// differing are the types that one predicate's set has and the other's has not, when
// any of their clauses looks at the type.
func differing(before, after authz.Predicate) (types []string, all bool) {
	looks := slices.ContainsFunc(slices.Concat(before.Permits(), before.Forbids(), after.Permits(), after.Forbids()), func(c authz.Clause) bool {
		return slices.ContainsFunc(c.When, func(l authz.Literal) bool { return l.Attr == authz.Matrix })
	})
	if !looks {
		return nil, false
	}
	a, b := before.Types(), after.Types()
	every := slices.Concat(a.Allowed, a.Known, b.Allowed, b.Known)
	slices.Sort(every)
	for _, key := range slices.Compact(every) {
		if a.Has(key) != b.Has(key) {
			types = append(types, key)
		}
	}
	return types, a.Others != b.Others
}

// batches walks the records in the order of their ids, so that each statement is
// short and each record counts once.
func (n *counter) batches(ctx context.Context) error {
	from := "00000000-0000-0000-0000-000000000000"
	for {
		rows, err := n.tx.Query(ctx, `
select record::text from link where record > $1::uuid and expires_at > $2 group by record order by record limit $3`, from, n.now, flipBatch)
		if err != nil {
			return err
		}
		records, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(records) == 0 {
			return err
		}
		to := records[len(records)-1]
		if err := n.batch(ctx, from, to); err != nil {
			return err
		}
		n.total.Looked += len(records)
		if n.Progress != nil {
			n.Progress(n.total.Looked, n.total.Of)
		}
		from = to
	}
}

// batch counts the records of one stretch of ids.
func (n *counter) batch(ctx context.Context, from, to string) error {
	st := &statement{}
	rows, err := n.tx.Query(ctx, n.batchSQL(st, from, to), st.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var branch *int
		var typ *string
		var opens *bool
		var count, records int
		if err := rows.Scan(&branch, &typ, &opens, &count, &records); err != nil {
			return err
		}
		if branch == nil { // the total
			n.total.Records += records
			continue
		}
		n.tally(n.branches[*branch].column, *typ, *opens, count)
	}
	return rows.Err()
}

// batchSQL says, for each branch, which documents are seen under one policy and not
// under the other. Names in it: v a link with its branch, d and l as in a search.
func (n *counter) batchSQL(st *statement, from, to string) string {
	var kinds, professions, specialties []string
	var states, bases []int16
	var masked, administrators, blocked []bool
	var branches []int32
	for _, w := range n.viewers {
		kinds, professions, specialties = append(kinds, w.kind), append(professions, w.profession), append(specialties, w.specialty)
		states, bases, branches = append(states, w.state), append(bases, w.basis), append(branches, int32(w.branch))
		masked, administrators, blocked = append(masked, w.maskAll), append(administrators, w.administrator), append(blocked, w.blocked)
	}
	live := fmt.Sprintf(`
with viewer as materialized (
  select * from unnest(%s::text[], %s::text[], %s::text[], %s::smallint[], %s::smallint[], %s::boolean[], %s::boolean[], %s::boolean[], %s::integer[])
    as t(kind, profession, specialty, state, basis, mask_all, administrator, blocked, branch)
), live as materialized (
  select k.record, k.professional, p.structure, e.branch
  from link k
  join record r on r.id = k.record
  join professional p on p.id = k.professional
  left join block b on b.record = k.record and b.professional = k.professional
  join viewer e on e.kind = p.kind and e.profession = p.profession and e.specialty = p.specialty and e.state = r.state and e.basis = k.basis
    and e.mask_all = r.mask_all and e.administrator = coalesce(r.administrator = k.professional, false) and e.blocked = (b.professional is not null)
  where k.record > %s::uuid and k.record <= %s::uuid and k.expires_at > %s
)`, st.arg(kinds), st.arg(professions), st.arg(specialties), st.arg(states), st.arg(bases), st.arg(masked), st.arg(administrators), st.arg(blocked), st.arg(branches),
		st.arg(from), st.arg(to), st.arg(n.now))
	var selects []string
	for i, b := range n.branches {
		types := "true"
		if !b.all {
			types = "d.type_key = any(" + st.arg(b.types) + "::text[])"
		}
		before, after := n.condition(b.before, st), n.condition(b.after, st)
		selects = append(selects, fmt.Sprintf(`
  select v.branch, d.type_key, %s as opens, v.record
  from live v
  join document_entry d on d.record = v.record and d.latest and not d.technical and %s
  join lineage l on l.record = d.record and l.id = d.lineage
  where v.branch = %d and (%s) <> (%s)`, after, types, i, before, after))
	}
	return live + `, flip as (` + strings.Join(selects, "\n  union all") + `
)
select branch, type_key, opens, count(*), count(distinct record) from flip
group by grouping sets ((branch, type_key, opens), ())`
}

// condition compiles a predicate whose subject is the professional of the link.
func (n *counter) condition(p authz.Predicate, st *statement) string {
	c := compiler{predicate: p, st: st, placeholders: map[string]string{"me": "v.professional", "structure": "v.structure"}}
	return c.where()
}

func (n *counter) tally(column, typ string, opens bool, count int) {
	key := [2]string{column, typ}
	if n.cells[key] == nil {
		n.cells[key] = &Flip{Column: column, Type: typ}
	}
	if opens {
		n.cells[key].Opened += count
		n.total.Opened += count
		return
	}
	n.cells[key].Closed += count
	n.total.Closed += count
}

// result is what was counted so far.
func (n *counter) result() Flips {
	for _, f := range n.cells {
		n.total.Rows = append(n.total.Rows, *f)
	}
	slices.SortFunc(n.total.Rows, func(a, b Flip) int {
		return strings.Compare(a.Column+"\x00"+a.Type, b.Column+"\x00"+b.Type)
	})
	return n.total
}
