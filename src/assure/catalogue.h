/* catalogue.h - private: the catalogue of measures, as it was built in. */
#pragma once
#include "assure/assure.h"

/* A new reference. */
json_t *catalogue_load(void);
/* The group or duty of that id, borrowed; NULL if there is none. */
json_t *catalogue_find(json_t *catalogue, const char *id);

/* oscal.c: names as OSCAL wants them. */
void oscal_uuid(const char *name, char out[37]);
void oscal_token(const char *id, char *out, size_t room);
