/* Advisories (E6.3): OSV records matched with an inventory of packages; findings with an owner, a deadline, exceptions that end. */
#include "operations/registers.h"

#include "assure/debian.h"
#include "base/clock.h"
#include "vault/vault.h"

#include <stdlib.h>

enum { ID, OWNER, WHY };
enum { UNTIL };
enum { FINDINGS_MOST = 20000, IMPORT_MOST = 32 << 20, SLOW_DAYS = 30, KNOWN_DAYS = 14 };

/* ---- inventory: what is installed, of dpkg's status file or a CycloneDX document ---- */

struct inventory {
	json_t *packages;               /* of {name, version} */
};

static struct slice
line_of(struct slice *rest)
{
	const uint8_t *end = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
	struct slice line = slice_of(rest->data, end ? (size_t)(end - rest->data) : rest->size);
	*rest = slice_from(*rest, end ? line.size + 1 : line.size);
	return line;
}

static bool
value_of(struct slice line, const char *key, struct slice *out)
{
	size_t size = strlen(key);
	if (line.size <= size || memcmp(line.data, key, size) != 0)
		return false;
	*out = slice_from(line, size);
	while (out->size && out->data[0] == ' ')
		*out = slice_from(*out, 1);
	return true;
}

/* Advisories name source packages: `Source: glibc (2.36-9)` where that has a version of its own. */
static void
add_dpkg(struct inventory *i, struct slice name, struct slice source, struct slice version)
{
	const uint8_t *open = source.size ? memchr(source.data, ' ', source.size) : NULL;
	struct slice of = !source.size ? name : open ? slice_of(source.data, (size_t)(open - source.data)) : source;
	if (open && open + 2 < source.data + source.size)
		version = slice_of(open + 2, (size_t)(source.data + source.size - open) - 3);
	json_array_append_new(i->packages, json_pack("{s:o, s:o}", "name", json_slice(of), "version", json_slice(version)));
}

static void
read_dpkg(struct inventory *i, struct slice rest)
{
	struct slice name = { NULL, 0 }, source = { NULL, 0 }, version = { NULL, 0 }, status = { NULL, 0 }, none = { NULL, 0 };
	for (bool more = true; more; ) {
		more = rest.size > 0;
		struct slice line = line_of(&rest);
		if (line.size) {
			(void)(value_of(line, "Package:", &name) || value_of(line, "Source:", &source) || value_of(line, "Version:", &version) ||
			       value_of(line, "Status:", &status));
			continue;
		}
		if (name.size && version.size && slice_is(status, "install ok installed"))
			add_dpkg(i, name, source, version);
		name = source = version = status = none;
	}
}

static void
read_cyclonedx(struct inventory *i, const json_t *document)
{
	size_t k;
	json_t *c;
	json_array_foreach(json_object_get(document, "components"), k, c)
		if (body_text(c, "name").size && body_text(c, "version").size)
			json_array_append_new(i->packages, json_pack("{s:O, s:O}", "name", json_object_get(c, "name"), "version", json_object_get(c, "version")));
}

static fallible
read_inventory(struct passage *p, struct slice body, json_t **out)
{
	struct inventory i = { .packages = json_array() };
	json_t *document = body.size && body.data[0] == '{' ? json_loadb((const char *)body.data, body.size, 0, NULL) : NULL;
	if (document && slice_is(body_text(document, "bomFormat"), "CycloneDX"))
		read_cyclonedx(&i, document);
	else if (!document && text_is_utf8(body))
		read_dpkg(&i, body);
	json_decref(document);
	if (json_array_size(i.packages) == 0) {
		json_decref(i.packages);
		return passage_fail(p, E_ARGUMENT, "expected dpkg's status file (/var/lib/dpkg/status) or CycloneDX in JSON, with at least one package");
	}
	*out = i.packages;
	return NULL;
}

static err_t
inventory_import_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	json_t *packages = NULL;
	TRY(read_inventory(p, p->body, &packages));
	size_t count = json_array_size(packages);
	p->status = 200;
	TRY(register_prepare(p, &(struct register_put){ .kind = "inventory", .id = a->text[ID], .body = json_pack("{s:o}", "packages", packages) }));
	return passage_answer(p, json_pack("{s:o, s:I}", "id", json_slice(a->text[ID]), "packages", (json_int_t)count));
}

