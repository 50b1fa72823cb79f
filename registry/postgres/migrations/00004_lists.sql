-- +goose Up
-- What a search for Lists (ITI-66) compares beside the parameters of ITI-18.
alter table submission_set
    add column title        text   not null default '',
    add column institutions text[] not null default '{}'; -- authorInstitution, as sent
alter table folder
    add column title        text   not null default '';
