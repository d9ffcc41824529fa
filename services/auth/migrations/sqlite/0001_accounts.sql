-- One row for each person. Times are milliseconds since the Unix epoch.
CREATE TABLE accounts (
    id       TEXT    NOT NULL PRIMARY KEY, -- UUID, version 7
    username TEXT    NOT NULL UNIQUE,      -- lower case; the database decides who was first
    kind     TEXT    NOT NULL,             -- where the account comes from: local, or a provider's name
    created  INTEGER NOT NULL
) STRICT;

-- One way to sign in. An account may have none, and other ways in tables of their own beside this one.
CREATE TABLE passwords (
    account_id TEXT    NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    phc        TEXT    NOT NULL,           -- algorithm, work factor, salt and hash as a PHC string
    changed    INTEGER NOT NULL            -- when its owner last chose it; a re-hash does not count
) STRICT;
