/* AuthZEN 1.0: an application that keeps its own data asks for a decision, and the passage is recorded. */
#include "operations/help.h"
#include "operations/operations.h"

enum { EVALUATIONS_MAX = 50 };

struct evaluate_arguments {
	json_t *subject, *action, *resource, *context, *evaluations, *options;
};

static struct slice
text_at(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);
	return json_is_string(value) ? slice_of(json_string_value(value), json_string_length(value)) : (struct slice){ NULL, 0 };
}

/* acme/tickets/4711 or acme/tickets or acme */
static fallible
take_resource(struct passage *p, struct slice whole)
{
	struct slice *parts[] = { &p->subscriber, &p->collection, &p->object };
	size_t at = 0;
	p->subscriber = p->collection = p->object = (struct slice){ NULL, 0 };
	for (size_t i = 0; i < 3 && at <= whole.size; i++) {
		size_t end = at;
		while (end < whole.size && whole.data[end] != '/')
			end++;
		*parts[i] = memory_copy(p, slice_of(whole.data + at, i == 2 ? whole.size - at : end - at));
		at = i == 2 ? whole.size + 1 : end + 1;
	}
	if (!text_is_name(p->subscriber) || (p->collection.size && !text_is_name(p->collection)) || p->object.size > 128)
		return passage_fail(p, E_ARGUMENT, "resource.id: expected SUBSCRIBER, SUBSCRIBER/COLLECTION or SUBSCRIBER/COLLECTION/ID");
	return NULL;
}

static enum resource_type
type_of(const struct passage *p)
{
	return p->object.size ? RESOURCE_OBJECT : p->collection.size ? RESOURCE_COLLECTION : RESOURCE_SUBSCRIBER;
}

/* The subject is ours (`sup1`, `psn_…`); or of type `user`, an end user whom only the application knows: then it is
 * decided by the application's own rights, on its word. Anyone else nobody knows. */
static fallible
take_subject(struct passage *p, json_t *subject, struct principal **who, bool *known)
{
	struct slice id = text_at(subject, "id");
	if (!text_at(subject, "type").size || !id.size || id.size > 63 || !text_is_utf8(id))
		return passage_fail(p, E_ARGUMENT, "subject: expected \"type\" and \"id\", texts of at most 63 bytes");
	err_t e = principal_find(p, p->view, id, p->now, who);
	if (e == E_NOT_FOUND) {
		*who = NULL;
		*known = slice_is(text_at(subject, "type"), "user");
		p->on_behalf = slice_text(memory_format(p, "usr_%.*s", SLICE_ARGUMENTS(id)));
		return NULL;
	}
	TRY(e);
	*known = (*who)->active;
	p->on_behalf = (*who)->actor;
	return NULL;
}

struct question {
	json_t *subject, *action, *resource, *context;
};

static fallible
check_question(struct passage *p, const struct question *q)
{
	if (!text_at(q->action, "name").size)
		return passage_fail(p, E_ARGUMENT, "action: expected \"name\", an operation's name as in /openapi.json");
	if (!text_at(q->resource, "type").size || !text_at(q->resource, "id").size)
		return passage_fail(p, E_ARGUMENT, "resource: expected \"type\" and \"id\", texts");
	return NULL;
}

static json_t *
decision_json(err_t e, const char *why)
{
	json_t *answer = json_pack("{s:b}", "decision", !e);
	if (e)
		json_object_set_new(answer, "context", json_pack("{s:s, s:s}", "code", e->name, "reason", why ? why : ""));
	return answer;
}

/* Decides one evaluation; the application is the actor, the subject stands in on_behalf. */
static fallible
evaluate(struct passage *p, const struct question *q, struct part *part, json_t **out)
{
	struct slice name = text_at(q->action, "name"), purpose = text_at(q->context, "purpose");
	const struct operation *o = gate_find(gate_of(p->worker), name);
	struct principal *application = p->principal, *subject;
	bool known = false;
	TRY(check_question(p, q));
	TRY(take_resource(p, text_at(q->resource, "id")));
	TRY(take_subject(p, q->subject, &subject, &known));
	p->purpose = purpose.size ? memory_copy(p, purpose) : (struct slice){ NULL, 0 };
	p->policy_count = 0;
	p->detail_text = p->next = NULL;
	p->principal = subject ? subject : application;
	err_t e = !o || !known ? E_DENIED : passage_decide(p, o->action, type_of(p));
	p->principal = application;
	if (e && e != E_DENIED && e != E_PURPOSE)
		return e;
	*out = decision_json(e, !o ? "no such action" : !known ? "nobody knows the subject" : p->detail_text);
	*part = (struct part){ .decision = e ? DECISION_DENY : DECISION_ALLOW, .policy_count = p->policy_count,
	                       .subscriber = p->subscriber, .resource = passage_resource(p), .purpose = p->purpose,
	                       .on_behalf = p->on_behalf, .action = memory_copy(p, name) };
	memcpy(part->policies, p->policies, sizeof part->policies);
	p->detail_text = p->next = NULL;
	return NULL;
}

