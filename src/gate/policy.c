/* Policy sets: texts, in force from and until. */
#include "gate/inside.h"

#include "base/memory.h"
#include "cedar/cedar.h"
#include "gate/gate_sql.h"

fallible
policy_text(const void *owner, struct store *s, int64_t at, struct slice *text, uint8_t digest[DIGEST_SIZE])
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_POLICY_AT, BIND(as_number(at)), &r));
	if (!rows_next(r)) {
		TRY(rows_end(r));
		return E_NOT_FOUND;
	}
	if (row_bytes(r, 0).size != DIGEST_SIZE)
		return E_STORE;
	memcpy(digest, row_bytes(r, 0).data, DIGEST_SIZE);
	*text = memory_copy(owner, row_text(r, 1));
	return NULL;
}

static fallible
parse(const void *owner, struct slice text, struct cedar_policies **out, const char **why)
{
	struct cedar_fault fault = { 0 };
	if (cedar_policies_parse(NULL, (struct cedar_text){ (const char *)text.data, text.size }, out, &fault))
		return NULL;
	*why = memory_format(owner, "line %u, column %u: %s%s%s", fault.line, fault.column, fault.message,
	                     fault.suggestion[0] ? "; " : "", fault.suggestion);
	return E_POLICY_TEXT;
}

static struct slice
id_of_policy(const struct cedar_policies *set, size_t i)
{
	struct cedar_text id = cedar_policy_annotation(set, i, "id");
	return slice_of(id.data, id.size);
}

static bool
has_id(const struct cedar_policies *set, size_t until, struct slice id)
{
	for (size_t i = 0; i < until; i++)
		if (slice_equal(id_of_policy(set, i), id))
			return true;
	return false;
}

static fallible
check_ids(const void *owner, const struct cedar_policies *set, const char **why)
{
	for (size_t i = 0; i < cedar_policies_count(set); i++) {
		struct slice id = id_of_policy(set, i);
		if (id.size == 0 || id.size > 64)
			*why = memory_format(owner, "policy %zu has no @id(\"…\") of 1 to 64 bytes: entries name policies by it", i + 1);
		else if (has_id(set, i, id))
			*why = memory_format(owner, "@id(\"%.*s\") is there twice", SLICE_ARGUMENTS(id));
		else if (!effects_check(owner, set, i, why))
			continue;
		return E_POLICY_TEXT;
	}
	return NULL;
}

fallible
policy_check(const void *owner, struct slice text, const char **why)
{
	struct cedar_policies *set;
	TRY(parse(owner, text, &set, why));
	err_t e = check_ids(owner, set, why);
	cedar_policies_free(set);
	return e;
}

fallible
policy_one(const void *owner, struct slice set, const char *id, struct slice *text)
{
	struct cedar_policies *all;
	const char *why;
	err_t e = E_NOT_FOUND;
	TRY(parse(owner, set, &all, &why));
	for (size_t i = 0; e && i < cedar_policies_count(all); i++)
		if (slice_is(id_of_policy(all, i), id)) {
			struct cedar_text source = cedar_policy_source(all, i);
			*text = memory_copy(owner, slice_of(source.data, source.size));
			e = NULL;
		}
	cedar_policies_free(all);
	return e;
}

/* The kept ones as they stand, then the new text as a whole. */
fallible
policy_merge(const void *owner, struct slice set, struct slice text, struct slice *out, const char **why)
{
	struct cedar_policies *old, *fresh;
	TRY(policy_check(owner, text, why));
	TRY(parse(owner, text, &fresh, why));
	err_t e = parse(owner, set, &old, why);
	struct slice merged = LITERAL("");
	for (size_t i = 0; !e && i < cedar_policies_count(old); i++) {
		struct cedar_text source = cedar_policy_source(old, i);
		if (!has_id(fresh, cedar_policies_count(fresh), id_of_policy(old, i)))
			merged = slice_text(memory_format(owner, "%.*s%.*s\n\n", SLICE_ARGUMENTS(merged), (int)source.size, source.data));
	}
	if (!e) {
		*out = slice_text(memory_format(owner, "%.*s%.*s", SLICE_ARGUMENTS(merged), SLICE_ARGUMENTS(text)));
		cedar_policies_free(old);
	}
	cedar_policies_free(fresh);
	return e;
}

fallible
policy_put_apply(struct store *tx, struct slice text, struct slice proposed_by, struct slice approved_by, int64_t time)
{
	uint8_t digest[DIGEST_SIZE];
	sha256(text, digest);
	TRY(store_run(tx, QUERY_POLICY_END, BIND(as_number(time))));
	return store_run(tx, QUERY_POLICY_BEGIN,
	                 BIND(as_bytes(slice_of(digest, sizeof digest)), as_text(text), as_number(time), as_text(proposed_by),
	                      as_text(approved_by)));
}
