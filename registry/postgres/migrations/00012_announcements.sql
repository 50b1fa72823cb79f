-- +goose Up
-- Where a professional is written to: from the directory, or from the provider of
-- identities when he signs in.
create table professional_contact (
    professional text primary key,
    email        text not null,
    lang         text not null default 'fr'
);

-- When the author of a document that is hidden until it is announced was reminded of it
-- last (policy Q-19).
create table announcement_reminder (
    record      uuid not null references record,
    lineage     uuid not null,
    reminded_at timestamptz not null,
    primary key (record, lineage)
);
create index lineage_hidden on lineage (record, id) where hide_patient;
