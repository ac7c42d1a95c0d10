-- Requests that may be sent again. 'answer' is NULL until their end is known.
CREATE TABLE idempotency (
    caller TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, at INTEGER NOT NULL, answer TEXT,
    PRIMARY KEY (caller, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_by_time ON idempotency (at);
