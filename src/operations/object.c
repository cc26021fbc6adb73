/* Service data objects: vault/vault.h. */
#include "operations/help.h"
#include "operations/operations.h"

#include "vault/vault.h"

enum { PAGE = 100, PAGE_MAX = 1000, IMPORT_LINES = 1000, IMPORT_MAX = 1 << 20 };

struct object_arguments {
	struct slice subscriber, collection, id, after;
	int64_t version, limit;
	json_t *attributes;
};

#define FIELDS_PLACE \
	{ "subscriber", PLACE_PATH, FIELD_NAME, true, ARGUMENT(object_arguments, subscriber), 0, "whose data" }, \
	{ "collection", PLACE_PATH, FIELD_NAME, true, ARGUMENT(object_arguments, collection), 0, "tickets, users, …" }
#define FIELD_ID { "id", PLACE_PATH, FIELD_OBJECT_ID, true, ARGUMENT(object_arguments, id), 0, "of the object" }

static json_t *
object_json(struct passage *p, const struct object *o)
{
	json_t *attributes = json_loadb((const char *)o->attributes.data, o->attributes.size, 0, NULL);
	json_t *j = json_object();
	json_object_set_new(j, "id", json_slice(o->id));
	json_object_set_new(j, "version", json_integer(o->version));
	json_object_set_new(j, "removed", json_boolean(o->removed));
	json_object_set_new(j, "media", json_slice(o->media));
	json_object_set_new(j, "size", json_integer(o->size));
	json_object_set_new(j, "attributes", attributes ? attributes : json_object());
	json_object_set_new(j, "changed", json_time(o->changed));
	json_object_set_new(j, "changed_by", json_slice(name_of_actor(p, o->changed_by)));
	json_object_set_new(j, "purpose", json_slice(o->purpose));
	return j;
}

static void
put_etag(struct passage *p, int64_t version)
{
	passage_header(p, "ETag", "\"%lld\"", (long long)version);
}

/* ---- get ---- */

static err_t
object_get_prepare(struct passage *p)
{
	const struct object_arguments *a = p->args;
	struct object o;
	if (a->version)
		TRY(object_get_version(p, p->view, a->subscriber, a->collection, a->id, a->version, &o));
	else
		TRY(object_find(p, p->view, a->subscriber, a->collection, a->id, &o));
	if (o.removed)
		return passage_fail(p, E_NOT_FOUND, "%s",
		                    passage_says(p, "It was removed; earlier versions stay until their retention ends",
		                                 "削除されています。以前の版は保存期間の終わりまで残ります"));
	TRY(object_open_body(p, p->keys, &o, &p->bytes));
	p->bytes_media = o.media;
	put_etag(p, o.version);
	pairs_number(&p->outcome, "version", o.version);        /* what the book will say (P5) */
	pairs_number(&p->outcome, "bytes", o.size);
	pairs_number(&p->outcome, "rows", 1);
	return NULL;
}

static const struct field object_get_fields[] = {
	FIELDS_PLACE, FIELD_ID,
	{ "version", PLACE_QUERY, FIELD_NUMBER, false, ARGUMENT(object_arguments, version), INT32_MAX, "an earlier version" },
	{ NULL },
};

const struct operation object_get_operation = {
	.name = "object.get",
	.says = { "Gives an object", "オブジェクトを取得する" },
	.route = { GET, "/v1/subscribers/{subscriber}/objects/{collection}/{id}" },
	.cli = "object get",
	.action = "read",
	.resource = RESOURCE_OBJECT,
	.effect = EFFECT_READ,
	.fields = object_get_fields,
	.args_size = sizeof(struct object_arguments),
	.output = "",
	.prepare = object_get_prepare,
};

/* ---- put ---- */

/* Attributes come as texts; of a collection that declares none, none are taken. */
static fallible
take_attributes(struct passage *p, json_t *given, struct object *o)
{
	const struct object_arguments *a = p->args;
	const char *name;
	json_t *declared;
	if (!given || json_object_size(given) == 0) {
		o->attributes = LITERAL("{}");
		return NULL;
	}
	TRY(collection_attributes(p->view, a->subscriber, a->collection, &declared));
	err_t e = attributes_check(declared, given, &name);
	json_decref(declared);
	if (e)
		return passage_fail(p, e, "'%.60s' is not a declared attribute of %.*s, or not a text of at most 256 bytes", name,
		                    SLICE_ARGUMENTS(a->collection));
	char *text = json_dumps(given, JSON_COMPACT | JSON_SORT_KEYS);
	o->attributes = memory_copy(p, slice_text(text));
	free(text);
	return NULL;
}

