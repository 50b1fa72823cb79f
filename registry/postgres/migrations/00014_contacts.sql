-- +goose Up
-- Who is told of what others do with a record, by e-mail (policy N-1…N-4): its holder,
-- the representatives of a minor. The address is that of the person's account; the one
-- that stands here is for who has none.
create table contact (
    record     uuid not null references record,
    person     text not null,                -- as trail.actor names him: the record's own id for the holder
    email      text not null default '',
    lang       text not null default 'fr',
    digest     smallint not null default 0,  -- mail.Digest
    readings   boolean not null default false, -- told of each reading, not of the first one of each reader alone
    muted      text[] not null default '{}', -- message.Event
    created_at timestamptz not null,
    primary key (record, person)
);

-- What somebody is still to be told of: a trail row, written by the statement that
-- writes the row itself, and judged with the rights of the moment at which it is told.
create table untold (
    record    uuid not null references record,
    person    text not null,
    at        timestamptz not null,          -- with trail_seq: the trail row
    trail_seq bigint not null,
    event     uuid not null,                 -- of the message that it becomes: made of record, person and trail_seq
    due_at    timestamptz,                   -- null: withheld, about something hidden from him (Q-15)
    primary key (record, person, at, trail_seq)
);
create index untold_due on untold (due_at) where due_at is not null;

-- Of whom somebody was told that he has read the record (N-1): the first time alone.
create table met (
    record uuid not null references record,
    person text not null,
    actor  text not null,
    at     timestamptz not null,
    primary key (record, person, actor)
);
