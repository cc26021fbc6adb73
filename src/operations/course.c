/* Courses (E1.5): given to roles, taken by answering; who is overdue reaches no service data (limits.cedar), and who passes does
 * again at once. What decides is the fact `training`, the time until which a person counts as trained. */
#include "operations/registers.h"

enum { ID, TITLE, ROLE };
enum { DUE, VALID, PASS };
enum { QUESTIONS, ANSWERS };
enum { QUESTIONS_MOST = 200, PEOPLE_MOST = 100000 };

/* ---- add ---- */

static fallible
check_question(struct passage *p, size_t i, const json_t *q)
{
	const json_t *choices = json_object_get(q, "choices");
	struct slice id = body_text(q, "id");
	if (!text_is_name(id) || !body_text(q, "text").size)
		return passage_fail(p, E_ARGUMENT, "questions: number %zu: expected id (a-z, 0-9, -) and text", i + 1);
	if (!json_is_array(choices) || json_array_size(choices) < 2)
		return passage_fail(p, E_ARGUMENT, "questions: %.*s: expected at least two choices", SLICE_ARGUMENTS(id));
	int64_t answer = body_number(q, "answer");
	if (answer < 1 || (size_t)answer > json_array_size(choices))
		return passage_fail(p, E_ARGUMENT, "questions: %.*s: answer: expected the number of a choice, from 1", SLICE_ARGUMENTS(id));
	return NULL;
}

static err_t
course_add_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	size_t i;
	json_t *q;
	if (!json_is_array(a->json[QUESTIONS]) || json_array_size(a->json[QUESTIONS]) == 0 || json_array_size(a->json[QUESTIONS]) > QUESTIONS_MOST)
		return passage_fail(p, E_ARGUMENT, "questions: expected 1 to %d", QUESTIONS_MOST);
	json_array_foreach(a->json[QUESTIONS], i, q)
		TRY(check_question(p, i, q));
	if (a->number[PASS] < 1 || (size_t)a->number[PASS] > json_array_size(a->json[QUESTIONS]))
		return passage_fail(p, E_ARGUMENT, "pass: expected 1 to %zu, as many right answers", json_array_size(a->json[QUESTIONS]));
	json_t *body = register_body(p, "id valid pass");
	json_object_set_new(body, "valid", json_integer(a->number[VALID]));
	json_object_set_new(body, "pass", json_integer(a->number[PASS]));
	return register_prepare(p, &(struct register_put){ .kind = "course", .id = a->text[ID], .body = body });
}

static const struct field course_add_fields[] = {
	{ "id", PLACE_BODY, FIELD_NAME, true, TEXT_AT(ID), 0, "its name" },
	{ "title", PLACE_BODY, FIELD_TEXT, true, TEXT_AT(TITLE), 128, "for people" },
	{ "valid", PLACE_BODY, FIELD_DURATION, true, NUMBER_AT(VALID), 0, "for how long who passes counts as trained, as in 365d" },
	{ "pass", PLACE_BODY, FIELD_NUMBER, true, NUMBER_AT(PASS), QUESTIONS_MOST, "right answers that pass" },
	{ "questions", PLACE_BODY, FIELD_JSON, true, JSON_AT(QUESTIONS), 0, "an array of {id, text, choices, answer}" },
	{ NULL },
};

const struct operation programme_course_add_operation = {
	.name = "programme.course.add",
	.says = { "Adds a course with its quiz, or a version of it", "確認テスト付きの研修を登録する" },
	.route = { POST, "/v1/programme/courses" },
	.cli = "programme course add {@}",
	.action = "programme.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = course_add_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = course_add_prepare,
	.apply = register_apply,
};

static err_t
course_list_prepare(struct passage *p)
{
	return register_list(p, "course", (struct slice){ NULL, 0 }, "questions");
}

const struct operation programme_course_list_operation = {
	.name = "programme.course.list",
	.says = { "Lists the courses", "研修を一覧する" },
	.route = { GET, "/v1/programme/courses" },
	.cli = "programme course ls",
	.action = "programme.take",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.output = SCHEMA_LIST,
	.prepare = course_list_prepare,
};

/* The questions without their answers. */
static err_t
course_show_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered r;
	size_t i;
	json_t *q;
	TRY(register_get(p, p->view, "course", a->text[ID], &r));
	json_t *j = json_deep_copy(r.body);
	json_object_set_new(j, "id", json_slice(r.id));
	json_array_foreach(json_object_get(j, "questions"), i, q)
		json_object_del(q, "answer");
	return passage_answer(p, j);
}

static const struct field course_id_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "which course" }, { NULL },
};

const struct operation programme_course_show_operation = {
	.name = "programme.course.show",
	.says = { "Shows a course and its questions", "研修と設問を表示する" },
	.route = { GET, "/v1/programme/courses/{id}" },
	.cli = "programme course show {id}",
	.action = "programme.take",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = course_id_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_ID,
	.prepare = course_show_prepare,
};

/* ---- assign: whoever of the role has not passed it by then is overdue ---- */

struct assigning {
	struct passage *passage;
	struct slice role;
	char due[TIME_TEXT];
	size_t count;
	struct slice *actors;
	err_t error;
};

static err_t
add_assignee(void *argument, const struct principal_row *r)
{
	struct assigning *a = argument;
	if (!slice_is(r->kind, "personnel") || !slice_is(r->state, "active") || !slice_equal(r->roles, a->role))
		return NULL;
	a->actors = memory_grow(a->passage, a->actors, sizeof *a->actors, a->count + 1);
	a->actors[a->count++] = memory_copy(a->passage, r->actor);
	return NULL;
}

