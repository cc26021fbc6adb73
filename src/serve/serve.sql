-- name: generations_wanted
SELECT scope, key_use, generation FROM key_generation WHERE done = 0;

-- name: generations_done
SELECT scope, key_use, generation FROM key_generation WHERE done = 1;

-- name: checkpoint_newest
SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1;

-- name: witnesses_all
SELECT name, url, vkey, authorities, size, seen, state FROM witness ORDER BY name;

-- name: cosignature_put
INSERT INTO cosignature (size, witness, line) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: witness_cosigned
UPDATE witness SET size = $2, seen = $3, state = 'cosigns', since = CASE WHEN state = 'cosigns' THEN since ELSE $4 END WHERE name = $1;

-- name: witness_state
UPDATE witness SET state = $2, since = $3 WHERE name = $1;

-- name: request_expire
UPDATE request SET state = 'expired', decided = $2 WHERE id = $1 AND state = 'pending';

-- name: sweep_first
INSERT INTO deadline (kind, subject, due) SELECT 'sweep', 'hourly', $1 WHERE NOT EXISTS (
SELECT 1 FROM deadline WHERE kind = 'sweep' AND done IS NULL);

-- name: idempotency_sweep
DELETE FROM idempotency WHERE created < $1;

-- name: deadlines_sweep
DELETE FROM deadline WHERE done < $1;

-- name: credentials_end
UPDATE credential SET until = $1, why = $2 WHERE until IS NULL AND expires > $1;

-- name: generation_done
UPDATE key_generation SET done = 1 WHERE scope = $1 AND key_use = $2 AND generation = $3;

-- name: credentials_of_organisation_end
UPDATE credential SET until = $1, why = $2 WHERE until IS NULL AND expires > $1 AND actor IN (SELECT actor FROM principal WHERE organisation = $3);

-- name: provider_is_host
SELECT 1 FROM provider WHERE id = $1 AND kind = 'host';
