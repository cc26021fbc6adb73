#include "operations/registers.h"

#include <string.h>

struct put {
	struct register_change change;
	void *more;
};

fallible
register_prepare(struct passage *p, const struct register_put *r)
{
	struct put *put = NEW(p, struct put);
	char *text = json_dumps(r->body, JSON_COMPACT);
	json_decref(r->body);
	put->change = (struct register_change){ .kind = r->kind, .id = r->id, .parent = r->parent, .due = r->due,
	                                        .body = slice_text(memory_text(p, slice_text(text))),
	                                        .changed_by = p->request.size ? p->requester : p->principal->actor,
	                                        .passage = slice_of(p->id, sizeof p->id) };
	put->more = r->more;
	free(text);
	if (put->change.body.size > REGISTER_BODY_MAX)
		return passage_fail(p, E_TOO_LARGE, "at most %d KiB", REGISTER_BODY_MAX >> 10);
	p->change = put;
	pairs_text(&p->outcome, "kind", slice_text(r->kind));
	pairs_text(&p->outcome, "subject", r->id);
	return passage_answer(p, json_pack("{s:o}", "id", json_slice(r->id)));
}

err_t
register_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct put *put = p->change;
	return register_put_apply(tx, &put->change, time);
}

void *
register_more(struct passage *p)
{
	const struct put *put = p->change;
	return put->more;
}

static bool
is_among(const char *words, const char *name)
{
	size_t size = strlen(name);
	for (const char *at = words; *at; at += strcspn(at, " "), at += *at == ' ')
		if (strncmp(at, name, size) == 0 && (at[size] == ' ' || at[size] == '\0'))
			return true;
	return false;
}

json_t *
register_body(struct passage *p, const char *without)
{
	const char *name;
	json_t *value, *body = json_object();
	json_object_foreach(p->input, name, value)
		if (!is_among(without, name))
			json_object_set(body, name, value);
	return body;
}

struct listing {
	struct passage *passage;
	const char *hidden;
	json_t *items;
};

static err_t
add_item(void *argument, const struct registered *r)
{
	struct listing *l = argument;
	const char *name;
	json_t *value, *j = json_pack("{s:o}", "id", json_slice(r->id));
	json_object_foreach(r->body, name, value)
		if (!is_among(l->hidden, name))
			json_object_set(j, name, value);
	json_object_set_new(j, "version", json_integer(r->version));
	json_object_set_new(j, "since", json_time(r->since));
	json_object_set_new(j, "due", json_time(r->due));
	json_object_set_new(j, "by", json_slice(name_of_actor(l->passage, r->changed_by)));
	json_array_append_new(l->items, j);
	return NULL;
}

err_t
register_list(struct passage *p, const char *kind, struct slice parent, const char *hidden)
{
	struct listing l = { p, hidden, json_array() };
	err_t e = register_each(p->view, kind, parent, add_item, &l);
	passage_answer(p, json_list(l.items, NULL));
	return e;
}

fallible
register_person(struct passage *p, const char *field, struct slice id, struct principal **out)
{
	err_t e = principal_find(p, p->view, id, p->now, out);
	if (e && e != E_NOT_FOUND)
		return e;
	if (e || !(*out)->active)
		return passage_fail(p, E_ARGUMENT, "%s: nobody active is called %.*s", field, SLICE_ARGUMENTS(id));
	return NULL;
}

fallible
register_word(struct passage *p, const char *field, struct slice value, const char *words)
{
	SCOPED char *text = memory_text(NULL, value);
	if (!strchr(text, ' ') && is_among(words, text))
		return NULL;
	return passage_fail(p, E_ARGUMENT, "%s: expected one of %s, not '%s'", field, words, text);
}
