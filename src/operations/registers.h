/* registers.h - private: rows whose thing is a version of a register (assure/register.h), which are many and alike. */
#pragma once
#include "assure/register.h"
#include "operations/help.h"
#include "operations/operations.h"

enum { REGISTER_TEXTS = 12, REGISTER_NUMBERS = 6, REGISTER_FLAGS = 3, REGISTER_JSONS = 3 };

/* Arguments of all of them, by place: each file names its places in an enum. */
struct register_arguments {
	struct slice text[REGISTER_TEXTS];
	int64_t number[REGISTER_NUMBERS];
	bool flag[REGISTER_FLAGS];
	json_t *json[REGISTER_JSONS];
};

#define TEXT_AT(place) (offsetof(struct register_arguments, text) + (place) * sizeof(struct slice))
#define NUMBER_AT(place) (offsetof(struct register_arguments, number) + (place) * sizeof(int64_t))
#define FLAG_AT(place) (offsetof(struct register_arguments, flag) + (place) * sizeof(bool))
#define JSON_AT(place) (offsetof(struct register_arguments, json) + (place) * sizeof(json_t *))

/* What goes into the register with the passage; p->change is it. */
struct register_put {
	const char *kind;
	struct slice id, parent;
	int64_t due;                    /* 0: never */
	json_t *body;                   /* its reference is taken */
	void *more;                     /* the operation's own, for its apply */
};

/* Sets change, outcome and the answer `{"id"}`. Fails with E_TOO_LARGE. */
fallible register_prepare(struct passage *, const struct register_put *);
/* The apply of such a passage; or a part of one. */
err_t register_apply(struct passage *, struct store *tx, int64_t time);
void *register_more(struct passage *);

/* The passage's own fields as a body, without those of this list of names joined by spaces. A new reference. */
json_t *register_body(struct passage *, const char *without);
/* Answers with all of a kind: the bodies without `hidden`, with id, since, due and by. */
err_t register_list(struct passage *, const char *kind, struct slice parent, const char *hidden);

/* Who is behind the id, personnel or not; fails with E_ARGUMENT, and says which field, where there is nobody active. */
fallible register_person(struct passage *, const char *field, struct slice id, struct principal **out);
/* One of the words, joined by spaces. */
fallible register_word(struct passage *, const char *field, struct slice value, const char *words);
