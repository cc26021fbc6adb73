-- The spine: ledger, identity, policy, requests, objects, deadlines, jobs, alerts.
-- Times are microseconds since 1970 UTC. What decides who may what has since and until and is never overwritten;
-- until is NULL while it holds.

-- The main order of the ledger: leaf is 0x00 and an entry, or 0x01 and a map leaf (LEDGER.md). No other index.
CREATE TABLE tail (
	seq INTEGER PRIMARY KEY,
	leaf BLOB NOT NULL
);

CREATE TABLE subscriber (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	contact BLOB NOT NULL,
	created INTEGER NOT NULL
);

CREATE TABLE provider (
	id TEXT PRIMARY KEY,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	created INTEGER NOT NULL
);

-- Whoever acts: personnel, people of providers, subscribers' users, auditors, applications.
-- organisation: the subscriber or provider they belong to, '' for the vendor's own. name is sealed.
CREATE TABLE principal (
	actor TEXT PRIMARY KEY,
	id TEXT NOT NULL UNIQUE,
	kind TEXT NOT NULL,
	organisation TEXT NOT NULL,
	name BLOB NOT NULL,
	created INTEGER NOT NULL
);

-- What was true of a subject, and when: role, state, training, review, collections of a contract.
CREATE TABLE fact (
	subject TEXT NOT NULL,
	attribute TEXT NOT NULL,
	value TEXT NOT NULL,
	since INTEGER NOT NULL,
	until INTEGER
);
CREATE INDEX fact_of ON fact (subject, attribute, since);

CREATE TABLE secret (
	actor TEXT PRIMARY KEY,
	password TEXT NOT NULL,
	totp BLOB NOT NULL,
	totp_step INTEGER NOT NULL,
	code BLOB NOT NULL,
	code_until INTEGER NOT NULL,
	changed INTEGER NOT NULL
);

-- digest: SHA-256 of a token, or of a certificate.
CREATE TABLE credential (
	id TEXT PRIMARY KEY,
	actor TEXT NOT NULL,
	kind TEXT NOT NULL,
	digest BLOB NOT NULL UNIQUE,
	since INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	until INTEGER,
	why TEXT NOT NULL
);
CREATE INDEX credential_of ON credential (actor, since);

-- resource: COLLECTION, COLLECTION/ID or db/NAME. rights: read, write, export, joined by commas.
CREATE TABLE grants (
	id TEXT PRIMARY KEY,
	actor TEXT NOT NULL,
	subscriber TEXT NOT NULL,
	resource TEXT NOT NULL,
	rights TEXT NOT NULL,
	request TEXT NOT NULL,
	since INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	until INTEGER
);
CREATE INDEX grants_of ON grants (actor, subscriber, since);

-- What waits for a second person: an operation with its arguments, sealed.
CREATE TABLE request (
	id TEXT PRIMARY KEY,
	operation TEXT NOT NULL,
	requester TEXT NOT NULL,
	subscriber TEXT NOT NULL,
	resource TEXT NOT NULL,
	purpose TEXT NOT NULL,
	arguments BLOB NOT NULL,
	state TEXT NOT NULL,
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	decided INTEGER,
	decided_by TEXT NOT NULL
);
CREATE INDEX request_by_state ON request (state, created);

CREATE TABLE policy_set (
	digest BLOB NOT NULL,
	text TEXT NOT NULL,
	since INTEGER NOT NULL,
	until INTEGER,
	proposed_by TEXT NOT NULL,
	approved_by TEXT NOT NULL
);

-- attributes: the declared clear attributes of objects in it, as a JSON array of names.
CREATE TABLE collection (
	subscriber TEXT NOT NULL,
	name TEXT NOT NULL,
	attributes TEXT NOT NULL,
	PRIMARY KEY (subscriber, name)
);

-- The newest version of each object; deleted is when, NULL if it is there.
CREATE TABLE object (
	subscriber TEXT NOT NULL,
	collection TEXT NOT NULL,
	id TEXT NOT NULL,
	version INTEGER NOT NULL,
	deleted INTEGER,
	PRIMARY KEY (subscriber, collection, id)
);

-- Every version: the body sealed under a key of its own, which is wrapped by the subscriber's key of `generation`.
CREATE TABLE object_version (
	subscriber TEXT NOT NULL,
	collection TEXT NOT NULL,
	id TEXT NOT NULL,
	version INTEGER NOT NULL,
	media TEXT NOT NULL,
	attributes TEXT NOT NULL,
	size INTEGER NOT NULL,
	generation INTEGER NOT NULL,
	wrapped BLOB NOT NULL,
	body BLOB NOT NULL,
	changed INTEGER NOT NULL,
	changed_by TEXT NOT NULL,
	purpose TEXT NOT NULL,
	passage BLOB NOT NULL,
	PRIMARY KEY (subscriber, collection, id, version)
);

CREATE TABLE idempotency (
	actor TEXT NOT NULL,
	key TEXT NOT NULL,
	digest BLOB NOT NULL,
	status INTEGER NOT NULL,
	answer BLOB NOT NULL,
	created INTEGER NOT NULL,
	PRIMARY KEY (actor, key)
);

CREATE TABLE deadline (
	kind TEXT NOT NULL,
	subject TEXT NOT NULL,
	due INTEGER NOT NULL,
	done INTEGER,
	PRIMARY KEY (kind, subject, due)
);

CREATE TABLE alert (
	id TEXT PRIMARY KEY,
	rule TEXT NOT NULL,
	subject TEXT NOT NULL,
	state TEXT NOT NULL,
	since INTEGER NOT NULL,
	evidence TEXT NOT NULL
);
