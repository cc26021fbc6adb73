-- name: register_current
SELECT kind, id, version, parent, due, body, since, changed_by FROM register WHERE kind = $1 AND id = $2 AND until IS NULL;

-- name: register_of_kind
SELECT kind, id, version, parent, due, body, since, changed_by FROM register WHERE kind = $1 AND until IS NULL ORDER BY id;

-- name: register_of_parent
SELECT kind, id, version, parent, due, body, since, changed_by FROM register WHERE kind = $1 AND parent = $2 AND until IS NULL ORDER BY id;

-- name: register_versions
SELECT kind, id, version, parent, due, body, since, changed_by FROM register WHERE kind = $1 AND id = $2 ORDER BY version DESC;

-- name: register_due
SELECT kind, id, version, parent, due, body, since, changed_by FROM register WHERE until IS NULL AND due IS NOT NULL ORDER BY due, kind, id;

-- name: register_last_version
SELECT coalesce(max(version), 0) FROM register WHERE kind = $1 AND id = $2;

-- name: register_end
UPDATE register SET until = $3 WHERE kind = $1 AND id = $2 AND until IS NULL;

-- name: register_insert
INSERT INTO register (kind, id, version, parent, due, body, since, until, changed_by, passage)
VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8, $9);

-- name: register_counts
SELECT count(*), coalesce(sum(CASE WHEN due <= $2 THEN 1 ELSE 0 END), 0), min(due) FROM register WHERE kind = $1 AND until IS NULL;

-- name: register_first_due
SELECT id FROM register WHERE kind = $1 AND until IS NULL AND due <= $2 ORDER BY due, id LIMIT 1;

-- name: register_file_put
INSERT INTO register_file (digest, size, sealed) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: register_file_get
SELECT size, sealed FROM register_file WHERE digest = $1;

-- name: gauge_put
INSERT INTO gauge (name, up, load, time) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET up = $2, load = $3, time = $4;

-- name: gauge_get
SELECT up, load, time FROM gauge WHERE name = $1;
