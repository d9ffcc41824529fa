-- One row for each person. Times are milliseconds since the Unix epoch.
CREATE TABLE accounts (
    id           TEXT   COLLATE "C" NOT NULL PRIMARY KEY, -- UUID, version 7
    username     TEXT   COLLATE "C" NOT NULL UNIQUE,      -- lower case; the database decides who was first
    display_name TEXT,                                    -- what others see instead of the username
    kind         TEXT   NOT NULL,                         -- where the account comes from: local, or a provider's name
    created      BIGINT NOT NULL,
    disabled     BIGINT                                   -- since when nobody may sign in
);

-- One way to sign in.
CREATE TABLE passwords (
    account_id TEXT   COLLATE "C" NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    phc        TEXT   NOT NULL,                           -- algorithm, work factor, salt and hash as a PHC string
    changed    BIGINT NOT NULL                            -- when its owner last chose it; a re-hash does not count
);

-- Whom a provider knows: one way to sign in.
CREATE TABLE identities (
    provider   TEXT   COLLATE "C" NOT NULL,
    subject    TEXT   COLLATE "C" NOT NULL,               -- who it is, as the provider says it
    account_id TEXT   COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    label      TEXT   NOT NULL,                           -- what the provider calls them, for their own eyes
    linked     BIGINT NOT NULL,
    PRIMARY KEY (provider, subject),
    UNIQUE (account_id, provider)
);

-- What an account's names look like, so that nobody looks like somebody else; the database decides who was first.
CREATE TABLE looks (
    look       TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    account_id TEXT   COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE
);
CREATE INDEX looks_of_account ON looks (account_id);
