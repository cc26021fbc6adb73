-- name: request_by_id
SELECT id, operation, requester, subscriber, resource, purpose, state, created, expires, decided, decided_by, arguments
FROM request WHERE id = $1;

-- name: requests
SELECT id, operation, requester, subscriber, resource, purpose, state, created, expires, decided, decided_by, arguments
FROM request WHERE state = $1 ORDER BY created;

-- name: request_decide
UPDATE request SET state = $2, decided = $3, decided_by = $4 WHERE id = $1 AND state = 'pending' AND expires > $3;

-- name: generation_want
INSERT INTO key_generation (scope, key_use, generation, done) VALUES ($1, $2, $3, 0)
ON CONFLICT (scope, key_use) DO UPDATE SET generation = $3, done = 0 WHERE key_generation.generation < $3;

-- name: witnesses
SELECT name, url, vkey, authorities, size, seen, state, since FROM witness ORDER BY name;

-- name: witness_add
INSERT INTO witness (name, url, vkey, authorities, size, seen, state, since) VALUES ($1, $2, $3, $4, 0, 0, 'new', $5) ON CONFLICT DO NOTHING;

-- name: witness_remove
DELETE FROM witness WHERE name = $1;

-- name: setting_put
INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2;

-- name: setting_get
SELECT value FROM setting WHERE name = $1;

-- name: checkpoint_cosigned
SELECT c.size, c.note FROM checkpoint c WHERE (SELECT count(*) FROM cosignature s WHERE s.size = c.size) >= $1
ORDER BY c.size DESC LIMIT 1;

-- name: bundle_cosignatures
SELECT line FROM cosignature WHERE size = $1 ORDER BY witness;

-- name: promoted_by
SELECT 1 FROM fact WHERE subject = $1 AND attribute = 'promoted_by' AND value = $2 AND since > $3 LIMIT 1;

-- name: provider_kind
SELECT kind FROM provider WHERE id = $1;

-- name: providers_listed
SELECT id, kind, name FROM provider ORDER BY id;
