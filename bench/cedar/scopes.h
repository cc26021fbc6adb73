/* scopes.h - sets of policies in which few match by scope, in many shapes, for measuring: bench/cedar/scope.c prints what a
 * decision takes, test/cedar/index.c holds to it. Every part of a scope is common in some shape and rare in another. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cedar/cedar.h"

/* # is the number of the policy; % and ^ are its last two digits and those before; $ and & and * are it in base 22. */
static const struct {
	const char *name, *text;
} scopes[] = {
	{ "distinct principal, hot resource", "permit(principal == User::\"#\", action, resource == Doc::\"hot\");" },
	{ "distinct principal, resource in root",
	  "permit(principal == User::\"#\", action == Action::\"0\", resource in Folder::\"root\");" },
	{ "distinct group, resource in root",
	  "permit(principal in Group::\"#\", action in [Action::\"0\"], resource in Folder::\"root\");" },
	{ "distinct action, hot resource", "permit(principal, action == Action::\"#\", resource == Doc::\"hot\");" },
	{ "distinct action, principal in all",
	  "permit(principal in Group::\"all\", action == Action::\"#\", resource);" },
	{ "distinct type, hot resource", "permit(principal is User#, action, resource == Doc::\"hot\");" },
	{ "distinct type", "permit(principal is User#, action, resource);" },
	{ "distinct type of resource, principal in all",
	  "permit(principal in Group::\"all\", action, resource is Doc#);" },
	{ "distinct type of resource, action in rw", "permit(principal, action in Action::\"rw\", resource is Doc#);" },
	{ "distinct type of resource in root", "permit(principal, action, resource is Doc# in Folder::\"root\");" },
	{ "distinct resource, principal in all",
	  "permit(principal in Group::\"all\", action, resource == Doc::\"#\");" },
	{ "ten distinct actions",
	  "permit(principal is User, action in [Action::\"#0\", Action::\"#1\", Action::\"#2\", Action::\"#3\", "
	  "Action::\"#4\", "
	  "Action::\"#5\", Action::\"#6\", Action::\"#7\", Action::\"#8\", Action::\"#9\"], resource is Doc);" },
	{ "pairs of group and action", "permit(principal in Group::\"%\", action == Action::\"^\", resource);" },
	{ "pairs of action and folder", "permit(principal, action == Action::\"%\", resource in Folder::\"^\");" },
	{ "pairs of group and folder", "permit(principal in Group::\"%\", action, resource in Folder::\"^\");" },
	{ "pairs of type and group", "permit(principal is User% in Group::\"^\", action, resource);" },
	{ "triples", "permit(principal in Group::\"$\", action == Action::\"&\", resource in Folder::\"*\");" },
	{ "principal == a group, which none is",
	  "permit(principal == Group::\"all\", action == Action::\"0\", resource) when { context.n == # };" },
	{ "distinct principal in a condition",
	  "permit(principal, action, resource) when { principal == User::\"#\" && context.n == 1 };" },
	{ "distinct folder in a condition", "permit(principal in Group::\"all\", action, resource) when { principal is "
	                                    "User && resource in Folder::\"#\" };" },
	{ "distinct actions in a condition", "permit(principal, action, resource) when { principal != resource && "
	                                     "action in [Action::\"#\", Action::\"#a\"] };" },
};

enum { SCOPES = sizeof scopes / sizeof *scopes };

static inline long
scope_digit(char token, size_t number)
{
	switch (token) {
	case '#':
		return (long)number;
	case '%':
		return (long)(number % 100);
	case '^':
		return (long)(number / 100);
	case '$':
		return (long)(number % 22);
	case '&':
		return (long)(number / 22 % 22);
	case '*':
		return (long)(number / 484);
	default:
		return -1;
	}
}

/* The policies from `first` to below `end`; to be freed. */
static inline char *
scope_text(size_t scope, size_t first, size_t end, size_t *size)
{
	size_t room = (strlen(scopes[scope].text) + 64) * (end - first) + 1, i;
	char *text = malloc(room), *at = text;

	for (i = first; text != NULL && i < end; i++) {
		const char *from;

		for (from = scopes[scope].text; *from != '\0'; from++) {
			if (scope_digit(*from, i) < 0 || (*from == '&' && (from[1] == '&' || from[-1] == '&')))
				*at++ = *from;
			else
				at += sprintf(at, "%ld", scope_digit(*from, i));
		}
	}
	if (text != NULL)
		*size = (size_t)(at - text);
	return text;
}

/* User::"0" in Group::"0" and Group::"all" asks for Action::"0", which is in Action::"rw", on Doc::"hot" or Doc::"0", which are in
 * Folder::"0" and Folder::"root". */
static inline struct cedar_request
scope_request(struct cedar_builder *builder, const char *doc)
{
	struct cedar_value *context = cedar_value_record(builder);
	struct cedar_entity *entity;

	cedar_record_put(builder, context, "n", cedar_value_long(builder, 1));
	entity = cedar_entity_add(builder, "User", "0");
	cedar_entity_parent(builder, entity, "Group", "0");
	cedar_entity_parent(builder, entity, "Group", "all");
	entity = cedar_entity_add(builder, "Action", "0");
	cedar_entity_parent(builder, entity, "Action", "rw");
	entity = cedar_entity_add(builder, "Doc", doc);
	cedar_entity_parent(builder, entity, "Folder", "0");
	cedar_entity_parent(builder, entity, "Folder", "root");
	return (struct cedar_request){ { { "User", 4 }, { "0", 1 } },
		                       { { "Action", 6 }, { "0", 1 } },
		                       { { "Doc", 3 }, { doc, strlen(doc) } },
		                       context };
}

struct scope_answer {
	size_t *reasons, count;
};

/* Which of the policies decide, found out by asking of each alone. False on failure. */
static inline bool
scope_expect(size_t scope, size_t count, const struct cedar_request *request, struct cedar_builder *builder,
             struct cedar_scratch *scratch, struct scope_answer *out)
{
	size_t i, size = 0;

	out->count = 0;
	out->reasons = malloc((count + 1) * sizeof *out->reasons);
	for (i = 0; out->reasons != NULL && i < count; i++) {
		struct cedar_policies *policies = NULL;
		struct cedar_response response;
		char *text = scope_text(scope, i, i + 1, &size);
		bool good = text != NULL &&
		            cedar_policies_parse(NULL, (struct cedar_text){ text, size }, &policies, NULL) &&
		            cedar_authorize(policies, NULL, builder, request, scratch, &response);

		if (good && response.allow)
			out->reasons[out->count++] = i;
		cedar_policies_free(policies);
		free(text);
		if (!good)
			return false;
	}
	return out->reasons != NULL;
}

static inline bool
scope_agrees(const struct scope_answer *expected, const struct cedar_response *response)
{
	return response->error_count == 0 && response->reason_count == expected->count &&
	       (expected->count == 0 ||
	        memcmp(response->reasons, expected->reasons, expected->count * sizeof *expected->reasons) == 0);
}
