/* Policies: proposed by one, put in force by another. */
#include "operations/help.h"
#include "operations/operations.h"

enum { POLICY_MAX = 1 << 18 };

static json_t *
hex_json(const uint8_t digest[DIGEST_SIZE])
{
	char hex[2 * DIGEST_SIZE + 1];
	text_hex(slice_of(digest, DIGEST_SIZE), hex);
	return json_string(hex);
}

static err_t
policy_show_prepare(struct passage *p)
{
	struct slice text;
	uint8_t digest[DIGEST_SIZE];
	TRY(policy_text(p, p->view, p->now, &text, digest));
	return passage_answer(p, json_pack("{s:o, s:o}", "digest", hex_json(digest), "text", json_slice(text)));
}

const struct operation policy_show_operation = {
	.name = "policy.show",
	.says = { "Shows the policies in force", "有効なポリシーを表示する" },
	.route = { GET, "/v1/policies" },
	.cli = "policy show",
	.action = "policy.show",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_OBJECT,
	.prepare = policy_show_prepare,
};

struct propose_arguments {
	struct slice text;
};

static err_t
policy_propose_prepare(struct passage *p)
{
	const struct propose_arguments *a = p->args;
	struct slice text, *merged = NEW(p, struct slice);
	uint8_t digest[DIGEST_SIZE];
	const char *why = "";
	TRY(policy_text(p, p->view, p->now, &text, digest));
	err_t e = policy_merge(p, text, a->text, merged, &why);
	if (e)
		return passage_fail(p, e, "%s", why);
	sha256(*merged, digest);
	p->change = merged;
	p->log = LITERAL(LOG_EVERYONE);
	return passage_answer(p, json_pack("{s:o}", "digest", hex_json(digest)));
}

static err_t
policy_propose_apply(struct passage *p, struct store *tx, int64_t time)
{
	return policy_put_apply(tx, *(struct slice *)p->change, p->request.size ? p->requester : p->principal->actor,
	                        p->principal->actor, time);
}

static const struct field policy_propose_fields[] = {
	{ "text", PLACE_BODY, FIELD_TEXT, true, ARGUMENT(propose_arguments, text), POLICY_MAX, "Cedar policies, each with its @id" },
	{ NULL },
};

const struct operation policy_propose_operation = {
	.name = "policy.propose",
	.says = { "Proposes policies, added or put in the place of those with the same @id", "ポリシーの追加または置換を提案する" },
	.route = { POST, "/v1/policies" },
	.cli = "policy propose",
	.action = "policy.propose",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = policy_propose_fields,
	.args_size = sizeof(struct propose_arguments),
	.second_person = true,
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = policy_propose_prepare,
	.apply = policy_propose_apply,
};