static fallible
check_media(struct passage *p, struct slice media, struct slice body)
{
	json_error_t why;
	for (size_t i = 0; i < media.size; i++)
		if (media.data[i] < 0x20 || media.data[i] > 0x7e)
			return passage_fail(p, E_ARGUMENT, "Content-Type: expected a media type in ASCII, as in application/json");
	if (!slice_starts(media, LITERAL("application/json")))
		return NULL;
	json_t *j = json_loadb((const char *)body.data, body.size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
	if (!j)
		return passage_fail(p, E_ARGUMENT, "the body is not JSON: line %d, column %d: %s", why.line, why.column, why.text);
	json_decref(j);
	return NULL;
}

/* The version after the newest, as If-Match allows: a quoted number, or * for any that is there. */
static fallible
next_version(struct passage *p, struct slice id, struct object *o)
{
	const struct object_arguments *a = p->args;
	struct object newest = { .version = 0 };
	err_t e = object_find(p, p->view, a->subscriber, a->collection, id, &newest);
	if (e && e != E_NOT_FOUND)
		return e;
	if (p->if_match.size) {
		SCOPED char *wanted = memory_format(NULL, "\"%lld\"", (long long)newest.version);
		bool there = newest.version > 0 && !newest.removed;
		if (!there || !(slice_is(p->if_match, "*") || slice_is(p->if_match, wanted)))
			return E_PRECONDITION;
	}
	*o = (struct object){ .subscriber = a->subscriber, .collection = a->collection, .id = id,
	                      .version = newest.version + 1, .changed_by = p->principal->actor, .purpose = p->purpose,
	                      .passage = slice_of(p->id, sizeof p->id), .removed = newest.removed };
	return NULL;
}

static fallible
prepare_object(struct passage *p, struct slice id, struct slice media, json_t *attributes, struct slice body, struct object *o)
{
	if (body.size > OBJECT_MAX)
		return passage_fail(p, E_TOO_LARGE, "%zu bytes; an object has at most %d", body.size, OBJECT_MAX);
	TRY(check_media(p, media, body));
	TRY(next_version(p, id, o));
	o->removed = false;
	o->media = media.size ? media : LITERAL("application/octet-stream");
	TRY(take_attributes(p, attributes, o));
	return object_seal_body(p, p->keys, o, body);
}

static err_t
object_put_prepare(struct passage *p)
{
	const struct object_arguments *a = p->args;
	struct object *o = NEW(p, struct object);
	json_t *attributes = a->attributes;
	TRY(subscriber_check(p->view, a->subscriber));
	TRY(prepare_object(p, a->id, p->media, attributes, p->body, o));
	p->change = o;
	p->status = o->version == 1 ? 201 : 200;
	put_etag(p, o->version);
	pairs_number(&p->outcome, "version", o->version);
	pairs_number(&p->outcome, "bytes", o->size);
	pairs_number(&p->outcome, "rows", 1);
	return passage_answer(p, json_pack("{s:o, s:I}", "id", json_slice(a->id), "version", (json_int_t)o->version));
}

static err_t
object_put_apply_one(struct passage *p, struct store *tx, int64_t time)
{
	return object_put_apply(tx, p->change, time);
}

static const struct field object_put_fields[] = {
	FIELDS_PLACE, FIELD_ID,
	{ "attributes", PLACE_QUERY, FIELD_JSON, false, ARGUMENT(object_arguments, attributes), 2048,
	  "declared clear attributes, a JSON object of texts" },
	{ NULL },
};

const struct operation object_put_operation = {
	.name = "object.put",
	.says = { "Puts an object, or its next version", "オブジェクトまたはその次の版を保存する" },
	.route = { PUT, "/v1/subscribers/{subscriber}/objects/{collection}/{id}" },
	.cli = "object put",
	.action = "write",
	.resource = RESOURCE_OBJECT,
	.effect = EFFECT_CHANGE,
	.fields = object_put_fields,
	.args_size = sizeof(struct object_arguments),
	.body_max = OBJECT_MAX,
	.output = SCHEMA_ID,
	.prepare = object_put_prepare,
	.apply = object_put_apply_one,
};

/* ---- remove ---- */

static err_t
object_remove_prepare(struct passage *p)
{
	const struct object_arguments *a = p->args;
	struct object *o = NEW(p, struct object);
	TRY(next_version(p, a->id, o));
	if (o->version == 1 || o->removed)
		return E_NOT_FOUND;
	o->removed = true;
	o->attributes = LITERAL("{}");
	p->change = o;
	pairs_number(&p->outcome, "version", o->version);
	pairs_number(&p->outcome, "rows", 1);
	return NULL;
}

static const struct field object_fields[] = { FIELDS_PLACE, FIELD_ID, { NULL } };

const struct operation object_remove_operation = {
	.name = "object.remove",
	.says = { "Removes an object; earlier versions stay until their retention ends", "オブジェクトを削除する（以前の版は保存期間の間残る）" },
	.route = { DELETE, "/v1/subscribers/{subscriber}/objects/{collection}/{id}" },
	.cli = "object rm",
	.action = "delete",
	.resource = RESOURCE_OBJECT,
	.effect = EFFECT_CHANGE,
	.fields = object_fields,
	.args_size = sizeof(struct object_arguments),
	.prepare = object_remove_prepare,
	.apply = object_put_apply_one,
};

/* ---- list, history ---- */

struct listing {
	struct passage *passage;
	json_t *items;
	size_t limit;
	bool more;
	struct slice last;
};

static err_t
add_object(void *argument, const struct object *o)
{
	struct listing *l = argument;
	if (json_array_size(l->items) == l->limit) {
		l->more = true;
		return NULL;
	}
	json_array_append_new(l->items, object_json(l->passage, o));
	l->last = memory_copy(l->passage, o->id);
	return NULL;
}

static err_t
object_list_prepare(struct passage *p)
{
	const struct object_arguments *a = p->args;
	struct listing l = { .passage = p, .items = json_array(), .limit = a->limit ? (size_t)a->limit : PAGE };
	err_t e = object_each(p->view, a->subscriber, a->collection, a->after, l.limit + 1, add_object, &l);
	pairs_number(&p->outcome, "rows", (int64_t)json_array_size(l.items));
	passage_answer(p, json_list(l.items, l.more ? json_slice(l.last) : NULL));
	return e;
}

static const struct field object_list_fields[] = {
	FIELDS_PLACE,
	{ "after", PLACE_QUERY, FIELD_OBJECT_ID, false, ARGUMENT(object_arguments, after), 0, "the id that the last page ended with" },
	{ "limit", PLACE_QUERY, FIELD_NUMBER, false, ARGUMENT(object_arguments, limit), PAGE_MAX, "items a page" },
	{ NULL },
};

const struct operation object_list_operation = {
	.name = "object.list",
	.says = { "Lists the objects of a collection", "コレクション内のオブジェクトを一覧する" },
	.route = { GET, "/v1/subscribers/{subscriber}/objects/{collection}" },
	.cli = "object ls",
	.action = "list",
	.resource = RESOURCE_COLLECTION,
	.effect = EFFECT_READ,
	.fields = object_list_fields,
	.args_size = sizeof(struct object_arguments),
	.output = SCHEMA_LIST,
	.prepare = object_list_prepare,
};

static err_t
object_history_prepare(struct passage *p)
{
	const struct object_arguments *a = p->args;
	struct listing l = { .passage = p, .items = json_array(), .limit = SIZE_MAX };
	err_t e = object_each_version(p->view, a->subscriber, a->collection, a->id, add_object, &l);
	bool none = json_array_size(l.items) == 0;
	pairs_number(&p->outcome, "rows", (int64_t)json_array_size(l.items));
	passage_answer(p, json_list(l.items, NULL));
	return e ? e : none ? E_NOT_FOUND : NULL;
}

const struct operation object_history_operation = {
	.name = "object.history",
	.says = { "Shows who changed an object, when and why", "オブジェクトを誰がいつなぜ変更したかを示す" },
	.route = { GET, "/v1/subscribers/{subscriber}/objects/{collection}/{id}/history" },
	.cli = "object history",
	.action = "history",
	.resource = RESOURCE_OBJECT,
	.effect = EFFECT_READ,
	.fields = object_fields,
	.args_size = sizeof(struct object_arguments),
	.output = SCHEMA_LIST,
	.prepare = object_history_prepare,
};

/* ---- import: one JSON object with `id` a line; bad lines are named, the good ones kept ---- */

struct import {
	size_t count;
	struct object objects[IMPORT_LINES];
	json_t *faults;
};

static int
free_import(struct import *i)
{
	json_decref(i->faults);
	return 0;
}

static void
line_fault(struct import *i, size_t line, const char *cause)
{
	json_array_append_new(i->faults, json_pack("{s:I, s:s}", "line", (json_int_t)line, "cause", cause));
}

static bool
is_twice(const struct import *i, struct slice id)
{
	for (size_t k = 0; k < i->count; k++)
		if (slice_equal(i->objects[k].id, id))
			return true;
	return false;
}

/* An entry of its own for each object, so that the book answers who touched it; decided as one, too (P5). */
static fallible
import_decide(struct passage *p, struct slice id)
{
	struct part *part = &p->parts[p->part_count];
	p->object = id;
	err_t e = passage_decide(p, "write", RESOURCE_OBJECT);
	if (!e) {
		*part = (struct part){ .decision = DECISION_ALLOW, .policy_count = p->policy_count, .subscriber = p->subscriber,
		                       .resource = passage_resource(p), .purpose = p->purpose, .on_behalf = p->on_behalf,
		                       .action = LITERAL("write") };
		memcpy(part->policies, p->policies, sizeof part->policies);
	}
	p->object = (struct slice){ NULL, 0 };
	p->decision = DECISION_ALLOW;   /* of the import itself */
	return e;
}

/* NULL, or the cause. */
static const char *
import_object(struct passage *p, struct import *i, json_t *j, struct slice line)
{
	json_t *id = json_object_get(j, "id"), *attributes = json_object_get(j, "_attributes");
	struct slice name;
	if (!json_is_object(j))
		return "expected a JSON object";
	if (!json_is_string(id))
		return "expected a member \"id\" that is a text";
	name = memory_copy(p, slice_of(json_string_value(id), json_string_length(id)));
	if (!object_id_check(name))
		return "expected an id of 1 to 128 of A-Z, a-z, 0-9, '.', '_' and '-'";
	if (is_twice(i, name))
		return "the id stands in an earlier line of this part already";
	struct object *o = &i->objects[i->count];
	char *body = NULL;
	if (attributes) {
		attributes = json_incref(attributes);
		json_object_del(j, "_attributes");
		body = json_dumps(j, JSON_COMPACT);
	}
	err_t e = import_decide(p, name);
	if (!e)
		e = prepare_object(p, name, LITERAL("application/json"), attributes, body ? slice_text(body) : line, o);
	free(body);
	json_decref(attributes);
	if (e)
		return p->detail_text ? p->detail_text : e->text[ENGLISH];
	p->parts[p->part_count].version = o->version;
	p->parts[p->part_count++].bytes = o->size;
	i->count++;
	return NULL;
}

static void
import_line(struct passage *p, struct import *i, size_t number, struct slice line)
{
	json_error_t why;
	if (line.size == 0)
		return;
	if (!text_is_utf8(line)) {
		line_fault(i, number, "not UTF-8");
		return;
	}
	json_t *j = json_loadb((const char *)line.data, line.size, JSON_REJECT_DUPLICATES, &why);
	p->detail_text = NULL;
	SCOPED char *syntax = j ? NULL : memory_format(NULL, "not JSON: column %d: %s", why.column, why.text);
	const char *cause = j ? import_object(p, i, j, line) : syntax;
	if (cause)
		line_fault(i, number, cause);
	p->detail_text = NULL;
	json_decref(j);
}

static err_t
object_import_prepare(struct passage *p)
{
	const struct object_arguments *a = p->args;
	struct import *i = NEW(p, struct import);
	size_t number = 0;
	i->faults = json_array();
	talloc_set_destructor(i, free_import);
	p->parts = NEW_ARRAY(p, struct part, IMPORT_LINES);
	TRY(subscriber_check(p->view, a->subscriber));
	for (struct slice rest = p->body; rest.size; ) {
		const uint8_t *end = memchr(rest.data, '\n', rest.size);
		size_t size = end ? (size_t)(end - rest.data) : rest.size;
		struct slice line = slice_of(rest.data, size && rest.data[size - 1] == '\r' ? size - 1 : size);
		if (++number > IMPORT_LINES)
			return passage_fail(p, E_TOO_LARGE, "more than %d lines at once", IMPORT_LINES);
		import_line(p, i, number, line);
		rest = slice_from(rest, end ? size + 1 : size);
	}
	p->change = i->count ? i : NULL;
	p->status = 200;
	pairs_number(&p->outcome, "rows", i->count ? 1 : 0);
	return passage_answer(p, json_pack("{s:I, s:O}", "imported", (json_int_t)i->count, "faults", i->faults));
}

/* A conflict in the first leaves nothing done; a later one rolls the earlier ones back. */
static err_t
object_import_apply(struct passage *p, struct store *tx, int64_t time)
{
	struct import *i = p->change;
	for (size_t k = 0; k < i->count; k++) {
		err_t e = object_put_apply(tx, &i->objects[k], time);
		if (e)
			return e == E_CONFLICT && k > 0 ? E_STALE : e;
	}
	return NULL;
}

static const struct field object_import_fields[] = { FIELDS_PLACE, { NULL } };

const struct operation object_import_operation = {
	.name = "object.import",
	.says = { "Imports objects, one JSON object with an id a line", "オブジェクトを取り込む（1行に1つの JSON）" },
	.route = { POST, "/v1/subscribers/{subscriber}/objects/{collection}/import" },
	.cli = "object import",
	.action = "write",
	.resource = RESOURCE_COLLECTION,
	.effect = EFFECT_CHANGE,
	.fields = object_import_fields,
	.args_size = sizeof(struct object_arguments),
	.body_max = IMPORT_MAX,
	.output = SCHEMA_OBJECT,
	.prepare = object_import_prepare,
	.apply = object_import_apply,
};

/* ---- collections ---- */

static err_t
add_collection(void *argument, struct slice name, int64_t objects)
{
	json_array_append_new(argument, json_pack("{s:o, s:I}", "collection", json_slice(name), "objects", (json_int_t)objects));
	return NULL;
}

static err_t
collection_list_prepare(struct passage *p)
{
	json_t *items = json_array();
	err_t e = collection_each(p->view, p->subscriber, add_collection, items);
	passage_answer(p, json_list(items, NULL));
	return e;
}

static const struct field subscriber_fields[] = {
	{ "subscriber", PLACE_PATH, FIELD_NAME, true, ARGUMENT(object_arguments, subscriber), 0, "whose data" }, { NULL },
};

const struct operation collection_list_operation = {
	.name = "collection.list",
	.says = { "Lists a subscriber's collections", "契約者のコレクションを一覧する" },
	.route = { GET, "/v1/subscribers/{subscriber}/objects" },
	.cli = "object ls",
	.action = "list",
	.resource = RESOURCE_SUBSCRIBER,
	.effect = EFFECT_READ,
	.fields = subscriber_fields,
	.args_size = sizeof(struct object_arguments),
	.output = SCHEMA_LIST,
	.prepare = collection_list_prepare,
};

struct declare_arguments {
	struct slice subscriber, collection;
	json_t *attributes;
};

static err_t
collection_declare_prepare(struct passage *p)
{
	const struct declare_arguments *a = p->args;
	size_t i;
	json_t *name;
	if (!json_is_array(a->attributes) || json_array_size(a->attributes) > 32)
		return passage_fail(p, E_ARGUMENT, "attributes: expected an array of at most 32 names");
	json_array_foreach(a->attributes, i, name)
		if (!json_is_string(name) || !text_is_name(slice_text(json_string_value(name))))
			return passage_fail(p, E_ARGUMENT, "attributes: expected names, 1 to 63 of a-z, 0-9 and -");
	char *text = json_dumps(a->attributes, JSON_COMPACT);
	p->change = memory_text(p, slice_text(text));
	free(text);
	return NULL;
}

static err_t
collection_declare_apply_one(struct passage *p, struct store *tx, int64_t time)
{
	const struct declare_arguments *a = p->args;
	(void)time;
	return collection_declare_apply(tx, a->subscriber, a->collection, slice_text(p->change));
}

static const struct field collection_declare_fields[] = {
	{ "subscriber", PLACE_PATH, FIELD_NAME, true, ARGUMENT(declare_arguments, subscriber), 0, "whose data" },
	{ "collection", PLACE_PATH, FIELD_NAME, true, ARGUMENT(declare_arguments, collection), 0, "tickets, users, …" },
	{ "attributes", PLACE_BODY, FIELD_JSON, true, ARGUMENT(declare_arguments, attributes), 0, "names that may stand in the clear" },
	{ NULL },
};

const struct operation collection_declare_operation = {
	.name = "collection.declare",
	.says = { "Declares which attributes of a collection stand in the clear", "平文で保持する属性を宣言する" },
	.route = { PUT, "/v1/subscribers/{subscriber}/collections/{collection}" },
	.action = "collection.declare",
	.resource = RESOURCE_COLLECTION,
	.effect = EFFECT_CHANGE,
	.fields = collection_declare_fields,
	.args_size = sizeof(struct declare_arguments),
	.prepare = collection_declare_prepare,
	.apply = collection_declare_apply_one,
};
