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

/* Decides one evaluation; the application is the actor, the subject stands in on_behalf. */
static fallible
evaluate(struct passage *p, const struct evaluate_arguments *a, json_t **out)
{
	struct slice name = text_at(a->action, "name"), purpose = text_at(a->context, "purpose");
	const struct operation *o = gate_find(gate_of(p->worker), name);
	struct principal *application = p->principal, *subject;
	bool known = false;
	if (!name.size)
		return passage_fail(p, E_ARGUMENT, "action: expected \"name\", an operation's name as in /openapi.json");
	if (!text_at(a->resource, "type").size || !text_at(a->resource, "id").size)
		return passage_fail(p, E_ARGUMENT, "resource: expected \"type\" and \"id\", texts");
	TRY(take_resource(p, text_at(a->resource, "id")));
	TRY(take_subject(p, a->subject, &subject, &known));
	if (purpose.size)
		p->purpose = memory_copy(p, purpose);
	p->principal = subject ? subject : application;
	err_t e = !o || !known ? E_DENIED : passage_decide(p, o->action, type_of(p));
	p->principal = application;
	if (e && e != E_DENIED && e != E_PURPOSE)
		return e;
	p->decision = e ? DECISION_DENY : DECISION_ALLOW;
	json_t *answer = json_pack("{s:b}", "decision", !e);
	if (e)
		json_object_set_new(answer, "context", json_pack("{s:s, s:s}", "code", e->name, "reason",
		                                                 !o ? "no such action" : !known ? "nobody knows the subject" : p->detail_text ? p->detail_text : ""));
	*out = answer;
	return NULL;
}

static err_t
passage_evaluate_prepare(struct passage *p)
{
	const struct evaluate_arguments *a = p->args;
	json_t *answer = NULL;
	TRY(evaluate(p, a, &answer));
	pairs_text(&p->outcome, "action", memory_copy(p, text_at(a->action, "name")));
	p->detail_text = p->next = NULL;
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
