/* An entry as an event of the Open Cybersecurity Schema Framework (1.9.0-dev, schema.ocsf.io): the class that fits its
 * operation, with what no attribute takes under `unmapped`. */
#include "ledger/ledger.h"

#include "base/text.h"

enum { AUTHENTICATION = 3002, ENTITY_MANAGEMENT = 3004, USER_MANAGEMENT = 3007, API_ACTIVITY = 6003, DATASTORE_ACTIVITY = 6005 };
enum { SUCCESS = 1, FAILURE = 2, INFORMATIONAL = 1, LOW = 2, HIGH = 4, BUCKET_OTHER = 99, DATABASE_RELATIONAL = 1 };

static const struct mapping {
	const char *operation;          /* or the beginning of one, ending with a dot */
	int class, activity;
} mappings[] = {
	{ "credential.issue", AUTHENTICATION, 1 },      { "credential.logout", AUTHENTICATION, 2 },
	{ "credential.enrol", USER_MANAGEMENT, 12 },    { "credential.certify", USER_MANAGEMENT, 18 },
	{ "credential.revoke", USER_MANAGEMENT, 19 },   { "people.add", USER_MANAGEMENT, 1 },
	{ "people.role", USER_MANAGEMENT, 16 },         { "people.suspend", USER_MANAGEMENT, 5 },
	{ "people.leave", USER_MANAGEMENT, 3 },         { "people.resume", USER_MANAGEMENT, 4 },
	{ "people.reset", USER_MANAGEMENT, 9 },         { "application.add", USER_MANAGEMENT, 1 },
	{ "request.create", USER_MANAGEMENT, 14 },      { "grant.revoke", USER_MANAGEMENT, 15 },
	{ "object.get", DATASTORE_ACTIVITY, 1 },        { "object.history", DATASTORE_ACTIVITY, 1 },
	{ "object.list", DATASTORE_ACTIVITY, 8 },       { "object.put", DATASTORE_ACTIVITY, 5 },
	{ "object.import", DATASTORE_ACTIVITY, 5 },     { "object.remove", DATASTORE_ACTIVITY, 7 },
	{ "object.", DATASTORE_ACTIVITY, 1 },           { "postgres.connect", DATASTORE_ACTIVITY, 3 },
	{ "postgres.", DATASTORE_ACTIVITY, 4 },         { "subscriber.add", ENTITY_MANAGEMENT, 1 },
	{ "subscriber.shred", ENTITY_MANAGEMENT, 4 },   { "collection.declare", ENTITY_MANAGEMENT, 3 },
	{ "policy.propose", ENTITY_MANAGEMENT, 3 },     { "policy.", ENTITY_MANAGEMENT, 2 },
	{ "key.", ENTITY_MANAGEMENT, 3 },               { "witness.", ENTITY_MANAGEMENT, 3 },
	{ "", API_ACTIVITY, 0 },
};

static const char *
text(json_t *entry, const char *key)
{
	return json_string_value(json_object_get(entry, key));
}

static const struct mapping *
find_mapping(const char *operation)
{
	const struct mapping *m = mappings;
	while (m->operation[0]) {
		size_t size = strlen(m->operation);
		bool whole = m->operation[size - 1] != '.';
		if (whole ? strcmp(operation, m->operation) == 0 : strncmp(operation, m->operation, size) == 0)
			return m;
		m++;
	}
	return m;
}

/* What a second person's approval puts in force is the operation behind it. */
static const char *
operation_of(json_t *entry)
{
	const char *operation = text(entry, "operation"), *approved = text(json_object_get(entry, "outcome"), "approved");
	return approved ? approved : operation ? operation : "";
}

static json_t *
user_of(const char *uid)
{
	return json_pack("{s:s}", "uid", uid ? uid : "unknown");
}

/* Whom it was done to, where that is somebody; else who did it. */
static json_t *
subject_of(json_t *entry)
{
	const char *subject = text(json_object_get(entry, "outcome"), "subject"), *actor = text(entry, "actor");
	return user_of(subject && strncmp(subject, "psn_", 4) == 0 ? subject : subject && strncmp(subject, "app_", 4) == 0 ? subject : actor);
}

static json_t *
endpoint_of(json_t *entry)
{
	const char *from = text(entry, "from");
	return from && from[0] ? json_pack("{s:s}", "ip", from) : json_pack("{s:s}", "svc_name", "sekisho");
}

