/* Witnesses: who cosigns our checkpoints, so that nobody is shown another history (C2SP tlog-witness). */
#include "operations/help.h"
#include "operations/operations.h"
#include "operations/operations_sql.h"

#include "ledger/public.h"
#include "proof/note.h"

enum { WITNESSES_MAX = 16 };

struct witness_arguments {
	struct slice name, url, vkey, authorities;
	int64_t quorum;
};

static err_t
witness_list_prepare(struct passage *p)
{
	SCOPED struct rows *r = NULL;
	json_t *items = json_array();
	err_t e = store_rows(NULL, p->view, QUERY_WITNESSES, BIND_NONE, &r);
	while (!e && rows_next(r))
		json_array_append_new(items, json_pack("{s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "name", json_slice(row_text(r, 0)), "url",
		                                       json_slice(row_text(r, 1)), "vkey", json_slice(row_text(r, 2)), "size",
		                                       (json_int_t)row_number(r, 4), "seen", json_time(row_number(r, 5) * SECONDS(1)), "state",
		                                       json_slice(row_text(r, 6)), "since", json_time(row_number(r, 7))));
	passage_answer(p, json_list(items, NULL));
	return e ? e : rows_end(r);
}

const struct operation witness_list_operation = {
	.name = "witness.list",
	.says = { "Lists the witnesses of our checkpoints", "チェックポイントの証人を一覧する" },
	.route = { GET, "/v1/witnesses" },
	.cli = "witness ls",
	.action = "ledger.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = witness_list_prepare,
};

static err_t
witness_add_prepare(struct passage *p)
{
	const struct witness_arguments *a = p->args;
	struct proof_vkey key;
	if (!slice_starts(a->url, LITERAL("https://")) && !slice_starts(a->url, LITERAL("http://127.")) && !slice_starts(a->url, LITERAL("http://[::1]")))
		return passage_fail(p, E_ARGUMENT, "url: expected https://…, without the /add-checkpoint");
	if (!proof_vkey_parse(ledger_functions, (struct proof_bytes){ a->vkey.data, a->vkey.size }, &key) || key.type != PROOF_COSIGNATURE)
		return passage_fail(p, E_ARGUMENT, "vkey: expected name+id+key of a cosignature key (type 4)");
	struct slice *name = NEW(p, struct slice);
	*name = memory_copy(p, slice_of(key.name.data, key.name.size));
	p->change = name;
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "witness", *name);
	return passage_answer(p, json_pack("{s:o}", "id", json_slice(*name)));
}

static err_t
witness_add_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct witness_arguments *a = p->args;
	TRY(store_run(tx, QUERY_WITNESS_ADD, BIND(as_text(*(struct slice *)p->change), as_text(a->url), as_text(a->vkey),
	                                          as_text(a->authorities), as_number(time))));
	return store_changes(tx) ? NULL : E_EXISTS;
}

static const struct field witness_add_fields[] = {
	{ "url", PLACE_BODY, FIELD_TEXT, true, ARGUMENT(witness_arguments, url), 512, "https://witness.example" },
	{ "vkey", PLACE_BODY, FIELD_TEXT, true, ARGUMENT(witness_arguments, vkey), 256, "its cosignature key: name+id+key" },
	{ "authorities", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(witness_arguments, authorities), 16384, "PEM of its authority, if it is not a public one" },
	{ NULL },
};

const struct operation witness_add_operation = {
	.name = "witness.add",
	.says = { "Asks a witness to cosign our checkpoints from now on", "証人を追加し、以後のチェックポイントに連署を求める" },
	.route = { POST, "/v1/witnesses" },
	.cli = "witness add {url} {vkey}",
	.action = "witness.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = witness_add_fields,
	.args_size = sizeof(struct witness_arguments),
	.output = SCHEMA_ID,
	.prepare = witness_add_prepare,
	.apply = witness_add_apply,
};

/* ---- what weakens them needs two ---- */

static err_t
witness_remove_prepare(struct passage *p)
{
	const struct witness_arguments *a = p->args;
	p->change = p;
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "witness", a->name);
	return passage_answer(p, json_pack("{s:o}", "id", json_slice(a->name)));
}

static err_t
witness_remove_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct witness_arguments *a = p->args;
	(void)time;
	TRY(store_run(tx, QUERY_WITNESS_REMOVE, BIND(as_text(a->name))));
	return store_changes(tx) ? NULL : E_NOT_FOUND;
}

static const struct field witness_remove_fields[] = {
	{ "name", PLACE_BODY, FIELD_TEXT, true, ARGUMENT(witness_arguments, name), 256, "as witness ls shows it" }, { NULL },
};

const struct operation witness_remove_operation = {
	.name = "witness.remove",
	.says = { "No longer asks a witness", "証人を外す" },
	.route = { POST, "/v1/witnesses/remove" },
	.cli = "witness rm {name}",
	.action = "witness.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = witness_remove_fields,
	.args_size = sizeof(struct witness_arguments),
	.second_person = true,
	.output = SCHEMA_ID,
	.prepare = witness_remove_prepare,
	.apply = witness_remove_apply,
};

static err_t
witness_quorum_prepare(struct passage *p)
{
	const struct witness_arguments *a = p->args;
	p->change = p;
	p->log = LITERAL(LOG_EVERYONE);
	pairs_number(&p->outcome, "quorum", a->quorum);
	return passage_answer(p, json_pack("{s:I}", "quorum", (json_int_t)a->quorum));
}

static err_t
witness_quorum_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct witness_arguments *a = p->args;
	char text[24];
	(void)time;
	snprintf(text, sizeof text, "%lld", (long long)a->quorum);
	return store_run(tx, QUERY_SETTING_PUT, BIND(as_text(LITERAL("witness.quorum")), as_text(slice_text(text))));
}

static const struct field witness_quorum_fields[] = {
	{ "quorum", PLACE_BODY, FIELD_NUMBER, true, ARGUMENT(witness_arguments, quorum), WITNESSES_MAX, "how many must have cosigned; 0: none" }, { NULL },
};

const struct operation witness_quorum_operation = {
	.name = "witness.quorum",
	.says = { "How many witnesses must have cosigned the checkpoint of a bundle", "バンドルに必要な連署の数を定める" },
	.route = { POST, "/v1/witnesses/quorum" },
	.cli = "witness quorum {quorum}",
	.action = "witness.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = witness_quorum_fields,
	.args_size = sizeof(struct witness_arguments),
	.second_person = true,
	.output = SCHEMA_OBJECT,
	.prepare = witness_quorum_prepare,
	.apply = witness_quorum_apply,
};
