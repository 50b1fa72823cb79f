-- +goose Up
-- Whether the address is that of the directory: a newer extract replaces it, and what the
-- provider of identities said it does not.
alter table professional_contact add column listed boolean not null default false;
