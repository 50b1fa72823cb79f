-- +goose Up
-- Vaccinations that become due are told to the contacts of a record, once each
-- (registry/remind.go). At the first look nobody is written to: what was due before he
-- came is no news.
create table reminder (
    record uuid not null references record,
    person text not null,                         -- as in contact
    wanted boolean not null default true,
    due_at timestamptz not null default '-infinity', -- looked at next
    looked boolean not null default false,
    told   text[] not null default '{}',          -- doses that were due at the last look
    primary key (record, person)
);
create index reminder_due on reminder (due_at) where wanted;
