/* ask.h - shared by the tests: one condition, asked of a small world. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cedar/cedar.h"

static inline struct cedar_text
text_of(const char *string)
{
	return (struct cedar_text){ string, strlen(string) };
}

static inline struct cedar_uid_text
uid_of(const char *type, const char *id)
{
	return (struct cedar_uid_text){ text_of(type), text_of(id) };
}

/* User::"alice" in Group::"staff" in Group::"all"; Doc::"plan" with tags; no Doc::"gone". */
static inline void
world_make(struct cedar_builder *builder)
{
	struct cedar_entity *entity = cedar_entity_add(builder, "User", "alice");
	struct cedar_value *labels[] = { cedar_value_string(builder, "a"), cedar_value_string(builder, "b") };
	struct cedar_value *address = cedar_value_record(builder);

	cedar_record_put(builder, address, "city", cedar_value_string(builder, "Kyoto"));
	cedar_entity_attribute(builder, entity, "level", cedar_value_long(builder, 3));
	cedar_entity_attribute(builder, entity, "name", cedar_value_string(builder, "alice"));
	cedar_entity_attribute(builder, entity, "address", address);
	cedar_entity_attribute(builder, entity, "labels", cedar_value_set(builder, labels, 2));
	cedar_entity_attribute(builder, entity, "boss", cedar_value_entity(builder, "User", "gone"));
	cedar_entity_attribute(builder, entity, "address book", cedar_value_long(builder, 1));
	cedar_entity_parent(builder, entity, "Group", "staff");
	entity = cedar_entity_add(builder, "Group", "staff");
	cedar_entity_parent(builder, entity, "Group", "all");
	entity = cedar_entity_add(builder, "Doc", "plan");
	cedar_entity_tag(builder, entity, "team", cedar_value_string(builder, "red"));
}

/* "true", "false", "error", or "refused" where it does not parse. */
static inline const char *
ask(const char *condition)
{
	static char text[1 << 16];
	struct cedar_builder *builder = cedar_builder_new(NULL);
	struct cedar_scratch *scratch = cedar_scratch_new(NULL);
	struct cedar_policies *policies = NULL;
	struct cedar_fault fault = { 0 };
	struct cedar_response response;
	const char *answer = "refused";

	snprintf(text, sizeof text, "permit(principal, action, resource) when { %s };", condition);
	world_make(builder);
	if (cedar_policies_parse(NULL, text_of(text), &policies, &fault)) {
		struct cedar_value *context = cedar_value_record(builder);
		struct cedar_request request = { uid_of("User", "alice"), uid_of("Action", "view"),
			                         uid_of("Doc", "plan"), context };

		cedar_record_put(builder, context, "n", cedar_value_long(builder, 7));
		assert_true(cedar_authorize(policies, NULL, builder, &request, scratch, &response));
		answer = response.error_count ? "error" : response.allow ? "true" : "false";
	}
	cedar_policies_free(policies);
	cedar_builder_free(builder);
	cedar_scratch_free(scratch);
	return answer;
}