static const struct field inventory_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "the host, or image, whose it is" }, { NULL },
};

const struct operation inventory_import_operation = {
	.name = "inventory.import",
	.says = { "Imports what is installed: dpkg's status file, or CycloneDX", "導入済みパッケージの一覧を取り込む（dpkg または CycloneDX）" },
	.route = { PUT, "/v1/inventories/{id}" },
	.cli = "inventory import {id} {body}",
	.action = "network.report",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = inventory_fields,
	.args_size = sizeof(struct register_arguments),
	.body_max = IMPORT_MOST,
	.output = SCHEMA_OBJECT,
	.prepare = inventory_import_prepare,
	.apply = register_apply,
};

/* ---- advisories: OSV, one record or an array of them (https://ossf.github.io/osv-schema/) ---- */

struct matching {
	struct passage *passage;
	const json_t *advisory;         /* being matched */
	struct slice advisory_id;
	size_t advisories, count;
	struct found {
		struct slice id, parent, body;
		int64_t due;
	} *findings;
};

/* Affected from `introduced` on and before `fixed`, events in their order. */
static bool
range_holds(const json_t *range, struct slice version)
{
	bool affected = false;
	size_t i;
	json_t *event;
	json_array_foreach(json_object_get(range, "events"), i, event) {
		struct slice introduced = body_text(event, "introduced"), fixed = body_text(event, "fixed");
		if (introduced.size && (slice_is(introduced, "0") ||
		                        (debian_version_check(introduced) && debian_version_compare(version, introduced) >= 0)))
			affected = true;
		if (fixed.size && debian_version_check(fixed) && debian_version_compare(version, fixed) >= 0)
			affected = false;
	}
	return affected;
}

static bool
is_affected(const json_t *affected, struct slice version)
{
	size_t i;
	json_t *each;
	json_array_foreach(json_object_get(affected, "ranges"), i, each)
		if (range_holds(each, version))
			return true;
	json_array_foreach(json_object_get(affected, "versions"), i, each)
		if (json_is_string(each) && slice_is(version, json_string_value(each)))
			return true;
	return false;
}

static void
add_finding(struct matching *m, struct slice host, struct slice package, struct slice version)
{
	struct passage *p = m->passage;
	if (m->count == FINDINGS_MOST)
		return;
	bool known = json_is_true(json_object_get(json_object_get(m->advisory, "database_specific"), "known_exploited"));
	json_t *body = json_pack("{s:o, s:o, s:o, s:o, s:b}", "advisory", json_slice(m->advisory_id), "host", json_slice(host), "package", json_slice(package),
	                         "version", json_slice(version), "known_exploited", known);
	char *text = json_dumps(body, JSON_COMPACT);
	m->findings = memory_grow(p, m->findings, sizeof *m->findings, m->count + 1);
	m->findings[m->count++] = (struct found){
		.id = slice_text(memory_format(p, "%.*s/%.*s/%.*s", SLICE_ARGUMENTS(m->advisory_id), SLICE_ARGUMENTS(host), SLICE_ARGUMENTS(package))),
		.parent = memory_copy(p, host), .body = slice_text(memory_text(p, slice_text(text))), .due = p->now + DAYS(known ? KNOWN_DAYS : SLOW_DAYS),
	};
	free(text);
	json_decref(body);
}

static bool
is_there(struct matching *m, struct slice host, struct slice package)
{
	struct registered r;
	SCOPED char *id = memory_format(NULL, "%.*s/%.*s/%.*s", SLICE_ARGUMENTS(m->advisory_id), SLICE_ARGUMENTS(host), SLICE_ARGUMENTS(package));
	if (!register_get(m->passage, m->passage->view, "finding", slice_text(id), &r))
		return true;
	for (size_t i = 0; i < m->count; i++)
		if (slice_is(m->findings[i].id, id))
			return true;
	return false;
}