static err_t
passage_evaluate_prepare(struct passage *p)
{
	const struct evaluate_arguments *a = p->args;
	const struct question q = { a->subject, a->action, a->resource, a->context };
	json_t *answer = NULL;
	p->parts = NEW(p, struct part);
	TRY(evaluate(p, &q, p->parts, &answer));
	p->part_count = 1;
	return passage_answer(p, answer);
}

static const struct field passage_evaluate_fields[] = {
	{ "subject", PLACE_BODY, FIELD_JSON, true, ARGUMENT(evaluate_arguments, subject), 0, "who: type and id" },
	{ "action", PLACE_BODY, FIELD_JSON, true, ARGUMENT(evaluate_arguments, action), 0, "what: name, an operation's" },
	{ "resource", PLACE_BODY, FIELD_JSON, true, ARGUMENT(evaluate_arguments, resource), 0, "on what: type and id" },
	{ "context", PLACE_BODY, FIELD_JSON, false, ARGUMENT(evaluate_arguments, context), 0, "purpose" },
	{ NULL },
};

const struct operation passage_evaluate_operation = {
	.name = "passage.evaluate",
	.says = { "Decides and records for an application that keeps its own data (AuthZEN)", "自前でデータを持つアプリケーションのために判断し記録する（AuthZEN）" },
	.route = { POST, "/access/v1/evaluation" },
	.action = "passage.evaluate",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = passage_evaluate_fields,
	.args_size = sizeof(struct evaluate_arguments),
	.output = "{\"type\":\"object\",\"properties\":{\"decision\":{\"type\":\"boolean\"}},\"required\":[\"decision\"]}",
	.prepare = passage_evaluate_prepare,
};

/* ---- several at once (AuthZEN 1.0 §7): each takes what it lacks from the top ---- */

static json_t *
own_or(json_t *own, const char *key, json_t *otherwise)
{
	json_t *value = json_object_get(own, key);
	return value ? value : otherwise;
}

/* Stops early as `options.evaluations_semantic` says. */
static bool
stops(json_t *options, enum decision decision)
{
	struct slice semantic = text_at(options, "evaluations_semantic");
	return (slice_is(semantic, "deny_on_first_deny") && decision == DECISION_DENY) ||
	       (slice_is(semantic, "permit_on_first_permit") && decision == DECISION_ALLOW);
}

static fallible
evaluate_all(struct passage *p, const struct evaluate_arguments *a, json_t *answers)
{
	size_t i;
	json_t *each;
	p->parts = NEW_ARRAY(p, struct part, json_array_size(a->evaluations));
	json_array_foreach(a->evaluations, i, each) {
		const struct question q = { own_or(each, "subject", a->subject), own_or(each, "action", a->action),
		                            own_or(each, "resource", a->resource), own_or(each, "context", a->context) };
		json_t *answer = NULL;
		TRY(evaluate(p, &q, &p->parts[i], &answer));
		json_array_append_new(answers, answer);
		p->part_count = i + 1;
		if (stops(a->options, p->parts[i].decision))
			return NULL;
	}
	return NULL;
}

static err_t
passage_evaluate_many_prepare(struct passage *p)
{
	const struct evaluate_arguments *a = p->args;
	const size_t count = json_array_size(a->evaluations);
	json_t *answers = json_array();
	if (count == 0 || count > EVALUATIONS_MAX) {
		json_decref(answers);
		return passage_fail(p, E_ARGUMENT, "evaluations: expected an array of 1 to %d objects", EVALUATIONS_MAX);
	}
	err_t e = evaluate_all(p, a, answers);
	if (e)
		p->part_count = 0;
	passage_answer(p, json_pack("{s:o}", "evaluations", answers));
	return e;
}

