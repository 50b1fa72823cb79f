-- +goose Up
-- What is to be written to people, and was (message, registry/mail). It may concern no
-- record at all, so it is not keyed by one. Once it was sent the address and the
-- parameters are taken out of it: what stays says that it went, and keeps a second one
-- of the same event from going.
create table message (
    id         uuid primary key,             -- of the event
    kind       text not null,                -- message.Kind
    channel    text not null,                -- message.Channel
    recipient  text not null,                -- an address or a number
    lang       text not null,
    params     jsonb not null,               -- message.Message.Params
    created_at timestamptz not null,
    due_at     timestamptz not null,         -- not before: a lease, or the wait after a failure
    give_up_at timestamptz not null,         -- of no use later
    attempts   integer not null default 0,
    sent_at    timestamptz,                  -- null: waits, or was given up
    failed_at  timestamptz                   -- given up
);
create index message_due on message (due_at) where sent_at is null and failed_at is null;
create index message_over on message (created_at) where sent_at is not null or failed_at is not null;
