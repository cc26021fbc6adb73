/* What the board found over a time: a page for people, with a plot of each check, and OSCAL assessment results for programs. */
#include "assure/report.h"

#include "assure/catalogue.h"
#include "assure/inside.h"
#include "base/text.h"

enum { WIDTH = 720, HEIGHT = 14 };

struct report {
	struct look *look;
	enum language language;
	int64_t from, to;
	char *text;
	json_t *findings, *observations;
};

static const char *
say(const struct report *r, const char *english, const char *japanese)
{
	return r->language == JAPANESE ? japanese : english;
}

static void
add(struct report *r, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	r->text = talloc_vasprintf_append_buffer(r->text, format, arguments);
	va_end(arguments);
}

/* Nothing that was typed becomes markup. */
static void
add_escaped(struct report *r, const char *text)
{
	for (const char *c = text; c && *c; c++)
		switch (*c) {
		case '<': add(r, "&lt;"); break;
		case '>': add(r, "&gt;"); break;
		case '&': add(r, "&amp;"); break;
		case '"': add(r, "&quot;"); break;
		default: add(r, "%c", *c);
		}
}

static const char *
colour_of(struct slice state)
{
	return slice_is(state, "kept") ? "#2e7d32" : slice_is(state, "broken") ? "#c62828" : "#9e9e9e";
}

static double
place_of(const struct report *r, int64_t time)
{
	return (double)(time - r->from) * WIDTH / (double)(r->to - r->from);
}

static err_t
add_bar(void *argument, const struct check_past *c)
{
	struct report *r = argument;
	int64_t since = c->since < r->from ? r->from : c->since, until = !c->until || c->until > r->to ? r->to : c->until;
	char text[TIME_TEXT];
	text_time(c->since, text);
	add(r, "<rect x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"%d\" fill=\"%s\"><title>%.*s, %s: ", place_of(r, since),
	    place_of(r, until) - place_of(r, since) + 0.5, HEIGHT, colour_of(c->state), SLICE_ARGUMENTS(c->state), text);
	SCOPED char *value = memory_text(NULL, c->value);
	add_escaped(r, value);
	add(r, "</title></rect>");
	return NULL;
}

static fallible
add_check(struct report *r, json_t *check)
{
	const char *id = json_string_value(json_object_get(check, "id")), *state = json_string_value(json_object_get(check, "state"));
	add(r, "<tr><td>%s</td><td>%s</td><td style=\"color:%s\">%s</td><td>", id, json_string_value(json_object_get(check, "grade")),
	    colour_of(slice_text(state)), state);
	add_escaped(r, json_string_value(json_object_get(check, "value")));
	add(r, "</td><td>");
	add_escaped(r, json_string_value(json_object_get(check, "threshold")));
	add(r, "</td></tr><tr><td></td><td colspan=\"4\"><svg width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"%s\">"
	       "<rect width=\"%d\" height=\"%d\" fill=\"#eeeeee\"/>", WIDTH, HEIGHT, id, WIDTH, HEIGHT);
	TRY(check_each_past(r->look->view, slice_text(id), r->from, r->to, add_bar, r));
	add(r, "</svg></td></tr>\n");
	return NULL;
}

static fallible
add_group(struct report *r, json_t *group)
{
	size_t i;
	json_t *check;
	const char *state = json_string_value(json_object_get(group, "state"));
	add(r, "<h2>%s ", json_string_value(json_object_get(group, "id")));
	add_escaped(r, json_string_value(json_object_get(group, "title")));
	add(r, " <span style=\"color:%s\">%s</span></h2>\n<table><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th><th>%s</th></tr>\n", colour_of(slice_text(state)),
	    state, say(r, "check", "検査項目"), say(r, "grade", "区分"), say(r, "state", "状態"), say(r, "found", "検出値"), say(r, "kept if", "基準"));
	json_array_foreach(json_object_get(group, "checks"), i, check)
		TRY(add_check(r, check));
	add(r, "</table>\n");
	return NULL;
}

static void
add_coverage(struct report *r)
{
	size_t i;
	json_t *paths = assure_coverage(), *path;
	add(r, "<h2>%s</h2>\n<ul>\n", say(r, "Paths to service data", "サービスデータへの経路"));
	json_array_foreach(paths, i, path)
		add(r, "<li>%s: <b>%s</b></li>\n", json_string_value(json_object_get(path, "id")), json_string_value(json_object_get(path, "state")));
	add(r, "</ul>\n<p>%s</p>\n", say(r, "What passes on a dark path was not recorded, and keeps the measures that it touches from being kept.",
	                                 "dark の経路を通ったものは記録されず、関係する対策は「維持」になりません。"));
	json_decref(paths);
}

