-- +goose Up
-- Look-ups that start without a record: what a person is to be told of, when he comes by
-- an account, and what a professional hid until it is announced.
create index contact_person on contact (person);
create index untold_withheld on untold (person) where due_at is null;
create index lineage_hidden_authors on lineage using gin (authors) where hide_patient;
