#include "assure/assure.h"

#include <string.h>

static const struct group {
	const char *id;
	const char *title[LANGUAGES];
} groups[] = {
	{ "E1", { "Policies and personnel", "ポリシーと要員" } },
	{ "E2", { "Encryption in transit and at rest", "通信と保管の暗号化" } },
	{ "E3", { "Audits and certifications", "監査と認証" } },
	{ "E4", { "Incident response", "インシデント対応" } },
	{ "E5", { "Access control", "アクセス制御" } },
	{ "E6", { "Network", "ネットワーク" } },
	{ "E7", { "Data centre", "データセンター" } },
	{ "P0", { "Review of providers", "提供者の審査" } },
	{ "P1", { "Providers: physical access", "提供者: 物理的アクセス" } },
	{ "P2", { "Providers: system access", "提供者: システムへのアクセス" } },
	{ "P3", { "Providers: data access", "提供者: データへのアクセス" } },
	{ "P4", { "Providers: transmission", "提供者: 送信" } },
	{ "P5", { "Providers: input", "提供者: 入力" } },
	{ "P6", { "Providers: data protection", "提供者: データの保護" } },
	{ "P7", { "Providers: logical separation", "提供者: 論理的分離" } },
	{ "W", { "The promise as a whole", "約束の全体" } },
};

static const char *const state_names[] = { "kept", "broken", "unknown", "absent" };
static const char *const kind_names[] = { "enforced", "watched", "recorded" };
static const char *const path_names[] = { "enforced", "watched", "dark", "excluded" };

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
touches_dark(const struct path *paths, const char *group)
{
	for (; paths->id; paths++)
		if (paths->state == PATH_DARK && lists(paths->measures, group))
			return true;
	return false;
}

/* A check that cannot run is unknown, never kept. */
static struct finding
run(const struct check *c, void *context)
{
	struct finding f = { .state = CHECK_ABSENT };
	if (!c->run)
		return f;
	f.state = CHECK_UNKNOWN;
	err_t e = c->run(context, &f);
	if (e) {
		f.state = CHECK_UNKNOWN;
		strncpy(f.value, e->name, sizeof f.value - 1);
	}
	return f;
}

static json_t *
check_json(const struct check *c, const struct finding *f)
{
	const char *dot = strchr(c->id, '.'), *second = dot ? strchr(dot + 1, '.') : NULL;
	json_t *j = json_pack("{s:s, s:s%, s:s, s:s, s:I, s:s, s:s, s:s, s:n, s:[]}", "id", c->id, "duty", c->id,
	                      second ? (size_t)(second - c->id) : strlen(c->id), "kind", kind_names[c->kind], "grade",
	                      c->attested ? "attested" : "measured", "cadence", (json_int_t)c->cadence, "state",
	                      state_names[f->state], "value", f->value, "threshold", c->threshold, "since", "evidence");
	if (c->issue)
		json_object_set_new(j, "issue", json_integer(c->issue));
	return j;
}

static json_t *
group_json(const struct group *g, const struct check *checks, const struct path *paths, void *context, enum language language)
{
	size_t counts[4] = { 0 }, total = 0;
	enum check_kind kind = KIND_RECORDED;
	json_t *list = json_array();
	for (const struct check *c = checks; c->id; c++) {
		if (!belongs(c->id, g->id))
			continue;
		struct finding f = run(c, context);
		counts[f.state]++;
		total++;
		kind = c->kind < kind ? c->kind : kind;
		json_array_append_new(list, check_json(c, &f));
	}
	enum check_state state = CHECK_KEPT;
	if (counts[CHECK_BROKEN])
		state = CHECK_BROKEN;
	else if (counts[CHECK_ABSENT] == total)
		state = CHECK_ABSENT;
	else if (counts[CHECK_UNKNOWN] || counts[CHECK_ABSENT] || touches_dark(paths, g->id))
		state = CHECK_UNKNOWN;
	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", g->id, "title", g->title[language], "kind", kind_names[kind], "state",
	                 state_names[state], "checks", list);
}

json_t *
assure_board(const struct check *checks, const struct path *paths, void *context, const char *only, enum language language)
{
	json_t *board = json_array();
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (!only || strcmp(only, groups[i].id) == 0)
			json_array_append_new(board, group_json(&groups[i], checks, paths, context, language));
	return board;
}

static json_t *
words_of(const char *text)
{
	json_t *words = json_array();
	while (*text) {
		size_t n = strcspn(text, " ");
		json_array_append_new(words, json_stringn(text, n));
		text += n;
		text += strspn(text, " ");
	}
	return words;
}

json_t *
assure_coverage(const struct path *paths)
{
	json_t *list = json_array();
	for (; paths->id; paths++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "id", paths->id, "kind", paths->kind, "state",
		                                      path_names[paths->state], "measures", words_of(paths->measures)));
	return list;
}
