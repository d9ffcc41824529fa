-- What others see instead of the username, and since when nobody may sign in.
ALTER TABLE accounts ADD COLUMN display_name TEXT;
ALTER TABLE accounts ADD COLUMN disabled INTEGER;

-- Whom a provider knows: one way to sign in.
CREATE TABLE identities (
    provider   TEXT    NOT NULL,
    subject    TEXT    NOT NULL,           -- who it is, as the provider says it
    account_id TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    label      TEXT    NOT NULL,           -- what the provider calls them, for their own eyes
    linked     INTEGER NOT NULL,
    PRIMARY KEY (provider, subject),
    UNIQUE (account_id, provider)
) STRICT;

-- What an account's names look like, so that nobody looks like somebody else; the database decides who was first.
CREATE TABLE looks (
    look       TEXT    NOT NULL PRIMARY KEY,
    account_id TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX looks_of_account ON looks (account_id);

-- Those of usernames made so far, as src/accounts/looks.rs makes them. Where two look the same, the older one has it.
INSERT INTO looks (look, account_id)
SELECT replace(replace(replace(username, 'm', 'rn'), '1', 'l'), '0', 'o'), id
FROM accounts WHERE true ORDER BY created, id
ON CONFLICT DO NOTHING;
