-- +goose Up
-- Access to a record that its holder delegates to a relative (S1), from the invitation to
-- its end. While it lasts the relative stands in record_person under a person id of his
-- own, which no other record knows.
alter table record_person add column expires_at timestamptz; -- null: without end
create table delegation (
    record      uuid not null references record,
    id          uuid not null,
    state       smallint not null,           -- record.DelegationState
    family      text not null,               -- as the holder names him
    given       text not null,
    email       text not null,
    lang        text not null,
    link        bytea,                       -- SHA-256 of the one-time link; null: answered, or over
    invited_at  timestamptz not null,
    answer_by   timestamptz not null,
    until       timestamptz not null,        -- of the access
    answered_at timestamptz,
    ended_at    timestamptz,                 -- before its time
    person      text,                        -- once it is accepted
    primary key (record, id)
);
create unique index delegation_link on delegation (link) where link is not null;
create index delegation_due on delegation ((case state when 1 then answer_by else until end)) where state in (1, 2);

-- Those of before get the longest that there is.
insert into delegation (record, id, state, family, given, email, lang, invited_at, answer_by, until, answered_at, person)
select record, gen_random_uuid(), 2, family, given, '', 'fr', now(), now(), now() + interval '365 days', now(), person from record_person where role = 3;
update record_person set expires_at = now() + interval '365 days' where role = 3;

-- What a person reported to the operator: an access, a professional or a document outside
-- the rules (S4), and what became of it.
create table report (
    record      uuid not null references record,
    id          uuid not null,
    number      text not null unique,        -- what both sides call it by
    person      text not null,               -- who reports
    about       smallint not null,           -- record.ReportAbout
    actor       text not null,               -- of the access, or the professional; '' = none
    document    text not null,               -- logicalId, '' = none
    at          timestamptz,                 -- of the access
    text        text not null,
    state       smallint not null,           -- record.ReportState
    created_at  timestamptz not null,
    answer      text not null default '',
    answered_by text not null default '',
    answered_at timestamptz,
    primary key (record, id)
);
create index report_open on report (created_at) where state < 3;