static json_t *
actor_of(json_t *entry)
{
	json_t *actor = json_pack("{s:o}", "user", user_of(text(entry, "actor")));
	const char *credential = text(entry, "credential");
	if (credential)
		json_object_set_new(actor, "session", json_pack("{s:s}", "uid", credential));
	return actor;
}

static void
put_store(json_t *event, json_t *entry, const char *operation)
{
	const char *resource = text(entry, "resource");
	bool database = strncmp(operation, "postgres.", 9) == 0;
	json_object_set_new(event, database ? "database" : "databucket",
	                    json_pack("{s:s, s:i}", "uid", resource ? resource : "unknown", "type_id", database ? DATABASE_RELATIONAL : BUCKET_OTHER));
}

static void
put_class(json_t *event, json_t *entry, const struct mapping *m, const char *operation)
{
	json_object_set_new(event, "actor", actor_of(entry));
	json_object_set_new(event, "src_endpoint", endpoint_of(entry));
	if (m->class == AUTHENTICATION || m->class == USER_MANAGEMENT)
		json_object_set_new(event, "user", subject_of(entry));
	if (m->class == AUTHENTICATION) {
		json_object_set_new(event, "service", json_pack("{s:s}", "name", "sekisho"));
		json_object_set_new(event, "is_mfa", json_true());
	}
	if (m->class == ENTITY_MANAGEMENT) {
		const char *resource = text(entry, "resource"), *subject = text(json_object_get(entry, "outcome"), "subject");
		json_object_set_new(event, "entity", json_pack("{s:s, s:s}", "name", resource ? resource : subject ? subject : operation, "type", operation));
	}
	if (m->class == DATASTORE_ACTIVITY)
		put_store(event, entry, operation);
	if (m->class == API_ACTIVITY)
		json_object_set_new(event, "api", json_pack("{s:s, s:{s:s}}", "operation", operation[0] ? operation : "unknown", "service", "name", "sekisho"));
}

/* Of an API call: Read unless it changed something. */
static int
activity_of(json_t *entry, const struct mapping *m)
{
	const char *kind = text(entry, "kind");
	if (m->class != API_ACTIVITY)
		return m->activity;
	return kind && strcmp(kind, "change") == 0 ? 3 : kind && strcmp(kind, "system") == 0 ? 99 : 2;
}

static void
put_unmapped(json_t *event, json_t *entry)
{
	static const char *const keys[] = { "log", "log_seq", "passage", "kind", "decision", "policies", "policy_set", "purpose", "on_behalf",
	                                    "outcome", "subscriber", "resource" };
	json_t *unmapped = json_object();
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		json_t *value = json_object_get(entry, keys[i]);
		if (value && !json_is_null(value))
			json_object_set(unmapped, keys[i], value);
	}
	json_object_set_new(event, "unmapped", unmapped);
}

json_t *
entry_ocsf(json_t *entry)
{
	const char *operation = operation_of(entry), *decision = text(entry, "decision"), *when = text(entry, "time");
	const struct mapping *m = find_mapping(operation);
	bool denied = decision && strcmp(decision, "deny") == 0;
	int activity = activity_of(entry, m), status = (int)json_integer_value(json_object_get(json_object_get(entry, "outcome"), "status"));
	int64_t time = 0;
	if (when && text_time_parse(slice_text(when), &time))
		time = 0;
	json_t *event = json_pack("{s:i, s:i, s:i, s:i, s:I, s:i, s:i, s:o}", "class_uid", m->class, "category_uid", m->class / 1000, "activity_id",
	                          activity, "type_uid", m->class * 100 + activity, "time", (json_int_t)(time / 1000), "severity_id",
	                          strcmp(operation, "alert.raised") == 0 ? HIGH : denied ? LOW : INFORMATIONAL, "status_id",
	                          denied || status >= 400 ? FAILURE : SUCCESS, "metadata",
	                          json_pack("{s:s, s:{s:s, s:s}, s:o, s:s}", "version", "1.9.0-dev", "product", "name", "Sekisho", "vendor_name", "Sekisho",
	                                    "uid", json_sprintf("%lld", (long long)json_integer_value(json_object_get(entry, "seq"))), "log_name",
	                                    text(entry, "log") ? text(entry, "log") : ""));
	if (status)
		json_object_set_new(event, "status_code", json_sprintf("%d", status));
	put_class(event, entry, m, operation);
	put_unmapped(event, entry);
	return event;
}
