-- name: alert_insert
INSERT INTO alert (id, rule, subject, state, since, evidence) VALUES ($1, $2, $3, 'open', $4, $5);

-- name: alert_state
UPDATE alert SET state = $2 WHERE id = $1 AND state <> 'closed' AND state <> $2;

-- name: alerts
SELECT id, rule, state, subject, since, evidence FROM alert ORDER BY since DESC;

-- name: alert_get
SELECT id, rule, state, subject, since, evidence FROM alert WHERE id = $1;