fallible
assure_report_html(struct look *l, int64_t from, int64_t to, enum language language, char **out)
{
	struct report r = { .look = l, .language = language, .from = from, .to = to, .text = memory_text(l->owner, LITERAL("")) };
	char since[TIME_TEXT], until[TIME_TEXT], now[TIME_TEXT];
	json_t *board = assure_board(l, NULL, language), *group;
	size_t i;
	err_t e = NULL;
	text_time(from, since);
	text_time(to, until);
	text_time(l->now, now);
	add(&r, "<!doctype html>\n<html lang=\"%s\"><meta charset=\"utf-8\"><title>%s</title>\n"
	        "<style>body{font:14px sans-serif;max-width:60em;margin:2em auto}td,th{text-align:left;padding:.2em .8em;vertical-align:top}svg{display:block}</style>\n"
	        "<h1>%s</h1>\n<p>%s – %s<br>%s %s</p>\n", language == JAPANESE ? "ja" : "en", say(&r, "Measures", "対策の報告"),
	    say(&r, "Measures of the promise", "約束の対策"), since, until, say(&r, "states as of", "状態の時点:"), now);
	add_coverage(&r);
	json_array_foreach(board, i, group)
		if (!e)
			e = add_group(&r, group);
	add(&r, "</html>\n");
	json_decref(board);
	*out = r.text;
	return e;
}

/* ---- OSCAL assessment results ---- */

static void
add_observation(struct report *r, json_t *check, const char *now)
{
	const char *id = json_string_value(json_object_get(check, "id")), *state = json_string_value(json_object_get(check, "state"));
	char uuid[37], finding[37], token[32];
	SCOPED char *name = memory_format(NULL, "%s %s", id, now), *other = memory_format(name, "finding %s %s", id, now);
	oscal_uuid(name, uuid);
	oscal_uuid(other, finding);
	oscal_token(json_string_value(json_object_get(check, "duty")), token, sizeof token);
	const char *value = json_string_value(json_object_get(check, "value"));
	json_array_append_new(r->observations, json_pack("{s:s, s:s, s:s, s:[s], s:s}", "uuid", uuid, "title", id, "description",
	                                                 value && value[0] ? value : state, "methods", strcmp(json_string_value(json_object_get(check, "grade")),
	                                                 "attested") == 0 ? "EXAMINE" : "TEST", "collected", now));
	json_array_append_new(r->findings, json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:{s:s, s:s}}, s:[{s:s}]}", "uuid", finding, "title", id, "description", state,
	                                             "target", "type", "objective-id", "target-id", token, "status", "state",
	                                             strcmp(state, "kept") == 0 ? "satisfied" : "not-satisfied", "reason",
	                                             strcmp(state, "broken") == 0 ? "fail" : strcmp(state, "kept") == 0 ? "pass" : "other",
	                                             "related-observations", "observation-uuid", uuid));
}

json_t *
assure_report_oscal(struct look *l, int64_t from, int64_t to)
{
	struct report r = { .look = l, .findings = json_array(), .observations = json_array() };
	char since[TIME_TEXT], until[TIME_TEXT], now[TIME_TEXT], uuid[37], result[37];
	json_t *board = assure_board(l, NULL, ENGLISH), *group, *check;
	size_t i, k;
	text_time(from, since);
	text_time(to, until);
	text_time(l->now, now);
	SCOPED char *name = memory_format(NULL, "results %s %s %s", since, until, now), *inner = memory_format(name, "result %s", name);
	oscal_uuid(name, uuid);
	oscal_uuid(inner, result);
	json_array_foreach(board, i, group)
		json_array_foreach(json_object_get(group, "checks"), k, check)
			add_observation(&r, check, now);
	json_decref(board);
	return json_pack("{s:{s:s, s:{s:s, s:s, s:s, s:s}, s:{s:s}, s:[{s:s, s:s, s:s, s:s, s:s, s:{s:[{s:{}}]}, s:o, s:o}]}}", "assessment-results", "uuid", uuid,
	                 "metadata", "title", "Sekisho: what the checks found", "last-modified", now, "version", "1", "oscal-version", "1.2.1", "import-ap", "href",
	                 "#", "results", "uuid", result, "title", "The board", "description", "Each check of the catalogue, as it ran", "start", since, "end", until,
	                 "reviewed-controls", "control-selections", "include-all", "observations", r.observations, "findings", r.findings);
}
