-- Of D/ledger/derived.db, which is always SQLite.
-- name: derived_term
CREATE TABLE IF NOT EXISTS term (key INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key, seq)) WITHOUT ROWID;

-- name: derived_head
CREATE TABLE IF NOT EXISTS head (log TEXT PRIMARY KEY, size INTEGER NOT NULL, time INTEGER NOT NULL) WITHOUT ROWID;

-- name: derived_position
CREATE TABLE IF NOT EXISTS position (one INTEGER PRIMARY KEY, next INTEGER NOT NULL, range BLOB NOT NULL);

-- name: position_get
SELECT next, range FROM position;

-- name: position_put
INSERT INTO position (one, next, range) VALUES (1, $1, $2) ON CONFLICT (one) DO UPDATE SET next = $1, range = $2;

-- name: head_put
INSERT INTO head (log, size, time) VALUES ($1, $2, $3) ON CONFLICT (log) DO UPDATE SET size = $2, time = $3;

-- name: heads
SELECT log, size, time FROM head;

-- name: heads_clear
DELETE FROM head;

-- name: term_add
INSERT INTO term (key, seq) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: terms_clear
DELETE FROM term;

-- name: term_before
SELECT seq FROM term WHERE key = $1 AND seq < $2 AND seq >= $3 ORDER BY seq DESC LIMIT $4;