static const struct field passage_evaluate_many_fields[] = {
	{ "subject", PLACE_BODY, FIELD_JSON, false, ARGUMENT(evaluate_arguments, subject), 0, "of those that name none" },
	{ "action", PLACE_BODY, FIELD_JSON, false, ARGUMENT(evaluate_arguments, action), 0, "of those that name none" },
	{ "resource", PLACE_BODY, FIELD_JSON, false, ARGUMENT(evaluate_arguments, resource), 0, "of those that name none" },
	{ "context", PLACE_BODY, FIELD_JSON, false, ARGUMENT(evaluate_arguments, context), 0, "of those that name none" },
	{ "evaluations", PLACE_BODY, FIELD_JSON, true, ARGUMENT(evaluate_arguments, evaluations), 0, "1 to 50 questions" },
	{ "options", PLACE_BODY, FIELD_JSON, false, ARGUMENT(evaluate_arguments, options), 0, "evaluations_semantic" },
	{ NULL },
};

const struct operation passage_evaluate_many_operation = {
	.name = "passage.evaluate_many",
	.says = { "Decides and records several at once (AuthZEN)", "複数の判断をまとめて行い記録する（AuthZEN）" },
	.route = { POST, "/access/v1/evaluations" },
	.action = "passage.evaluate",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = passage_evaluate_many_fields,
	.args_size = sizeof(struct evaluate_arguments),
	.output = SCHEMA_OBJECT,
	.prepare = passage_evaluate_many_prepare,
};

/* ---- explain: why a passage was let through, or not ---- */

struct explain_arguments {
	struct slice passage;
};

struct explained {
	struct passage *passage;
	json_t *entry;
	bool own;
};

static err_t
keep_explained(void *argument, uint64_t seq, struct slice bytes, const struct proof_entry *e)
{
	struct explained *x = argument;
	(void)bytes;
	json_decref(x->entry);
	x->entry = entry_json(NULL, seq, e);
	x->own = slice_equal(slice_of(e->actor.data, e->actor.size), x->passage->principal->actor);
	return NULL;
}

/* What a policy says of itself, for people. */
static json_t *
policy_json(struct passage *p, struct slice set, const char *id)
{
	struct slice text;
	json_t *j = json_pack("{s:s}", "id", id);
	if (!policy_one(p, set, id, &text))
		json_object_set_new(j, "text", json_slice(text));
	return j;
}

static err_t
passage_explain_prepare(struct passage *p)
{
	const struct explain_arguments *a = p->args;
	uint8_t id[PASSAGE_SIZE], digest[DIGEST_SIZE];
	size_t size, i;
	json_t *name, *policies = json_array();
	struct slice set;
	struct explained x = { .passage = p };
	if (text_hex_parse(a->passage, id, sizeof id, &size) || size != sizeof id) {
		json_decref(policies);
		return passage_fail(p, E_ARGUMENT, "passage: expected the 32 hex digits that Sekisho-Passage, or a refusal, showed");
	}
	const struct ledger_filter filter = { .passage = slice_of(id, sizeof id), .limit = 1 };
	err_t e = ledger_search(gate_reader(p->worker), &filter, keep_explained, &x);
	if (!e && (!x.entry || (!x.own && !keeps_order(p))))
		e = E_NOT_FOUND;
	if (!e)
		e = policy_text(p, p->view, p->now, &set, digest);
	if (e) {
		json_decref(x.entry);
		json_decref(policies);
		return e;
	}
	json_array_foreach(json_object_get(x.entry, "policies"), i, name)
		json_array_append_new(policies, policy_json(p, set, json_string_value(name)));
	const char *decision = json_string_value(json_object_get(x.entry, "decision"));
	bool denied = decision && strcmp(decision, "deny") == 0;
	const char *why = !denied ? passage_says(p, "permitted by these policies", "次のポリシーにより許可されました")
	                  : json_array_size(policies) ? passage_says(p, "forbidden by these policies", "次のポリシーにより禁止されました")
	                                              : passage_says(p, "no policy permitted it: there was no grant, or no role, for it",
	                                                             "許可するポリシーがありません（許可または役割がありません）");
	return passage_answer(p, json_pack("{s:s, s:o, s:o}", "why", why, "policies", policies, "entry", x.entry));
}

static const struct field passage_explain_fields[] = {
	{ "passage", PLACE_PATH, FIELD_TEXT, true, ARGUMENT(explain_arguments, passage), 32, "its id, as a refusal shows it" }, { NULL },
};

const struct operation passage_explain_operation = {
	.name = "passage.explain",
	.says = { "Explains why a passage was let through or refused: one's own, or anybody's to those who keep order", "通行が許可または拒否された理由を説明する" },
	.route = { GET, "/v1/passages/{passage}" },
	.action = "credential.self",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = passage_explain_fields,
	.args_size = sizeof(struct explain_arguments),
	.slow = true,
	.output = SCHEMA_OBJECT,
	.prepare = passage_explain_prepare,
};
