-- +goose Up
-- What a search of the directory compares: names without case and accents, as they are
-- typed. The words are made by the program (registry/record/search.go), so that the
-- database needs no extension for it.
alter table professional add column words text not null default '';
create index professional_words on professional (words text_pattern_ops);
-- Where else a professional works; the row of professional has the first place.
create table workplace (
    professional   text not null references professional on delete cascade,
    structure      text not null,
    structure_name text not null,
    primary key (professional, structure)
);
create index workplace_structure on workplace (structure);
create index professional_structure on professional (structure);
