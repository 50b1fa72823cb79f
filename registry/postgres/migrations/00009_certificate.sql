-- +goose Up
-- What the holder of a deleted record keeps: the statement of the gateway, signed.
alter table ended add column certificate bytea; -- null: still to be destroyed, or there is no signature