static err_t
match_inventory(void *argument, const struct registered *host)
{
	struct matching *m = argument;
	size_t i, k;
	json_t *affected, *package;
	json_array_foreach(json_object_get(m->advisory, "affected"), i, affected) {
		const json_t *of = json_object_get(affected, "package");
		struct slice name = body_text(of, "name"), ecosystem = body_text(of, "ecosystem");
		if (!slice_starts(ecosystem, LITERAL("Debian")))
			continue;
		json_array_foreach(json_object_get(host->body, "packages"), k, package) {
			struct slice version = body_text(package, "version");
			if (slice_equal(name, body_text(package, "name")) && debian_version_check(version) && is_affected(affected, version) &&
			    !is_there(m, host->id, name))
				add_finding(m, host->id, name, version);
		}
	}
	return NULL;
}

static fallible
match_one(struct matching *m, const json_t *advisory)
{
	struct slice id = body_text(advisory, "id");
	m->advisories++;
	if (!object_id_check(id) || !json_is_array(json_object_get(advisory, "affected")))
		return passage_fail(m->passage, E_ARGUMENT, "record %zu: expected OSV: an object with \"id\" and \"affected\"; nothing was imported", m->advisories);
	if (body_text(advisory, "withdrawn").size)
		return NULL;
	m->advisory = advisory;
	m->advisory_id = memory_copy(m->passage, id);
	return register_each(m->passage->view, "inventory", (struct slice){ NULL, 0 }, match_inventory, m);
}

static fallible
match_all(struct matching *m, const json_t *document)
{
	size_t i;
	json_t *advisory;
	if (json_is_object(document))
		return match_one(m, document);
	json_array_foreach(document, i, advisory)
		TRY(match_one(m, advisory));
	return m->advisories ? NULL : passage_fail(m->passage, E_ARGUMENT, "expected an OSV record, or an array of them");
}

static err_t
advisory_import_prepare(struct passage *p)
{
	struct matching *m = NEW(p, struct matching);
	json_error_t why;
	json_t *document = json_loadb((const char *)p->body.data, p->body.size, JSON_REJECT_DUPLICATES, &why);
	if (!document)
		return passage_fail(p, E_ARGUMENT, "not JSON: line %d, column %d: %s", why.line, why.column, why.text);
	m->passage = p;
	err_t e = match_all(m, document);
	json_decref(document);
	TRY(e);
	p->status = 200;
	pairs_number(&p->outcome, "rows", (int64_t)m->advisories);
	json_t *body = json_pack("{s:I, s:I}", "advisories", (json_int_t)m->advisories, "findings", (json_int_t)m->count);
	TRY(register_prepare(p, &(struct register_put){ .kind = "advisory-feed", .id = LITERAL("osv"), .body = json_incref(body), .more = m }));
	return passage_answer(p, body);
}

static err_t
advisory_import_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct matching *m = register_more(p);
	TRY(register_apply(p, tx, time));
	for (size_t i = 0; i < m->count; i++) {
		const struct found *f = &m->findings[i];
		const struct register_change c = { .kind = "finding", .id = f->id, .parent = f->parent, .body = f->body, .due = f->due,
		                                   .changed_by = p->principal->actor, .passage = slice_of(p->id, sizeof p->id) };
		TRY(register_put_apply(tx, &c, time));
	}
	return NULL;
}

const struct operation advisory_import_operation = {
	.name = "advisory.import",
	.says = { "Imports advisories (OSV) and matches them with the inventories", "勧告（OSV）を取り込み、導入済みパッケージと照合する" },
	.route = { POST, "/v1/advisories" },
	.cli = "advisory import {body}",
	.action = "network.report",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.body_max = IMPORT_MOST,
	.output = SCHEMA_OBJECT,
	.prepare = advisory_import_prepare,
	.apply = advisory_import_apply,
};

/* ---- findings ---- */

static err_t
finding_list_prepare(struct passage *p)
{
	return register_list(p, "finding", (struct slice){ NULL, 0 }, "");
}

const struct operation finding_list_operation = {
	.name = "finding.list",
	.says = { "Lists what advisories found in the inventories", "勧告に該当した項目を一覧する" },
	.route = { GET, "/v1/findings" },
	.cli = "finding ls",
	.action = "network.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = finding_list_prepare,
};

