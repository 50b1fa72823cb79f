-- What the copies of the template are made with (load.go): the patients of the bench,
-- and the ids of their objects, which follow from those of the template.
create schema if not exists bench;
create table if not exists bench.patient (n integer primary key, record uuid not null, ins text not null, deposit boolean not null);

create or replace function bench.id(n integer, old uuid) returns uuid
language sql immutable parallel safe as $$ select md5(n::text || ' ' || old::text)::uuid $$;

create or replace function bench.uid(n integer, old text) returns text
language sql immutable parallel safe as $$ select left(old, 6) || lpad(n::text, 8, '0') || right(old, 5) $$;

create or replace function bench.swap(entry bytea, old_id uuid, new_id uuid, old_uid text, new_uid text, old_ins text, new_ins text) returns bytea
language sql immutable parallel safe as $$
  select decode(replace(replace(replace(encode(entry, 'hex'),
    encode(old_id::text::bytea, 'hex'), encode(new_id::text::bytea, 'hex')),
    encode(old_uid::bytea, 'hex'), encode(new_uid::bytea, 'hex')),
    encode(old_ins::bytea, 'hex'), encode(new_ins::bytea, 'hex')), 'hex') $$;
