/* The network (E6): components in groups, what is measured of them, scans from outside. Advisories: advisory.c. */
#include "operations/lines.h"
#include "operations/registers.h"

enum { ID, NAME, TITLE, TOOL, TARGETS, RESULT };
enum { NEEDS, CAPACITY };
enum { GAUGES_MOST = 10000, PUSH_MOST = 1 << 20 };

static const struct field group_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "its name: uplinks, firewalls, …" },
	{ "title", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(TITLE), 128, "for people" },
	{ "needs", PLACE_BODY, FIELD_NUMBER, true, NUMBER_AT(NEEDS), 1000, "how many must be up; one more is N+1" },
	{ NULL },
};

static err_t
group_put_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	return register_prepare(p, &(struct register_put){ .kind = "network-group", .id = a->text[ID], .body = register_body(p, "id") });
}

const struct operation network_group_operation = {
	.name = "network.group.put",
	.says = { "Registers a group of network components that stand in for each other", "互いに代替できるネットワーク機器の群を登録する" },
	.route = { PUT, "/v1/network/groups/{id}" },
	.cli = "network group add {id}",
	.action = "network.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = group_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = group_put_prepare,
	.apply = register_apply,
};

static err_t
component_put_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered group;
	TRY(register_get(p, p->view, "network-group", a->text[ID], &group));
	struct slice id = slice_text(memory_format(p, "%.*s/%.*s", SLICE_ARGUMENTS(a->text[ID]), SLICE_ARGUMENTS(a->text[NAME])));
	return register_prepare(p, &(struct register_put){ .kind = "component", .id = id, .parent = a->text[ID], .body = register_body(p, "id component") });
}

static const struct field component_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "which group" },
	{ "component", PLACE_PATH, FIELD_NAME, true, TEXT_AT(NAME), 0, "its name" },
	{ "capacity", PLACE_BODY, FIELD_NUMBER, true, NUMBER_AT(CAPACITY), INT64_C(1) << 50, "bits a second, or what the group counts in" },
	{ NULL },
};

const struct operation network_link_operation = {
	.name = "network.link.put",
	.says = { "Adds a component or link to a group, with its capacity", "群に機器または回線を容量とともに追加する" },
	.route = { PUT, "/v1/network/groups/{id}/links/{component}" },
	.cli = "network link add {id} {component}",
	.action = "network.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = component_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = component_put_prepare,
	.apply = register_apply,
};

static err_t
add_group(void *argument, const struct registered *r)
{
	json_t *j = json_deep_copy(r->body);
	json_object_set_new(j, "id", json_slice(r->id));
	json_array_append_new(argument, j);
	return NULL;
}

struct links {
	struct passage *passage;
	json_t *items;
};

static err_t
add_link(void *argument, const struct registered *r)
{
	struct links *l = argument;
	struct gauge g;
	json_t *j = json_pack("{s:o, s:o, s:I}", "id", json_slice(r->id), "group", json_slice(r->parent), "capacity",
	                      (json_int_t)body_number(r->body, "capacity"));
	bool known = !gauge_get(l->passage->view, r->id, &g);
	json_object_set_new(j, "up", known ? json_boolean(g.up) : json_null());
	json_object_set_new(j, "load", known ? json_integer(g.load) : json_null());
	json_object_set_new(j, "measured", known ? json_time(g.time) : json_null());
	json_array_append_new(l->items, j);
	return NULL;
}

static err_t
network_list_prepare(struct passage *p)
{
	struct links l = { p, json_array() };
	err_t e = register_each(p->view, "component", (struct slice){ NULL, 0 }, add_link, &l);
	passage_answer(p, json_list(l.items, NULL));
	return e;
}

const struct operation network_link_list_operation = {
	.name = "network.link.list",
	.says = { "Lists components and links with what was measured last", "機器と回線を最新の計測値とともに一覧する" },
	.route = { GET, "/v1/network/links" },
	.cli = "network link ls",
	.action = "network.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = network_list_prepare,
};