/* The finding as it stands, with these members put into its body. */
static fallible
change_finding(struct passage *p, int64_t due, json_t *members)
{
	const struct register_arguments *a = p->args;
	struct registered r;
	err_t e = register_get(p, p->view, "finding", a->text[ID], &r);
	json_t *body = e ? NULL : json_deep_copy(r.body);
	if (!e)
		json_object_update(body, members);
	json_decref(members);
	TRY(e);
	return register_prepare(p, &(struct register_put){ .kind = "finding", .id = r.id, .parent = r.parent, .due = due ? due : r.due, .body = body });
}

static err_t
finding_assign_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct principal *owner;
	TRY(register_person(p, "owner", a->text[OWNER], &owner));
	return change_finding(p, 0, json_pack("{s:o}", "owner", json_slice(a->text[OWNER])));
}

static const struct field assign_fields[] = {
	{ "id", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(ID), 256, "ADVISORY/HOST/PACKAGE, as finding ls shows it" },
	{ "owner", PLACE_BODY, FIELD_NAME, true, TEXT_AT(OWNER), 0, "who sees to it" },
	{ NULL },
};

const struct operation finding_assign_operation = {
	.name = "finding.assign",
	.says = { "Gives a finding to somebody", "該当項目を担当者に割り当てる" },
	.route = { POST, "/v1/findings/assign" },
	.cli = "finding assign {id}",
	.action = "network.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = assign_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = finding_assign_prepare,
	.apply = register_apply,
};

static err_t
finding_except_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	if (a->number[UNTIL] <= p->now)
		return passage_fail(p, E_ARGUMENT, "until: expected a time to come, when the exception ends");
	return change_finding(p, a->number[UNTIL], json_pack("{s:o, s:o}", "excepted", json_slice(a->text[WHY]), "excepted_by", json_slice(name_of_actor(p, p->approver))));
}

static const struct field except_fields[] = {
	{ "id", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(ID), 256, "ADVISORY/HOST/PACKAGE" },
	{ "until", PLACE_BODY, FIELD_TIME, true, NUMBER_AT(UNTIL), 0, "when the exception ends" },
	{ "why", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(WHY), 512, "why it may stay until then" },
	{ NULL },
};

const struct operation finding_except_operation = {
	.name = "finding.except",
	.says = { "Excepts a finding until a time, once another has approved it", "該当項目を、承認のうえで期限まで例外とする" },
	.route = { POST, "/v1/findings/except" },
	.cli = "finding except {id}",
	.action = "network.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = except_fields,
	.args_size = sizeof(struct register_arguments),
	.second_person = true,
	.output = SCHEMA_ID,
	.prepare = finding_except_prepare,
	.apply = register_apply,
};

/* It is mended where the inventory says so, not because somebody says it. */
static err_t
finding_close_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered r, host;
	size_t i;
	json_t *package;
	TRY(register_get(p, p->view, "finding", a->text[ID], &r));
	err_t e = register_get(p, p->view, "inventory", r.parent, &host);
	if (e && e != E_NOT_FOUND)
		return e;
	if (!e)
		json_array_foreach(json_object_get(host.body, "packages"), i, package)
			if (slice_equal(body_text(package, "name"), body_text(r.body, "package")) &&
			    slice_equal(body_text(package, "version"), body_text(r.body, "version")))
				return passage_fail(p, E_STATE, "the inventory of %.*s still has that version: import it anew", SLICE_ARGUMENTS(r.parent));
	p->change = p;
	pairs_text(&p->outcome, "subject", a->text[ID]);
	return passage_answer(p, json_pack("{s:o}", "id", json_slice(a->text[ID])));
}

static err_t
finding_close_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct register_arguments *a = p->args;
	return register_end_apply(tx, "finding", a->text[ID], time);
}

static const struct field close_fields[] = {
	{ "id", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(ID), 256, "ADVISORY/HOST/PACKAGE" }, { NULL },
};

const struct operation finding_close_operation = {
	.name = "finding.close",
	.says = { "Closes a finding whose version the inventory does not have any more", "該当する版がなくなった項目を完了にする" },
	.route = { POST, "/v1/findings/close" },
	.cli = "finding close {id}",
	.action = "network.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = close_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = finding_close_prepare,
	.apply = finding_close_apply,
};
