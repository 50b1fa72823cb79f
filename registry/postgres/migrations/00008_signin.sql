-- +goose Up
-- What a sign-in is on its way, before there is a session: a code to be entered, a browser
-- at a provider of identities, an activation or a recovery. The cookie is not kept, and the
-- code is hashed with it: what stands here opens nothing.
create table signin_flow (
    token      bytea primary key,            -- SHA-256 of the cookie
    kind       text not null,                -- account.FlowKind
    account    uuid references account on delete cascade,
    data       jsonb not null,               -- of the kind
    code       bytea,                        -- SHA-256 of cookie and code; null: none is expected
    code_until timestamptz,
    tries      integer not null default 0,   -- of this code
    sends      integer not null default 0,
    sent_at    timestamptz,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index signin_flow_expires on signin_flow (expires_at);
create index signin_flow_account on signin_flow (account) where account is not null;

-- Failures by what was tried and from where, kept whether or not such an account is there.
create table signin_failure (
    key        bytea primary key,            -- SHA-256 of the identifier, of the address…
    failures   integer not null,             -- without a success between them
    last_at    timestamptz not null,
    shut_until timestamptz not null          -- nothing succeeds before
);
create index signin_failure_last on signin_failure (last_at);

-- What is done for an identifier after the answer was given, whether or not there is such
-- an account: an answer that waited for it would tell.
create table signin_errand (
    id     bigint generated always as identity primary key,
    kind   text not null,                    -- account.ErrandKind
    login  text not null,
    lang   text not null,
    minutes integer not null,                -- of the kind locked
    at     timestamptz not null
);

-- Browsers from which an account was signed in to before: a new one is told to its owner.
create table account_device (
    account  uuid not null references account on delete cascade,
    token    bytea not null,                 -- SHA-256 of the cookie
    first_at timestamptz not null,
    seen_at  timestamptz not null,
    primary key (account, token)
);

-- Who an account's owner is at a provider of identities.
create table account_identity (
    issuer    text not null,
    subject   text not null,                 -- sub
    account   uuid not null references account on delete cascade,
    linked_at timestamptz not null,
    primary key (issuer, subject)
);
create index account_identity_account on account_identity (account);

alter table console_session
    add column professional text not null default '', -- national id, '' = an account's
    add column provider     text not null default '', -- issuer, '' = password and code
    add column hint         text not null default ''; -- ID token, for the sign-out there
create index console_session_professional on console_session (professional) where professional <> '';
create index console_session_expires on console_session (expires_at);

-- Persons by their traits, for a provider of identities that gives no INS.
create index record_born on record (birth_date, sex);
