-- +goose Up
-- The life of a record (policy §1.5): since when it is in its state, and what the
-- gateway does with it next by itself.
alter table record
    add column notified_at timestamptz,                -- the notice left: six weeks run from then
    add column closed_at   timestamptz,                -- ten years run from then
    add column minor       boolean not null default false, -- its majority has not been dealt with
    add column due         smallint,                   -- record.Due
    add column due_at      timestamptz;
create index record_due on record (due_at) where due_at is not null;

-- Those of before count from now, which is in nobody's disfavour but a closed record's
-- holder, whose ten years no gateway has counted yet.
update record set notified_at = now() where state = 1;
update record set closed_at = now() where state = 5;
-- The 18th birthday as Go counts it: 29 February comes of age on 1 March.
update record set minor = true
where birth_date ~ '^[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])$'
  and (make_date(left(birth_date, 4)::int + 18, substr(birth_date, 5, 2)::int, 1) + substr(birth_date, 7, 2)::int - 1)::timestamp at time zone 'Europe/Paris' > now();
update record set (due, due_at) = (
  select kind, at from (values
    (1, case when state = 1 then notified_at + interval '1008 hours' end),
    (2, case when state = 5 then closed_at + interval '10 years' end),
    (3, case when minor and state in (1, 2, 3, 4, 5) then
      (make_date(left(birth_date, 4)::int + 18, substr(birth_date, 5, 2)::int, 1) + substr(birth_date, 7, 2)::int - 1)::timestamp at time zone 'Europe/Paris' end)
  ) next (kind, at) where at is not null order by at limit 1);

-- How a person is told of his record, and proves that it is his: contact, provisional
-- code, Carte Vitale. A code stands here as a hash; in the clear it is in the message
-- or on the letter alone.
create table notice (
    record      uuid primary key references record,
    kind        smallint not null,           -- record.Notice…
    person      text not null,               -- who is written to: the holder's record, or that of a parent
    language    text not null,
    email       text not null,               -- '' = by letter
    phone       text not null,
    address     text not null,               -- lines
    code        bytea,                       -- hash; null = none, or used
    card        bytea,                       -- hash of the serial number of the Carte Vitale; null = not known
    tries       integer not null default 0,  -- wrong ones since the code was made
    expires_at  timestamptz,                 -- of the code
    sent_at     timestamptz                  -- null: its letter is still to be printed
);
create index notice_letters on notice (record) where sent_at is null;

-- What was erased (policy Q-27, J-6): the epoch of a record that ended, whether its key
-- is destroyed, and when its trail follows.
create table ended (
    record      uuid not null references record,
    epoch       integer not null,
    ended_at    timestamptz not null,
    cause       smallint not null,           -- record.Erased…
    documents   integer not null default 0,  -- how many went
    destroyed_at timestamptz,                -- null: data and key are still to be destroyed
    purge_at    timestamptz,                 -- when its trail goes; null = it went
    primary key (record, epoch)
);
create index ended_left on ended (ended_at) where destroyed_at is null;
create index ended_purge on ended (purge_at) where purge_at is not null;

-- The other parent of a minor, whose agreement the attachment to the first needs (S3).
create table parent (
    record   uuid not null references record,
    person   text not null,                  -- the parent's own record
    answer   smallint not null default 0,    -- record.Parent…
    asked_at timestamptz not null,
    told_at  timestamptz,                    -- of the answer
    primary key (record, person)
);
create index parent_person on parent (person);

-- An import of the eligible population, which goes on where it stood when it is started
-- again with the same file.
create table population_job (
    file       text primary key,             -- SHA-256 of its bytes
    name       text not null,
    rows       bigint not null,
    done       bigint not null default 0,    -- rows behind it, in the order of the job
    created    bigint not null default 0,
    known      bigint not null default 0,    -- that had a record already
    mailed     bigint not null default 0,
    letters    bigint not null default 0,
    started_at timestamptz not null,
    moved_at   timestamptz not null,
    ended_at   timestamptz
);
