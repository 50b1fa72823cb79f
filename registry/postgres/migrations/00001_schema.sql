-- +goose Up
-- Every table that grows has the record as its first key column, so that it can be
-- partitioned or distributed by patient. Look-ups by id alone go through object_id
-- and unique_id.

create table record (
    id            uuid primary key,
    ins_value     text not null,
    ins_authority text not null,
    ins_type      text not null,
    family        text not null,
    given         text not null,
    sex           text not null,
    birth_date    text not null,             -- YYYYMMDD
    state         smallint not null,         -- authz.Profile…
    mask_all      boolean not null default false,
    samu_ok       boolean not null default true,
    bdg_ok        boolean not null default true,
    masked_ok     boolean not null default false,
    administrator text,                      -- national id
    epoch         integer not null default 1,
    unique (ins_value, ins_authority)
);
create index record_administrator on record (administrator) where administrator is not null;

-- Representatives and delegates.
create table record_person (
    record uuid not null references record,
    person text not null,
    role   smallint not null,                -- authz.Role
    family text not null,
    given  text not null,
    primary key (record, person)
);

-- The directory: professionals and structures known to the gateway.
create table professional (
    id             text primary key,         -- national id
    name           text not null unique,     -- short name of the sandbox, else the id
    kind           text not null,            -- pro, struct or other
    family         text not null,
    given          text not null,
    profession     text not null,
    specialty      text not null,
    structure      text not null,
    structure_name text not null,
    regulator      boolean not null
);

create table link (
    record       uuid not null references record,
    professional text not null,
    basis        smallint not null,          -- authz.TeamLink or ConsentLink
    declared_at  timestamptz not null,
    expires_at   timestamptz not null,
    structure    text not null,
    token_id     text not null,
    primary key (record, professional)
);
create index link_professional on link (professional);

create table block (
    record       uuid not null references record,
    professional text not null,
    since        timestamptz not null,
    primary key (record, professional)
);

-- All versions joined by RPLC, XFRM or APND share one lineage and its marks.
create table lineage (
    record       uuid not null references record,
    id           uuid not null,
    mask_ps      boolean not null,
    hide_patient boolean not null,
    hide_reps    boolean not null,
    authors      text[] not null,            -- authors with rights of its first entry
    primary key (record, id) include (mask_ps, hide_patient, hide_reps)
);

-- One row per metadata version; `latest` marks the current one of a document.
create table document_entry (
    record        uuid not null,
    lid           uuid not null,             -- logicalId: the first entryUUID
    version       integer not null,
    latest        boolean not null,
    entry_uuid    uuid not null,
    lineage       uuid not null,
    unique_id     text not null,
    status        smallint not null,         -- authz.Doc…
    technical     boolean not null,          -- signature of a lot: in no listing
    type_key      text not null,             -- code^^scheme, like the following ones
    class_key     text not null,
    format_key    text not null,
    facility_key  text not null,
    setting_key   text not null,
    base_codes    text[] not null,           -- confidentiality codes that are no marks
    event_keys    text[] not null,
    reference_ids text[] not null,
    author_names  text[] not null,           -- authorPerson, as sent
    institutions  text[] not null,           -- authorInstitution, as sent
    object_type   text not null,
    language      text not null,
    mime_type     text not null,
    creation_at   timestamptz not null,
    start_at      timestamptz,
    stop_at       timestamptz,
    authors       text[] not null,           -- national ids with the author's rights
    depositor     text not null,
    structure     text not null,             -- XON.10 of the depositor's token
    origin        smallint not null,         -- authz.Origin…
    blob          text not null,
    sha256        text not null,
    seal          text not null,             -- of the content (repository/seal.go)
    registered_at timestamptz not null,
    updated_at    timestamptz not null,
    entry         bytea not null,            -- the whole DocumentEntry (registry/codec.go)
    primary key (record, lid, version),
    foreign key (record, lineage) references lineage
);
create unique index document_entry_latest on document_entry (record, lid) where latest;
-- The rows that a search looks at, and nothing wider: the one plan of every search.
create index document_entry_listed on document_entry (record) where latest and not technical;
create index document_entry_lineage on document_entry (record, lineage) where latest;
create index document_entry_unique on document_entry (record, unique_id) where latest;

create table submission_set (
    record       uuid not null references record,
    id           uuid not null,
    unique_id    text not null,
    source_id    text not null,
    submitted_at timestamptz not null,
    status       smallint not null,
    content_key  text not null,
    author_names text[] not null,
    depositor    text not null,
    structure    text not null,
    entry        bytea not null,
    primary key (record, id)
);

-- One row per metadata version, as for documents. When its contents changed last is
-- not kept: each reader's value is that of the members that he sees (safety SC-11).
create table folder (
    record     uuid not null references record,
    id         uuid not null,                -- logicalId: the first entryUUID
    version    integer not null,
    latest     boolean not null,
    entry_uuid uuid not null,
    unique_id  text not null,
    updated_at timestamptz not null,         -- of this metadata version
    code_keys  text[] not null,
    status     smallint not null,            -- authz.DocApproved or DocDeprecated
    depositor  text not null,
    structure  text not null,                -- XON.10 of the depositor's token
    writer     text not null,                -- who wrote this version
    entry      bytea not null,
    primary key (record, id, version)
);
create unique index folder_latest on folder (record, id) where latest;

