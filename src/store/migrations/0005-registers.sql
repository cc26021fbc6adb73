-- What the promise's wide duties keep: policies, risks, courses, providers' reviews, sites, … (src/assure/register.h).
-- Every version stays, with who made it in which passage; until is NULL while it holds. due: when it is overdue, NULL never.
CREATE TABLE register (
	kind TEXT NOT NULL,
	id TEXT NOT NULL,
	version INTEGER NOT NULL,
	parent TEXT NOT NULL,
	due INTEGER,
	body TEXT NOT NULL,
	since INTEGER NOT NULL,
	until INTEGER,
	changed_by TEXT NOT NULL,
	passage BLOB NOT NULL,
	PRIMARY KEY (kind, id, version)
);
CREATE INDEX register_now ON register (kind, until, id);
CREATE INDEX register_of ON register (kind, parent, until);

-- Documents that registers name by their digest, sealed under the vendor's key in pieces.
CREATE TABLE register_file (
	digest BLOB PRIMARY KEY,
	size INTEGER NOT NULL,
	sealed BLOB NOT NULL
);

-- What each check found, and since when; until is NULL for what it finds now. ran: when it looked last.
CREATE TABLE check_state (
	id TEXT NOT NULL,
	state TEXT NOT NULL,
	value TEXT NOT NULL,
	threshold TEXT NOT NULL,
	since INTEGER NOT NULL,
	until INTEGER,
	ran INTEGER NOT NULL,
	evidence TEXT NOT NULL,
	PRIMARY KEY (id, since)
);
CREATE INDEX check_state_now ON check_state (until, id);

-- What was measured last of a component or a link: pushed, and overwritten.
CREATE TABLE gauge (
	name TEXT PRIMARY KEY,
	up INTEGER NOT NULL,
	load INTEGER NOT NULL,
	time INTEGER NOT NULL
);
