/* The decision: Cedar's, over entities made for this passage from what identity knows now. */
#include "gate/inside.h"

#include "base/memory.h"
#include "cedar/cedar.h"

#include <stdio.h>

struct decider {
	uint8_t digest[DIGEST_SIZE];
	bool loaded;
	uint64_t epoch;
	struct cedar_policies *policies;
	struct cedar_builder *builder;
	struct cedar_scratch *scratch;
};

static int
close_decider(struct decider *d)
{
	cedar_policies_free(d->policies);
	cedar_builder_free(d->builder);
	cedar_scratch_free(d->scratch);
	return 0;
}

fallible
decider_new(const void *owner, struct decider **out)
{
	struct decider *d = NEW(owner, struct decider);
	d->builder = cedar_builder_new(NULL);
	d->scratch = cedar_scratch_new(NULL);
	talloc_set_destructor(d, close_decider);
	*out = d;
	return NULL;
}

static struct cedar_text
cedar_of(struct slice s)
{
	return (struct cedar_text){ (const char *)s.data, s.size };
}

static struct slice
slice_of_cedar(struct cedar_text t)
{
	return slice_of(t.data, t.size);
}

/* Compiles the policies in force, if they are not those that are loaded. */
static fallible
load(struct decider *d, struct passage *p)
{
	SCOPED void *scope = talloc_new(NULL);
	struct slice text;
	uint8_t digest[DIGEST_SIZE];
	struct cedar_policies *fresh;
	if (d->loaded && d->epoch == p->epoch)
		return NULL;
	TRY(policy_text(scope, p->view, p->now, &text, digest));
	if (!d->loaded || memcmp(digest, d->digest, sizeof digest) != 0) {
		if (!cedar_policies_parse(NULL, cedar_of(text), &fresh, NULL))
			return E_POLICY_TEXT;
		cedar_policies_free(d->policies);
		d->policies = fresh;
		memcpy(d->digest, digest, sizeof digest);
	}
	d->loaded = true;
	d->epoch = p->epoch;
	return NULL;
}

/* ---- entities ---- */

static const char *const data_actions[] = { "read", "list", "history", "write", "delete", "export" };

static bool
is_data(const char *action)
{
	for (size_t i = 0; i < sizeof data_actions / sizeof *data_actions; i++)
		if (strcmp(action, data_actions[i]) == 0)
			return true;
	return false;
}

static struct cedar_value *
text_value(struct cedar_builder *b, struct slice s)
{
	return cedar_value_text(b, cedar_of(s));
}

static void
put_time(struct cedar_builder *b, struct cedar_entity *e, const char *name, int64_t time)
{
	if (time)
		cedar_entity_attribute(b, e, name, cedar_value_datetime_ms(b, time / 1000));
}

static const char *
type_of_principal(const struct principal *p)
{
	return p->kind == KIND_APPLICATION ? "Application" : "Person";
}

static void
put_principal(struct cedar_builder *b, const struct principal *p)
{
	struct cedar_entity *e = cedar_entity_add(b, type_of_principal(p), (const char *)p->actor.data);
	struct cedar_value *contracts[CONTRACTS];
	cedar_entity_attribute(b, e, "id", text_value(b, p->id));
	cedar_entity_attribute(b, e, "kind", cedar_value_string(b, principal_kind_name(p->kind)));
	cedar_entity_attribute(b, e, "organisation", text_value(b, p->organisation));
	put_time(b, e, "trainedUntil", p->trained_until);
	put_time(b, e, "reviewedUntil", p->reviewed_until);
	for (size_t i = 0; i < p->contract_count; i++)
		contracts[i] = text_value(b, p->contracts[i]);
	cedar_entity_attribute(b, e, "contracts", cedar_value_set(b, contracts, p->contract_count));
	for (size_t i = 0; i < p->role_count; i++)
		cedar_entity_parent(b, e, "Role", (const char *)p->roles[i].data);
}

struct resource {
	const char *type;
	char id[320];                   /* acme, acme/tickets, acme/tickets/4711 */
};

static struct resource
resource_of(const struct passage *p, enum resource_type type)
{
	struct resource r = { .type = "Vendor", .id = "vendor" };
	if (type == RESOURCE_VENDOR || !p->subscriber.size)
		return r;
	r.type = type == RESOURCE_SUBSCRIBER ? "Subscriber" : type == RESOURCE_COLLECTION ? "Collection" : "Object";
	snprintf(r.id, sizeof r.id, "%.*s%s%.*s%s%.*s", SLICE_ARGUMENTS(p->subscriber), type >= RESOURCE_COLLECTION ? "/" : "",
	         type >= RESOURCE_COLLECTION ? (int)p->collection.size : 0, (const char *)p->collection.data,
	         type == RESOURCE_OBJECT ? "/" : "", type == RESOURCE_OBJECT ? (int)p->object.size : 0, (const char *)p->object.data);
	return r;
}

