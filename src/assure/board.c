/* The board: groups made of what their checks say now. */
#include "assure/inside.h"

#include "assure/catalogue.h"
#include "base/text.h"

static const char *const state_names[] = { "kept", "broken", "unknown", "absent" };
static const char *const kind_names[] = { "enforced", "watched", "recorded" };
static const char *const path_names[] = { "enforced", "watched", "dark", "excluded" };

const char *
check_state_name(enum check_state state)
{
	return state_names[state];
}

static bool
belongs(const char *id, const char *group)
{
	size_t n = strlen(group);
	return strncmp(id, group, n) == 0 && (id[n] == '.' || id[n] == '\0');
}

static bool
lists(const char *words, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = words; (p = strstr(p, word)); p += n)
		if ((p == words || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

static bool
touches_dark(const char *group)
{
	for (const struct path *p = assure_paths; p->id; p++)
		if (p->state == PATH_DARK && lists(p->measures, group))
			return true;
	return false;
}

static json_t *
time_json(int64_t time)
{
	char text[TIME_TEXT];
	text_time(time, text);
	return json_string(text);
}

/* Since when it is so, and the entry that says it: of what is kept, where that is the same state. */
static void
add_past(struct look *l, json_t *j, const struct check *c, const struct check_result *f)
{
	struct check_kept kept = { 0 };
	bool same = !check_kept(l, c->id, &kept) && slice_is(kept.state, state_names[f->state]);
	json_t *evidence = same ? json_loadb((const char *)kept.evidence.data, kept.evidence.size, 0, NULL) : NULL;
	json_object_set_new(j, "since", c->run ? time_json(same ? kept.since : l->now) : json_null());
	json_object_set_new(j, "evidence", evidence ? evidence : json_array());
}

static json_t *
check_json(struct look *l, const struct check *c, const struct check_result *f)
{
	const char *dot = strchr(c->id, '.'), *second = dot ? strchr(dot + 1, '.') : NULL;
	json_t *j = json_pack("{s:s, s:s%, s:s, s:s, s:I, s:s, s:s, s:s}", "id", c->id, "duty", c->id,
	                      second ? (size_t)(second - c->id) : strlen(c->id), "kind", kind_names[c->kind], "grade",
	                      c->attested ? "attested" : "measured", "cadence", (json_int_t)c->cadence, "state",
	                      state_names[f->state], "value", f->value, "threshold", c->threshold);
	add_past(l, j, c, f);
	if (c->issue)
		json_object_set_new(j, "issue", json_integer(c->issue));
	return j;
}

static json_t *
group_json(struct look *l, json_t *group, enum language language)
{
	const char *id = json_string_value(json_object_get(group, "id"));
	size_t counts[4] = { 0 }, total = 0;
	enum check_kind kind = KIND_RECORDED;
	json_t *list = json_array();
	for (const struct check *c = assure_checks; c->id; c++) {
		if (!belongs(c->id, id))
			continue;
		struct check_result f = check_run(l, c);
		counts[f.state]++;
		total++;
		kind = c->kind < kind ? c->kind : kind;
		json_array_append_new(list, check_json(l, c, &f));
	}
	enum check_state state = CHECK_KEPT;
	if (counts[CHECK_BROKEN])
		state = CHECK_BROKEN;
	else if (counts[CHECK_ABSENT] == total)
		state = CHECK_ABSENT;
	else if (counts[CHECK_UNKNOWN] || counts[CHECK_ABSENT] || touches_dark(id))
		state = CHECK_UNKNOWN;
	return json_pack("{s:s, s:O, s:s, s:s, s:o}", "id", id, "title",
	                 json_array_get(json_object_get(group, "title"), (size_t)language), "kind", kind_names[kind], "state",
	                 state_names[state], "checks", list);
}

json_t *
assure_board(struct look *l, const char *only, enum language language)
{
	json_t *catalogue = catalogue_load(), *list = json_array(), *group;
	size_t i;
	json_array_foreach(json_object_get(catalogue, "groups"), i, group)
		if (!only || strcmp(only, json_string_value(json_object_get(group, "id"))) == 0)
			json_array_append_new(list, group_json(l, group, language));
	json_decref(catalogue);
	return list;
}

static json_t *
words_json(const char *words)
{
	json_t *list = json_array();
	for (size_t n = 0; *words; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		json_array_append_new(list, json_stringn(words, n));
	}
	return list;
}

json_t *
assure_coverage(void)
{
	json_t *list = json_array();
	for (const struct path *p = assure_paths; p->id; p++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "id", p->id, "kind", p->kind, "state", path_names[p->state],
		                                      "measures", words_json(p->measures)));
	return list;
}
