package registry

// metadataChecks are the questions of Fsck that SQL answers: each statement gives
// the bare ids of the objects at fault, each id once.
var metadataChecks = []struct {
	fault Fault
	sql   string
}{
	{DocumentCurrent, `select lid::text from document_entry group by record, lid having count(*) filter (where latest) <> 1
union all select id::text from folder group by record, id having count(*) filter (where latest) <> 1 order by 1`},
	{LineageEmpty, `
select l.id::text from lineage l
where not exists (select from document_entry d where d.record = l.record and d.lineage = l.id) order by 1`},
	{AssociationDangling, `
select a.id::text from association a, unnest(array[a.source, a.target]) e (id)
where not exists (select from document_entry d where d.record = a.record and d.lid = e.id)
  and not exists (select from submission_set s where s.record = a.record and s.id = e.id)
  and not exists (select from folder f where f.record = a.record and f.id = e.id)
  and not exists (select from association x where x.record = a.record and x.id = e.id)
group by a.id order by 1`},
	{ObjectIDMissing, `
select o.object::text from (` + fsckObjects + `) o
where not exists (select from object_id i where i.id = o.id and i.record = o.record and i.kind = o.kind and i.object = o.object)
group by o.object order by 1`},
	{ObjectIDDangling, `
select i.id::text from object_id i
where not exists (select from (` + fsckObjects + `) o where o.id = i.id) order by 1`},
	{UniqueIDMissing, `
select o.object::text from (` + fsckNamed + `) o
where not exists (select from unique_id u where u.uid = o.uid and u.record = o.record and u.kind = o.kind)
group by o.object order by 1`},
	{UniqueIDDangling, `
select u.uid from unique_id u
where not exists (select from (` + fsckNamed + `) o where o.uid = u.uid) order by 1`},
}

// fsckObjects are all objects with the ids that object_id must know.
const fsckObjects = `
select entry_uuid as id, record, 1 as kind, lid as object from document_entry
union all select id, record, 2, id from submission_set
union all select entry_uuid, record, 3, id from folder
union all select id, record, 4, id from association`

// fsckNamed are the objects that have a uniqueId.
const fsckNamed = `
select unique_id as uid, record, 1 as kind, lid as object from document_entry
union all select unique_id, record, 2, id from submission_set
union all select unique_id, record, 3, id from folder`
