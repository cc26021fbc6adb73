-- name: principal_by_name
SELECT actor, id, kind, organisation FROM principal WHERE id = $1 OR actor = $1;

-- name: principal_after
SELECT id, actor, kind, organisation FROM principal WHERE id > $1 ORDER BY id LIMIT $2;

-- name: principal_insert
INSERT INTO principal (actor, id, kind, organisation, name, created) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING;

-- name: principal_sealed_name
SELECT name FROM principal WHERE actor = $1;

-- name: facts_of
SELECT attribute, value FROM fact WHERE subject = $1 AND since <= $2 AND (until IS NULL OR until > $2) ORDER BY since;

-- name: fact_value
SELECT value FROM fact WHERE subject = $1 AND attribute = $2 AND since <= $3 AND (until IS NULL OR until > $3)
ORDER BY since DESC LIMIT 1;

-- name: fact_end
UPDATE fact SET until = $3 WHERE subject = $1 AND attribute = $2 AND until IS NULL;

-- name: fact_begin
INSERT INTO fact (subject, attribute, value, since) VALUES ($1, $2, $3, $4);

-- name: credential_by_digest
SELECT id, actor, expires, until FROM credential WHERE digest = $1;

-- name: credential_insert
INSERT INTO credential (id, actor, kind, digest, since, expires, why, parent) VALUES ($1, $2, $3, $4, $5, $6, '', $7);

-- name: credential_end
UPDATE credential SET until = $2, why = $3 WHERE (id = $1 OR parent = $1) AND until IS NULL AND expires > $2;

-- name: credential_end_all
UPDATE credential SET until = $2, why = $3 WHERE actor = $1 AND until IS NULL AND expires > $2;

-- name: credential_by_id
SELECT id, actor, kind, since, expires, until FROM credential WHERE id = $1;

-- name: credentials_of
SELECT id, actor, kind, since, expires, until FROM credential
WHERE (actor = $1 OR $1 = '') AND until IS NULL AND expires > $2 ORDER BY since;

-- name: grants_of_actor
SELECT id, actor, subscriber, resource, rights, request, since, expires, until FROM grants
WHERE actor = $1 AND until IS NULL AND expires > $2 ORDER BY since;

-- name: grants_of_subscriber
SELECT id, actor, subscriber, resource, rights, request, since, expires, until FROM grants
WHERE (subscriber = $1 OR $1 = '') AND until IS NULL AND expires > $2 ORDER BY since;

-- name: grant_by_id
SELECT id, actor, subscriber, resource, rights, request, since, expires, until FROM grants WHERE id = $1;

-- name: grant_insert
INSERT INTO grants (id, actor, subscriber, resource, rights, request, since, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: grant_end
UPDATE grants SET until = $2 WHERE id = $1 AND until IS NULL AND expires > $2;

-- name: grant_end_all
UPDATE grants SET until = $2 WHERE actor = $1 AND until IS NULL AND expires > $2;

-- name: secret_of
SELECT password, totp, totp_step, code, code_until FROM secret WHERE actor = $1;

-- name: secret_put
INSERT INTO secret (actor, password, totp, totp_step, code, code_until, changed) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (actor) DO UPDATE SET password = $2, totp = $3, totp_step = $4, code = $5, code_until = $6, changed = $7;

-- name: secret_enrol
UPDATE secret SET password = $2, totp = $3, totp_step = 0, code = $4, code_until = 0, changed = $5
WHERE actor = $1 AND code = $6 AND code_until > $5;

-- name: totp_take
UPDATE secret SET totp_step = $2 WHERE actor = $1 AND totp_step < $2;

-- name: subscriber_insert
INSERT INTO subscriber (id, sealed, created) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: subscriber_by_id
SELECT id, sealed, created FROM subscriber WHERE id = $1;

-- name: subscribers
SELECT id, sealed, created FROM subscriber ORDER BY id;

-- name: provider_insert
INSERT INTO provider (id, kind, name, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING;
