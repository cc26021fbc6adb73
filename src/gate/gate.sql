-- name: request_insert
INSERT INTO request (id, operation, requester, subscriber, resource, purpose, arguments, state, created, expires, decided_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9, '');

-- name: idempotency_get
SELECT digest, status, answer FROM idempotency WHERE actor = $1 AND key = $2;

-- name: idempotency_put
INSERT INTO idempotency (actor, key, digest, status, answer, created) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING;

-- name: policy_at
SELECT digest, text FROM policy_set WHERE since <= $1 AND (until IS NULL OR until > $1) ORDER BY since DESC LIMIT 1;

-- name: policy_end
UPDATE policy_set SET until = $1 WHERE until IS NULL;

-- name: policy_begin
INSERT INTO policy_set (digest, text, since, proposed_by, approved_by) VALUES ($1, $2, $3, $4, $5);
