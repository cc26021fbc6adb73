-- name: request_by_id
SELECT id, operation, requester, subscriber, resource, purpose, state, created, expires, decided, decided_by, arguments
FROM request WHERE id = $1;

-- name: requests
SELECT id, operation, requester, subscriber, resource, purpose, state, created, expires, decided, decided_by, arguments
FROM request WHERE state = $1 ORDER BY created;

-- name: request_decide
UPDATE request SET state = $2, decided = $3, decided_by = $4 WHERE id = $1 AND state = 'pending' AND expires > $3;

-- name: promoted_by
SELECT 1 FROM fact WHERE subject = $1 AND attribute = 'promoted_by' AND value = $2 AND since > $3 LIMIT 1;

-- name: alerts
SELECT id, rule, state, subject, since, evidence FROM alert ORDER BY since DESC;
