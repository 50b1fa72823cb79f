-- +goose Up
-- Who signs in to the pages. One account stands for one human being, who may be the
-- holder of a record (its id), a representative or a delegate of others (person ids).
create table account (
    id         uuid primary key,
    login      text not null unique,
    password   text not null default '',     -- argon2id with its parameters; '' = no password
    email      text not null default '',
    phone      text not null default '',
    lang       text not null default 'fr',
    created_at timestamptz not null
);
create table account_person (
    account uuid not null references account on delete cascade,
    person  text not null,                   -- record id, or person id of record_person
    primary key (account, person)
);
create index account_person_person on account_person (person);
create index record_person_person on record_person (person);

-- A browser that is signed in. The cookie is not kept: what stands here is of no use to
-- whoever reads it.
create table console_session (
    token      bytea primary key,            -- SHA-256 of the cookie
    id         uuid not null unique,         -- what the trail and lists name it by
    account    uuid references account on delete cascade, -- null: a professional
    subject    bytea,                        -- authz.Subject of the professional, JSON
    name       text not null,                -- display
    agent      text not null,                -- browser, as it says
    created_at timestamptz not null,
    seen_at    timestamptz not null,
    expires_at timestamptz not null
);
create index console_session_account on console_session (account);
