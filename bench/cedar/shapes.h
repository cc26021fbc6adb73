/* shapes.h - ordinary policies of many shapes, for measuring: bench/cedar/memory.c prints, test/cedar/size.c holds to the limit. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cedar/cedar.h"

/* Each # is the number of the policy. */
static const struct {
	const char *name, *text;
} shapes[] = {
	{ "three ==", "permit(principal == User::\"u#\", action == Action::\"view\", resource == Doc::\"d#\");\n" },
	{ "in, list of actions",
	  "permit(principal in Group::\"g#\", action in [Action::\"view\", Action::\"edit\"], resource);\n" },
	{ "in, when", "permit(principal, action == Action::\"edit\", resource in Folder::\"f#\") when { "
	              "principal.level >= 3 };\n" },
	{ "is in, two conjuncts", "permit(principal is User in Group::\"g#\", action, resource) when { context.mfa && "
	                          "resource.owner == principal };\n" },
	{ "ip",
	  "forbid(principal == User::\"u#\", action, resource) when { context.ip.isInRange(ip(\"10.1.0.0/16\")) };\n" },
	{ "two in, unless", "permit(principal in Group::\"g#\", action, resource in Folder::\"f#\") unless { "
	                    "resource.labels.contains(\"secret\") };\n" },
	{ "like", "permit(principal, action == Action::\"view\", resource == Doc::\"d#\") when { resource.name like "
	          "\"report-*\" };\n" },
	{ "has", "permit(principal == User::\"u#\", action, resource) when { principal has manager && "
	         "principal.manager.level > 4 };\n" },
	{ "datetime", "forbid(principal, action == Action::\"edit\", resource in Folder::\"f#\") when { context.at > "
	              "datetime(\"2030-01-01\") };\n" },
	{ "if, set", "permit(principal == User::\"u#\", action, resource) when { if context.mfa then [\"a\", "
	             "\"b\"].containsAny(resource.labels) "
	             "else false };\n" },
	{ "two in, two conditions", "permit(principal in Group::\"team-#\", action, resource in Folder::\"folder-#\")\n"
	                            "when { principal.level >= 3 && context.mfa == true }\nunless { resource.owner == "
	                            "principal || resource.archived };\n" },
	{ "annotated, two in, two conditions",
	  "@id(\"policy-#\")\n@advice(\"ask the owner\")\npermit (\n  principal in Group::\"team-#\",\n  action in "
	  "[Action::\"view\", "
	  "Action::\"edit\"],\n  resource in Folder::\"folder-#\"\n)\nwhen { principal.level > # && context.mfa }\n"
	  "unless { resource.owner == principal };\n" },
	{ "two in, path and set", "permit(principal in Org::\"org#\", action in Action::\"readers\", resource in "
	                          "Project::\"project#\") when { principal.department "
	                          "== resource.department && context.purpose == \"support\" } unless { "
	                          "resource.labels.containsAny([\"secret\", \"sealed\"]) };\n" },
	{ "annotated, lists, range", "@id(\"policy number #\") permit(principal in Group::\"g#\", action in "
	                             "[Action::\"read\", Action::\"write\"], resource in "
	                             "Folder::\"f#\") when { context.mfa && principal.level > 3 && resource.owner == "
	                             "principal } unless { principal.suspended || "
	                             "context.ip.isInRange(ip(\"10.#.0.0/16\")) };\n" },
	{ "is in twice, two sets, datetime",
	  "permit(principal is User in Group::\"g#\", action in [Action::\"a\", Action::\"b\", Action::\"c\", "
	  "Action::\"d\", Action::\"e\"], "
	  "resource is Doc in Folder::\"f#\") when { [\"alpha#\", \"beta#\", \"gamma\", \"delta\", "
	  "\"eps\"].contains(context.purpose) && "
	  "context.now > datetime(\"2024-01-01\") && resource.tags.containsAny([\"x\", \"y#\"]) };\n" },
	{ "conditions alone", "forbid(principal, action, resource) when { principal.dept == \"dept#\" && "
	                      "(resource.label == \"l#\" || resource.label like "
	                      "\"*x#*\") && !(context has override && context.override == \"o#\") };\n" },
	{ "ten actions", "permit(principal in Group::\"g#\", action in [Action::\"a0\", Action::\"a1\", "
	                 "Action::\"a2\", Action::\"a3\", "
	                 "Action::\"a4\", Action::\"a5\", Action::\"a6\", Action::\"a7\", Action::\"a8\", "
	                 "Action::\"a9\"], resource);\n" },
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

/* To be freed. */
static inline char *
shape_text(const char *shape, size_t count, size_t *size)
{
	size_t room = (strlen(shape) + 32) * count + 1, i;
	char *text = malloc(room), *at = text;

	for (i = 0; text != NULL && i < count; i++) {
		const char *from;

		for (from = shape; *from != '\0'; from++) {
			if (*from == '#')
				at += sprintf(at, "%zu", i);
			else
				*at++ = *from;
		}
	}
	if (text != NULL)
		*size = (size_t)(at - text);
	return text;
}

/* An allocator that counts, in the size_t of its context, what is held. */
static inline void *
counting_alloc(void *context, size_t size)
{
	size_t *block = malloc(size + 16);

	if (block == NULL)
		return NULL;
	*block = size;
	*(size_t *)context += size;
	return (char *)block + 16;
}

static inline void
counting_free(void *context, void *block)
{
	if (block == NULL)
		return;
	block = (char *)block - 16;
	*(size_t *)context -= *(size_t *)block;
	free(block);
}

/* Bytes held for each of `count` policies of one shape, as the allocator counted them; 0 on failure, and where the set gives
 * another figure. */
static inline size_t
shape_bytes(size_t shape, size_t count)
{
	size_t size = 0, bytes = 0, held = 0;
	const struct cedar_memory memory = { counting_alloc, counting_free, &held };
	struct cedar_policies *policies = NULL;
	char *text = shape_text(shapes[shape].text, count, &size);

	if (text != NULL && cedar_policies_parse(&memory, (struct cedar_text){ text, size }, &policies, NULL) &&
	    held == cedar_policies_memory(policies))
		bytes = (held + count - 1) / count;
	cedar_policies_free(policies);
	free(text);
	return held == 0 ? bytes : 0;
}
