-- name: check_state_now
SELECT state, value, since, ran, evidence FROM check_state WHERE id = $1 AND until IS NULL;

-- name: check_state_end
UPDATE check_state SET until = $2 WHERE id = $1 AND until IS NULL;

-- name: check_state_begin
INSERT INTO check_state (id, state, value, threshold, since, until, ran, evidence) VALUES ($1, $2, $3, $4, $5, NULL, $5, $6);

-- name: check_state_past
SELECT id, state, value, evidence, since, until FROM check_state
WHERE ($1 = '' OR id = $1) AND since < $3 AND (until IS NULL OR until > $2) ORDER BY since, id;

-- name: people_overdue
SELECT count(*) FROM principal p WHERE p.kind = 'personnel'
AND EXISTS (SELECT 1 FROM fact s WHERE s.subject = p.actor AND s.attribute = 'state' AND s.until IS NULL AND s.value = 'active')
AND NOT EXISTS (SELECT 1 FROM fact t WHERE t.subject = p.actor AND t.attribute = 'training' AND t.until IS NULL AND t.value > $1);

-- name: people_working
SELECT count(*) FROM principal p WHERE p.kind = 'personnel'
AND EXISTS (SELECT 1 FROM fact s WHERE s.subject = p.actor AND s.attribute = 'state' AND s.until IS NULL AND s.value = 'active');

-- name: providers_all
SELECT p.id, p.kind, p.name, coalesce((SELECT max(f.value) FROM fact f WHERE f.subject = p.id AND f.attribute = 'review' AND f.until IS NULL), '')
FROM provider p ORDER BY p.id;

-- name: grants_unused
SELECT count(*) FROM grants g JOIN principal p ON p.actor = g.actor WHERE g.until IS NULL AND g.expires > $1 AND p.kind <> 'application' AND g.since < $2;
-- name: credentials_of_gone
SELECT count(*) FROM credential c WHERE c.until IS NULL AND c.expires > $1 AND EXISTS (
SELECT 1 FROM fact f WHERE f.subject = c.actor AND f.attribute = 'state' AND f.until IS NULL AND f.value <> 'active');

-- name: grants_of_people_too_long
SELECT count(*) FROM grants g JOIN principal p ON p.actor = g.actor
WHERE g.until IS NULL AND g.expires > $1 AND p.kind <> 'application' AND g.expires - g.since > 2592000000000;

-- name: requests_self_approved
SELECT count(*) FROM request WHERE state = 'approved' AND requester = decided_by AND created <= $1;

-- name: newest_versions
SELECT subscriber, collection, id, version FROM object_version WHERE media <> '' ORDER BY changed DESC LIMIT $1;

-- name: versions_without_passage
SELECT count(*) FROM object_version WHERE passage = '' AND changed <= $1;
-- name: database_modes
SELECT count(*), coalesce(sum(CASE WHEN mode = 'enforce' AND NOT EXISTS (SELECT 1 FROM database_table_mode m WHERE m.database = database.name
AND m.until IS NULL AND m.mode <> 'enforce') THEN 1 ELSE 0 END), 0) FROM database WHERE state = 'onboarded';

-- name: database_audits
SELECT count(*), coalesce(sum(findings), 0), coalesce(sum(CASE WHEN audited < $1 THEN 1 ELSE 0 END), 0) FROM database WHERE state = 'onboarded';


-- name: credentials_too_long
SELECT count(*) FROM credential c JOIN principal p ON p.actor = c.actor
WHERE c.until IS NULL AND c.expires > $1 AND p.kind <> 'application' AND c.expires - c.since > 604800000000;

-- name: installed
SELECT coalesce(min(since), $1) FROM policy_set;