static void
put_resource(struct cedar_builder *b, const struct passage *p, const struct resource *r, enum resource_type type)
{
	struct cedar_entity *e = cedar_entity_add(b, r->type, r->id);
	char subscriber[64], collection[136];
	if (strcmp(r->type, "Vendor") == 0)
		return;
	snprintf(subscriber, sizeof subscriber, "%.*s", SLICE_ARGUMENTS(p->subscriber));
	snprintf(collection, sizeof collection, "%s/%.*s", subscriber, SLICE_ARGUMENTS(p->collection));
	cedar_entity_attribute(b, e, "subscriber", cedar_value_string(b, subscriber));
	if (type >= RESOURCE_COLLECTION)
		cedar_entity_attribute(b, e, "collection", cedar_value_string(b, collection));
	if (type == RESOURCE_OBJECT)
		cedar_entity_parent(b, e, "Collection", collection);
	if (type >= RESOURCE_COLLECTION)
		cedar_entity_parent(b, e, "Subscriber", subscriber);
}

/* On a subscriber as a whole, a grant on any of its data tells that one has business there. */
static bool
is_granted(const struct passage *p, enum resource_type type, const char *right)
{
	const struct principal *who = p->principal;
	char resource[256];
	if (type == RESOURCE_VENDOR)
		return false;
	snprintf(resource, sizeof resource, "%.*s%s%.*s", SLICE_ARGUMENTS(p->collection), type == RESOURCE_OBJECT ? "/" : "",
	         type == RESOURCE_OBJECT ? (int)p->object.size : 0, (const char *)p->object.data);
	if (type != RESOURCE_SUBSCRIBER)
		return principal_grant(who, p->subscriber, slice_text(resource), right, p->now) != NULL;
	for (size_t i = 0; i < who->grant_count; i++)
		if (slice_equal(who->grants[i].subscriber, p->subscriber) &&
		    principal_grant(who, p->subscriber, who->grants[i].resource, right, p->now))
			return true;
	return false;
}

static struct cedar_value *
fact_value(struct cedar_builder *b, const struct fact *f)
{
	struct cedar_value *items[FACT_TEXTS];
	size_t count = f->count < FACT_TEXTS ? f->count : FACT_TEXTS;
	switch (f->kind) {
	case FACT_TEXT:
		return text_value(b, f->texts[0]);
	case FACT_FLAG:
		return cedar_value_bool(b, f->number != 0);
	case FACT_NUMBER:
		return cedar_value_long(b, f->number);
	case FACT_SET:
		break;
	}
	for (size_t i = 0; i < count; i++)
		items[i] = text_value(b, f->texts[i]);
	return cedar_value_set(b, items, count);
}

static struct cedar_value *
context_of(struct cedar_builder *b, const struct passage *p, enum resource_type type)
{
	static const char *const rights[] = { "read", "write", "export" };
	struct cedar_value *context = cedar_value_record(b), *granted = cedar_value_record(b);
	for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
		cedar_record_put(b, granted, rights[i], cedar_value_bool(b, is_granted(p, type, rights[i])));
	cedar_record_put(b, context, "now", cedar_value_datetime_ms(b, p->now / 1000));
	cedar_record_put(b, context, "granted", granted);
	if (p->purpose.size)
		cedar_record_put(b, context, "purpose", text_value(b, p->purpose));
	if (p->on_behalf.size)
		cedar_record_put(b, context, "onBehalf", text_value(b, p->on_behalf));
	for (size_t i = 0; i < p->fact_count; i++)
		cedar_record_put(b, context, p->facts[i].name, fact_value(b, &p->facts[i]));
	return context;
}

/* ---- what a denied person reads ---- */

static const char *
annotation(struct decider *d, struct passage *p, size_t policy, const char *key)
{
	struct slice text = slice_of_cedar(cedar_policy_annotation(d->policies, policy, key));
	return text.size ? memory_text(p, text) : NULL;
}

/* The right of a grant that covers the action: what request.create asks for. */
static const char *
right_of(const char *action)
{
	if (strcmp(action, "write") == 0 || strcmp(action, "delete") == 0)
		return "write";
	return strcmp(action, "export") == 0 ? "export" : "read";
}

static const char *
next_for(struct passage *p, const char *action, enum resource_type type)
{
	const char *right = right_of(action), *verb = right[0] == 'w' ? " --write" : right[0] == 'e' ? " --export" : "";
	if (!is_data(action) || type == RESOURCE_SUBSCRIBER || p->principal->kind == KIND_USER || p->principal->kind == KIND_AUDITOR)
		return "sekisho whoami   (what may be done depends on one's role)";
	return memory_format(p, "sekisho request create %.*s %.*s%s%.*s --for 10m%s", SLICE_ARGUMENTS(p->subscriber),
	                     SLICE_ARGUMENTS(p->collection), type == RESOURCE_OBJECT ? "/" : "",
	                     type == RESOURCE_OBJECT ? (int)p->object.size : 0, (const char *)p->object.data, verb);
}

