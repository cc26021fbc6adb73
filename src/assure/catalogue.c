/* The measures and their duties as data: catalogue/measures.json, put into the program by the build. */
#include "assure/catalogue.h"

#include "base/embedded.h"

#include <string.h>

extern const struct embedded catalogue_files[];

json_t *
catalogue_load(void)
{
	return json_loadb(catalogue_files[0].text, catalogue_files[0].size, 0, NULL);
}

json_t *
catalogue_find(json_t *catalogue, const char *id)
{
	size_t i, k;
	json_t *group, *duty;
	json_array_foreach(json_object_get(catalogue, "groups"), i, group) {
		if (strcmp(json_string_value(json_object_get(group, "id")), id) == 0)
			return group;
		json_array_foreach(json_object_get(group, "duties"), k, duty)
			if (strcmp(json_string_value(json_object_get(duty, "id")), id) == 0)
				return duty;
	}
	return NULL;
}
