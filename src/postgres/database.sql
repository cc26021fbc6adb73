-- name: database_add
INSERT INTO database (name, sealed, mode, state, tenant, map, shared, exempt, created, changed, audited, findings)
VALUES ($1, $2, 'enforce', 'added', '', '', '', '', $3, $3, 0, 0) ON CONFLICT DO NOTHING;

-- name: database_get
SELECT name, sealed, mode, state, tenant, map, shared, exempt, created, changed FROM database WHERE name = $1;

-- name: databases
SELECT name, sealed, mode, state, tenant, map, shared, exempt, created, changed FROM database ORDER BY name;

-- name: database_mode
UPDATE database SET mode = $2, changed = $3 WHERE name = $1;

-- name: database_onboard
UPDATE database SET state = $2, tenant = $3, map = $4, shared = $5, exempt = $6, changed = $7, audited = $7, findings = 0 WHERE name = $1;

-- name: database_audited
UPDATE database SET audited = $2, findings = $3 WHERE name = $1;

-- name: application_begin
INSERT INTO database_application (database, application, sealed, setting, since) VALUES ($1, $2, $3, $4, $5);

-- name: application_end
UPDATE database_application SET until = $3 WHERE database = $1 AND application = $2 AND until IS NULL;

-- name: application_get
SELECT application, sealed, setting, since FROM database_application WHERE database = $1 AND application = $2 AND until IS NULL;

-- name: applications
SELECT application, sealed, setting, since FROM database_application WHERE database = $1 AND until IS NULL ORDER BY application;

-- name: applications_end
UPDATE database_application SET until = $2 WHERE database = $1 AND until IS NULL;

-- name: table_mode_end
UPDATE database_table_mode SET until = $3 WHERE database = $1 AND relation = $2 AND until IS NULL;

-- name: table_mode_begin
INSERT INTO database_table_mode (database, relation, mode, since) VALUES ($1, $2, $3, $4);

-- name: table_modes
SELECT relation, mode, since FROM database_table_mode WHERE database = $1 AND until IS NULL ORDER BY relation;

-- name: label_begin
INSERT INTO database_label (database, relation, attribute, label, since)
SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT 1 FROM database_label l WHERE l.database = $1 AND l.relation = $2 AND l.attribute = $3
AND l.label = $4 AND l.until IS NULL);

-- name: label_end
UPDATE database_label SET until = $5 WHERE database = $1 AND relation = $2 AND attribute = $3 AND label = $4 AND until IS NULL;

-- name: labels
SELECT relation, attribute, label, since FROM database_label WHERE database = $1 AND until IS NULL ORDER BY relation, attribute, label;

-- name: watch_begin
INSERT INTO database_watch (database, slot, since) SELECT $1, $2, $3
WHERE NOT EXISTS (SELECT 1 FROM database_watch w WHERE w.database = $1 AND w.until IS NULL);

-- name: watch_end
UPDATE database_watch SET until = $2 WHERE database = $1 AND until IS NULL;

-- name: watch_get
SELECT slot, since FROM database_watch WHERE database = $1 AND until IS NULL;

-- name: watches
SELECT database, slot FROM database_watch WHERE until IS NULL ORDER BY database;

-- name: certificate_begin
INSERT INTO database_certificate (database, since) SELECT $1, $2
WHERE NOT EXISTS (SELECT 1 FROM database_certificate c WHERE c.database = $1 AND c.until IS NULL);

-- name: certificate_end
UPDATE database_certificate SET until = $2 WHERE database = $1 AND until IS NULL;

-- name: certificate_get
SELECT 1 FROM database_certificate WHERE database = $1 AND until IS NULL;