/* The command that was refused, as far as the gate knows it, with what it lacked. */
static const char *
same_with_purpose(struct passage *p, const char *action, enum resource_type type)
{
	const char *verb = strcmp(action, "write") == 0 ? "put" : strcmp(action, "delete") == 0 ? "rm" : strcmp(action, "list") == 0 ? "ls"
	                   : strcmp(action, "history") == 0 ? "history" : "get";
	return memory_format(p, "sekisho object %s %.*s %.*s%s%.*s --purpose CASE-1", verb, SLICE_ARGUMENTS(p->subscriber),
	                     SLICE_ARGUMENTS(p->collection), type == RESOURCE_OBJECT ? "/" : "",
	                     type == RESOURCE_OBJECT ? (int)p->object.size : 0, (const char *)p->object.data);
}

static void
explain(struct decider *d, struct passage *p, const struct cedar_response *r, const char *action, enum resource_type type,
        err_t *code)
{
	*code = E_DENIED;
	if (r->reason_count == 0) {
		p->detail_text = is_data(action)
		                     ? passage_says(p, "no grant for this data is in force", "このデータへの有効な許可がありません")
		                     : passage_says(p, "no policy permits this", "これを許可するポリシーがありません");
		p->next = next_for(p, action, type);
		return;
	}
	const size_t policy = r->reasons[0];
	const char *english = annotation(d, p, policy, "says"), *japanese = annotation(d, p, policy, "says_ja");
	const char *name = annotation(d, p, policy, "code");
	err_t named = name ? err_find(name) : NULL;
	p->detail_text = english ? passage_says(p, english, japanese) : "a policy forbids this";
	*code = named && named->http == 403 ? named : E_DENIED;
	p->next = *code == E_PURPOSE ? same_with_purpose(p, action, type) : annotation(d, p, policy, "next");
}

static void
keep_policies(struct decider *d, struct passage *p, const struct cedar_response *r)
{
	p->policy_count = 0;
	for (size_t i = 0; i < r->reason_count && i < ENTRY_POLICIES; i++) {
		const char *id = annotation(d, p, r->reasons[i], "id");
		p->policies[p->policy_count++] = id ? slice_text(id) : memory_copy(p, slice_of_cedar(cedar_policy_id(d->policies, r->reasons[i])));
	}
	memcpy(p->policy_set, d->digest, sizeof p->policy_set);
}

/* Would be permitted, but only once another person has approved: a grant says that one has. */
static void
ask_for_approval(struct passage *p, const char *action, enum resource_type type, err_t *code)
{
	if (!p->effects.approval || is_granted(p, type, right_of(action)))
		return;
	p->decision = DECISION_DENY;
	*code = E_DENIED;
	p->detail_text = memory_format(p, "%s: %s", passage_says(p, "another person has to approve it", "別の担当者の承認が必要です"), p->effects.approval);
	p->next = next_for(p, action, type);
}

/* ---- deciding ---- */

static fallible
ask(struct decider *d, struct passage *p, const char *action, enum resource_type type, struct cedar_response *r)
{
	struct cedar_builder *b = d->builder;
	struct resource resource = resource_of(p, type);
	cedar_builder_reset(b);
	put_principal(b, p->principal);
	put_resource(b, p, &resource, type);
	struct cedar_entity *a = cedar_entity_add(b, "Action", action);
	if (is_data(action))
		cedar_entity_parent(b, a, "Action", "data");
	const struct cedar_request q = {
		.principal = { cedar_of(slice_text(type_of_principal(p->principal))), cedar_of(p->principal->actor) },
		.action = { cedar_of(LITERAL("Action")), cedar_of(slice_text(action)) },
		.resource = { cedar_of(slice_text(resource.type)), cedar_of(slice_text(resource.id)) },
		.context = context_of(b, p, type),
	};
	return cedar_authorize(d->policies, NULL, b, &q, d->scratch, r) ? NULL : E_DENIED;
}

/* Anonymous operations bring their own proof, and a policy that cannot be evaluated denies. */
fallible
decide(struct decider *d, struct passage *p, const char *action, enum resource_type type, err_t *code)
{
	struct cedar_response r;
	TRY(load(d, p));
	memcpy(p->policy_set, d->digest, sizeof p->policy_set);
	p->decision = DECISION_ALLOW;
	p->policy_count = 0;
	p->effects = (struct effects){ 0 };
	if (!p->principal)
		return NULL;
	p->decision = DECISION_DENY;
	err_t e = ask(d, p, action, type, &r);
	if (e) {
		*code = e;
		return NULL;
	}
	keep_policies(d, p, &r);
	if (!r.allow) {
		explain(d, p, &r, action, type, code);
		return NULL;
	}
	p->decision = DECISION_ALLOW;
	effects_collect(p, d->policies, r.reasons, r.reason_count, &p->effects);
	ask_for_approval(p, action, type, code);
	return NULL;
}

fallible
passage_decide(struct passage *p, const char *action, enum resource_type type)
{
	err_t code = NULL;
	TRY(decide(p->worker->decider, p, action, type, &code));
	return p->decision == DECISION_ALLOW ? NULL : code;
}
