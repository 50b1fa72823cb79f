-- +goose Up
-- What a Subscription of the FHIR face (ITI-110) has beside one of ITI-52: what its
-- client asked, and how it fares. The rows of ITI-52 have neither.
alter table subscription
    add column hook       bytea,                          -- in the face's own form; null: ITI-52
    add column new_only   boolean not null default false, -- deposits alone are told
    add column heartbeat  integer not null default 0,     -- seconds of silence after which there is a message, 0 = never
    add column status     smallint not null default 1,    -- registry.HookStatus
    add column verified   boolean not null default true,  -- its consumer has answered the handshake
    add column failure    text not null default '',       -- of the last attempt
    add column told       bigint not null default 0,      -- how many documents it was told of
    add column told_at    timestamptz,
    add column version    integer not null default 1,
    add column updated_at timestamptz;
create index subscription_owner on subscription (owner, id) where hook is not null;
comment on column outbox.trail_seq is 'with at: the trail row that it tells of; 0: of none, the handshake or heartbeat of a subscription';
