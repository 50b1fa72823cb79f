package registry

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/registry/registrytest"
	"github.com/passerelle-sante/passerelle/xds"
)

// payloadAlone are the attributes of a DocumentEntry that no query of IHE or of
// ours may name, with the reason why they need no column; and those that are no
// attributes of a DocumentEntry.
var payloadAlone = map[xds.Attribute]string{
	xds.AttrVersion:            "a listing shows the current one alone; by id it is the entryUUID's",
	xds.AttrHomeCommunityID:    "one community",
	xds.AttrTitle:              "personal data: never searched",
	xds.AttrComments:           "personal data: never searched",
	xds.AttrHash:               "uniqueness is asked of unique_id",
	xds.AttrSize:               "no parameter of ITI-18 or ITI-67",
	xds.AttrLegalAuthenticator: "no parameter of ITI-18 or ITI-67",
	xds.AttrPatientID:          "the record is the patient: it comes from the Scope",
	xds.AttrSourcePatientID:    "no parameter of ITI-18 or ITI-67",
	xds.AttrSourcePatientInfo:  "personal data: never searched",
	xds.AttrRepositoryUniqueID: "one repository",
	xds.AttrURI:                "no parameter of ITI-18 or ITI-67",
	xds.AttrAvailability:       "every document is online",
	xds.AttrSourceID:           "SubmissionSet",
	xds.AttrSubmissionTime:     "SubmissionSet",
	xds.AttrContentType:        "SubmissionSet",
	xds.AttrIntendedRecipients: "SubmissionSet",
	xds.AttrFolderCodes:        "Folder",
}

func TestEveryAttributeHasAColumnOrAReason(t *testing.T) {
	for a := xds.NoAttribute + 1; a < xds.AttributeCount; a++ {
		_, column := columns[a]
		_, exempt := payloadAlone[a]
		if column == exempt {
			t.Errorf("%s: column %v, exemption %v", a, column, exempt)
		}
	}
}

// Every column stands in the CTE of visible documents and knows the operators of
// its kind, with any text a client may send; every one that can order an answer
// does. One row is visible, so that the conditions are evaluated.
func TestColumnsInSQL(t *testing.T) {
	pool := registrytest.Open(t)
	from := oneRow(t, pool)
	hostile := []string{`D%^\_`, "", `%\`, `%\\\`, "'; drop table record; --", "nul\x00", "\xff", "é\u0301"}
	for a, column := range columns {
		operators := []xds.Operator{xds.Present, xds.Equals}
		switch column.kind {
		case timeColumn:
			operators = append(operators, xds.Within, xds.Overlaps)
		case uuidColumn, statusColumn, relationColumn:
		default:
			operators = append(operators, xds.Like, xds.Prefix, xds.Contains)
		}
		for op := xds.Equals; op <= xds.Overlaps; op++ {
			for _, m := range []xds.Match{
				{},
				{Texts: hostile, Codes: []xds.Code{{Value: "x", Scheme: "1.2"}, {Value: `50%_\`}, {Scheme: "1.2"}, {Value: "\x00", Scheme: "1"}}},
				{Texts: hostile[:1], Span: xds.Span{From: time.Unix(0, 0), To: time.Unix(1e9, 0)}, Not: true},
			} {
				m.Attribute, m.Op = a, op
				st := &statement{}
				where, err := matchSQL(m, st)
				if known := slices.Contains(operators, op); known != (err == nil) {
					t.Errorf("%s, operator %d: %v", a, op, err)
				}
				if err != nil {
					continue
				}
				if _, err := pool.Exec(t.Context(), from+" select lid from visible where "+where, st.args...); err != nil {
					t.Errorf("%s, operator %d: %v in %s", a, op, err, where)
				}
			}
		}
		keys, err := orderKeys([]xds.Order{{Attribute: a, Descending: true}})
		if list := column.kind == listColumn || column.kind == codesColumn || column.kind == relationColumn; list != (err != nil) {
			t.Errorf("order by %s: %v", a, err)
		}
		if err != nil {
			continue
		}
		if _, err := pool.Exec(t.Context(), from+" select lid from visible order by "+orderSQL("", keys)); err != nil {
			t.Errorf("order by %s: %v", a, err)
		}
	}
	if _, err := matchSQL(xds.Match{Attribute: xds.AttrTitle}, &statement{}); err == nil {
		t.Error("an attribute without a column matches")
	}
}

// oneRow stores one document and gives the CTE that shows it.
func oneRow(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	const id = "5b1c0c3e-0000-4000-8000-000000000001"
	for _, sql := range []string{
		`insert into record (id, ins_value, ins_authority, ins_type, family, given, sex, birth_date, state) values ($1, '', '', '', '', '', '', '', 4)`,
		`insert into lineage values ($1, $1, true, true, true, '{}')`,
		`insert into document_entry select $1, $1, 1, true, $1, $1, 'uid', 0, false, 'a^^1', 'b^^1', 'c^^1', 'd^^1', 'e^^1', '{N^^1}', '{f^^1}', '{r}',
		 '{1^DURAND^Ève}', '{CHU}', 'o', 'fr', 'text/xml', now(), now(), now(), '{}', '', '', 0, '', '', '', now(), now(), ''`,
	} {
		if _, err := pool.Exec(t.Context(), sql, id); err != nil {
			t.Fatal(err)
		}
	}
	var all []string
	for _, c := range columns {
		if c.sql != "lid" && !slices.Contains(all, c.sql) {
			all = append(all, c.sql)
		}
	}
	return visibleRows("true", "d.latest", "'"+id+"'", all)
}