static err_t
course_assign_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered r;
	struct assigning *s = NEW(p, struct assigning);
	TRY(register_get(p, p->view, "course", a->text[ID], &r));
	TRY(register_word(p, "role", a->text[ROLE], "support security engineering administration audit"));
	s->passage = p;
	s->role = a->text[ROLE];
	text_time(a->number[DUE], s->due);
	TRY(principal_each(p->view, LITERAL(""), PEOPLE_MOST, p->now, add_assignee, s));
	json_t *body = json_pack("{s:o, s:o, s:s, s:I}", "course", json_slice(a->text[ID]), "role", json_slice(s->role), "due", s->due, "people",
	                         (json_int_t)s->count);
	struct slice id = slice_text(memory_format(p, "%.*s/%.*s", SLICE_ARGUMENTS(a->text[ID]), SLICE_ARGUMENTS(s->role)));
	return register_prepare(p, &(struct register_put){ .kind = "assignment", .id = id, .parent = a->text[ID], .body = body, .more = s });
}

/* Nobody's time is made longer by being told to learn. */
static err_t
course_assign_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct assigning *s = register_more(p);
	TRY(register_apply(p, tx, time));
	for (size_t i = 0; i < s->count; i++) {
		struct slice until;
		TRY(fact_get(p, tx, s->actors[i], "training", time, &until));
		if (!until.size || strcmp((const char *)until.data, s->due) > 0)
			TRY(fact_set_apply(tx, s->actors[i], "training", slice_text(s->due), time));
	}
	return NULL;
}

static const struct field course_assign_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "which course" },
	{ "role", PLACE_BODY, FIELD_NAME, true, TEXT_AT(ROLE), 0, "whose" },
	{ "due", PLACE_BODY, FIELD_TIME, true, NUMBER_AT(DUE), 0, "passed by then" },
	{ NULL },
};

const struct operation programme_course_assign_operation = {
	.name = "programme.course.assign",
	.says = { "Gives a course to all of a role, to be passed by a time", "役割の全員に期限付きで研修を割り当てる" },
	.route = { POST, "/v1/programme/courses/{id}/assign" },
	.cli = "programme course assign {id}",
	.action = "programme.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = course_assign_fields,
	.args_size = sizeof(struct register_arguments),
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = course_assign_prepare,
	.apply = course_assign_apply,
};

/* ---- take ---- */

struct taking {
	char until[TIME_TEXT];
	bool passed;
};

static size_t
count_right(const json_t *questions, const json_t *answers)
{
	size_t i, right = 0;
	json_t *q;
	json_array_foreach(questions, i, q) {
		SCOPED char *id = memory_text(NULL, body_text(q, "id"));
		right += body_number(answers, id) == body_number(q, "answer");
	}
	return right;
}

static err_t
course_take_prepare(struct passage *p)
{
	const struct register_arguments *a = p->args;
	struct registered r;
	struct taking *t = NEW(p, struct taking);
	TRY(register_get(p, p->view, "course", a->text[ID], &r));
	if (p->principal->kind != KIND_PERSONNEL)
		return passage_fail(p, E_STATE, "courses are for the vendor's personnel");
	if (!json_is_object(a->json[ANSWERS]))
		return passage_fail(p, E_ARGUMENT, "answers: expected {\"QUESTION\": CHOICE, …}, choices by number from 1");
	const json_t *questions = json_object_get(r.body, "questions");
	size_t right = count_right(questions, a->json[ANSWERS]);
	int64_t pass = body_number(r.body, "pass"), until = p->now + body_number(r.body, "valid");
	t->passed = (int64_t)right >= pass;
	text_time(until, t->until);
	pairs_number(&p->outcome, "right", (int64_t)right);
	pairs_number(&p->outcome, "passed", t->passed);
	struct slice id = slice_text(memory_format(p, "%.*s/%.*s", SLICE_ARGUMENTS(a->text[ID]), SLICE_ARGUMENTS(p->principal->actor)));
	json_t *body = json_pack("{s:o, s:I, s:I, s:b}", "course", json_slice(a->text[ID]), "right", (json_int_t)right, "of",
	                         (json_int_t)json_array_size(questions), "passed", t->passed);
	TRY(register_prepare(p, &(struct register_put){ .kind = "quiz", .id = id, .parent = a->text[ID], .body = body, .more = t }));
	p->changes_epoch = t->passed;
	return passage_answer(p, json_pack("{s:o, s:b, s:I, s:I, s:I}", "id", json_slice(a->text[ID]), "passed", t->passed, "right", (json_int_t)right,
	                                   "of", (json_int_t)json_array_size(questions), "needed", (json_int_t)pass));
}

static err_t
course_take_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct taking *t = register_more(p);
	TRY(register_apply(p, tx, time));
	return t->passed ? fact_set_apply(tx, p->principal->actor, "training", slice_text(t->until), time) : NULL;
}

static const struct field course_take_fields[] = {
	{ "id", PLACE_PATH, FIELD_NAME, true, TEXT_AT(ID), 0, "which course" },
	{ "answers", PLACE_BODY, FIELD_JSON, true, JSON_AT(ANSWERS), 0, "{QUESTION: CHOICE, …}, or a file of it" },
	{ NULL },
};

const struct operation programme_course_take_operation = {
	.name = "programme.course.take",
	.says = { "Answers a course's quiz; who passes is trained from that moment", "確認テストに回答する（合格した時点で受講済みとなる）" },
	.route = { POST, "/v1/programme/courses/{id}/take" },
	.cli = "programme course take {id}",
	.action = "programme.take",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = course_take_fields,
	.args_size = sizeof(struct register_arguments),
	.output = SCHEMA_OBJECT,
	.prepare = course_take_prepare,
	.apply = course_take_apply,
};