-- Ends are ids of sets and logicalIds of folders and documents: an association
-- follows an object through its metadata versions.
create table association (
    record uuid not null references record,
    id     uuid not null,
    type   text not null,
    source uuid not null,
    target uuid not null,
    status smallint not null,                -- authz.DocApproved or DocDeprecated
    registered_at timestamptz not null,
    entry  bytea not null,
    primary key (record, id)
);
create index association_source on association (record, source);
create index association_target on association (record, target);

-- Whose object an id names: entryUUIDs of all versions, sets, folders, associations.
create table object_id (
    id     uuid primary key,
    record uuid not null references record,
    kind   smallint not null,                -- 1 document, 2 set, 3 folder, 4 association
    object uuid not null                     -- logicalId of a document or folder, else the id
);

create table unique_id (
    uid           text primary key,
    record        uuid not null references record,
    kind          smallint not null,
    sha1          text not null,             -- of a document
    depositor     text not null,
    structure     text not null,
    registered_at timestamptz not null
);

-- One row per request and patient (policy J-1).
create table trail (
    record       uuid not null references record,
    at           timestamptz not null,
    seq          bigint generated always as identity,
    actor        text not null,
    actor_name   text not null,
    profession   text not null,
    structure    text not null,
    kind         smallint not null,
    mode         smallint not null,
    action       smallint not null,
    transaction  text not null,
    permit       boolean not null,
    rules        text[] not null,
    policy       text not null,
    matrix       text not null,
    documents    uuid[] not null,
    reason       text not null,
    secret       boolean not null,
    unbound      boolean not null,           -- by id, under a token that names no patient
    attested     boolean not null,
    code         text not null,
    token_id     text not null,
    issuer       text not null,
    primary key (record, at, seq)
);
create index trail_actor on trail (record, actor, action) where permit;

-- Where a submission under way puts its blobs, written before the first of them: what
-- stands here after a crash tells the sweeper where orphans may be.
create table blob_intent (
    prefix     text primary key,             -- of the keys in the repository
    created_at timestamptz not null
);

-- Versions of the matrice d'habilitation, which all gateways of this database share;
-- the one that the binary carries comes before them.
create table matrix_version (
    effective_at timestamptz primary key,    -- in force from then on, until the next one
    seq          bigint generated always as identity,
    version      text not null,              -- name and short checksum, as trail.matrix says it
    checksum     text not null,              -- SHA-256 of the two tables, hexadecimal
    columns_csv  text not null,              -- canonical form (authz/matrix)
    cells_csv    text not null,
    imported_at  timestamptz not null,
    imported_by  text not null
);

-- What is to be sent from here, written in the transaction of its cause and taken
-- away once it was received (registry/outbox). The rows of one lane go in the order
-- of seq.
create table outbox (
    record   uuid not null references record,
    lane     uuid not null,                  -- the record itself, or a subscription
    seq      bigint generated always as identity,
    kind     smallint not null,              -- outbox.Kind
    event    uuid not null,                  -- the same at every attempt: what a receiver drops doubles by
    at       timestamptz not null,           -- with trail_seq: the trail row that it tells of
    trail_seq bigint not null,
    address  text not null,                  -- of the client, in an audit message
    query    bytea,                          -- what was asked, in an audit message
    due_at   timestamptz not null,           -- not before: a lease, or the wait after a failure
    attempts integer not null default 0,
    primary key (record, lane, seq)
);
create index outbox_order on outbox (kind, seq);

-- Who is to be told of a record's documents (ITI-52). The rights are those of the
-- instant of each delivery: what stands here is who asks, not what he may see.
create table subscription (
    record     uuid not null references record,
    id         uuid not null,
    owner      text not null,                -- who may renew and end it (registry.owner)
    subject    bytea not null,               -- authz.Subject, JSON
    filter     bytea not null,               -- conditions on documents, JSON
    full_entry boolean not null,             -- whole entries, else ids
    consumer   text not null,                -- where it is told, '' = fetched from a pull point
    pull_point uuid,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (record, id)
);
create index subscription_pull on subscription (pull_point) where pull_point is not null;

-- Where notifications wait to be fetched (ITI-69, ITI-70); each owner has a few.
create table pull_point (
    id         uuid primary key,
    owner      text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index pull_point_owner on pull_point (owner);

-- What an operator removed (ITI-62, ITI-86): what had been hidden stays so in the
-- history, and each transaction may name once what the other has taken away.
create table removed (
    record       uuid not null references record,
    id           text not null,              -- bare id of an object, or the uniqueId of a document
    by           text not null,              -- ITI-62 or ITI-86; '' = both
    hide_patient boolean not null,
    hide_reps    boolean not null,
    removed_at   timestamptz not null,
    primary key (record, id)
);
create index removed_id on removed (id);
