-- +goose Up
-- What persons granted applications on a record (SMART), each for himself alone: an
-- application acts for the one who authorised it. What was granted once and taken back
-- stands in the trail.
create table application_grant (
    record      uuid not null references record,
    application text not null,               -- client_id
    person      text not null,               -- who granted it
    scopes      text not null,               -- authz.Reach
    types       text[],                      -- code^^scheme; null = all
    granted_at  timestamptz not null,
    expires_at  timestamptz not null,
    primary key (record, application, person)
);

-- Of a trail row: the application that acted for the actor, or that the act is about.
alter table trail add column application text not null default '';
