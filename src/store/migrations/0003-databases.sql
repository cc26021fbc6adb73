-- Databases behind the gateway. sealed: where and how they are reached, and the salt of role names, under the vendor's key.
-- map: VALUE=SUBSCRIBER,…; state: added, onboarding, onboarded, leaving.
CREATE TABLE database (
	name TEXT PRIMARY KEY,
	sealed BLOB NOT NULL,
	mode TEXT NOT NULL,
	state TEXT NOT NULL,
	tenant TEXT NOT NULL,
	map TEXT NOT NULL,
	shared TEXT NOT NULL,
	exempt TEXT NOT NULL,
	created INTEGER NOT NULL,
	changed INTEGER NOT NULL,
	audited INTEGER NOT NULL,
	findings INTEGER NOT NULL
);