static err_t
group_list_prepare(struct passage *p)
{
	json_t *items = json_array();
	err_t e = register_each(p->view, "network-group", (struct slice){ NULL, 0 }, add_group, items);
	passage_answer(p, json_list(items, NULL));
	return e;
}

const struct operation network_group_list_operation = {
	.name = "network.group.list",
	.says = { "Lists the groups of network components", "ネットワーク機器の群を一覧する" },
	.route = { GET, "/v1/network/groups" },
	.cli = "network group ls",
	.action = "network.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = group_list_prepare,
};

/* ---- what is measured: pushed by whoever measures it, a line a component ---- */

struct push {
	size_t count;
	struct { struct slice name; struct gauge gauge; } items[GAUGES_MOST];
};

static const char *
take_gauge(struct passage *p, void *argument, const json_t *line)
{
	struct push *push = argument;
	struct registered component;
	struct slice name = memory_copy(p, body_text(line, "component"));
	const json_t *up = json_object_get(line, "up"), *load = json_object_get(line, "load");
	if (!name.size || (!json_is_boolean(up) && !json_is_string(up)) || (!json_is_integer(load) && !json_is_string(load)))
		return "expected {\"component\": \"GROUP/NAME\", \"up\": true, \"load\": NUMBER}";
	if (push->count == GAUGES_MOST)
		return "more than 10000 components at once";
	err_t e = register_get(p, p->view, "component", name, &component);
	if (e)
		return e == E_NOT_FOUND ? "component: not registered: sekisho network link add" : e->text[ENGLISH];
	push->items[push->count].name = name;
	push->items[push->count++].gauge = (struct gauge){ .up = body_flag(line, "up"), .load = body_number(line, "load"), .time = p->now };
	return NULL;
}

static err_t
network_push_prepare(struct passage *p)
{
	struct push *push = NEW(p, struct push);
	TRY(lines_take(p, p->body, take_gauge, push));
	p->change = push;
	p->status = 200;
	pairs_number(&p->outcome, "rows", (int64_t)push->count);
	return passage_answer(p, json_pack("{s:I}", "components", (json_int_t)push->count));
}

static err_t
network_push_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct push *push = p->change;
	(void)time;
	for (size_t i = 0; i < push->count; i++)
		TRY(gauge_put_apply(tx, push->items[i].name, &push->items[i].gauge));
	return NULL;
}

const struct operation network_push_operation = {
	.name = "network.push",
	.says = { "Takes what was measured of components: up, load (NDJSON or CSV)", "機器の計測値（稼働、負荷）を受け取る" },
	.route = { POST, "/v1/network/measurements" },
	.cli = "network push {body}",
	.action = "network.report",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.body_max = PUSH_MOST,
	.output = SCHEMA_OBJECT,
	.prepare = network_push_prepare,
	.apply = network_push_apply,
};

/* ---- scans from outside: what was scanned, with what, and what came of it ---- */

static err_t
scan_record_prepare(struct passage *p)
{
	struct id id = id_new("scn_");
	return register_prepare(p, &(struct register_put){ .kind = "scan", .id = memory_copy(p, id_slice(&id)), .body = register_body(p, "") });
}

static const struct field scan_fields[] = {
	{ "tool", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(TOOL), 64, "nmap, sslscan, …, with its version" },
	{ "targets", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(TARGETS), 512, "what was scanned, from where" },
	{ "result", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(RESULT), 2048, "what came of it: a digest of the report, and the findings" },
	{ NULL },
};

const struct operation scan_record_operation = {
	.name = "scan.record",
	.says = { "Records a scan from outside", "外部からの検査を記録する" },
	.route = { POST, "/v1/scans" },
	.cli = "scan record",
	.action = "network.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = scan_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = scan_record_prepare,
	.apply = register_apply,
};

static err_t
scan_list_prepare(struct passage *p)
{
	return register_list(p, "scan", (struct slice){ NULL, 0 }, "");
}

const struct operation scan_list_operation = {
	.name = "scan.list",
	.says = { "Lists the scans from outside", "外部からの検査を一覧する" },
	.route = { GET, "/v1/scans" },
	.cli = "scan ls",
	.action = "network.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = scan_list_prepare,
};
