/* catalogue.h - private: what the analysis must know of a database besides the text: which names are plain tables.
 *
 * Read through a session's own back end when it begins, and kept by the worker for CATALOGUE_SECONDS. A name that is not
 * here is not known to be plain (a view's functions may do anything), so that what is new is on the safe side.
 */
#pragma once
#include "postgres/postgres.h"
#include "postgres/statement.h"

enum { CATALOGUE_SECONDS = 30, CATALOGUE_NAMES = 50000 };

struct catalogue;

/* Rows of two columns: what (t: a relation of whom all of that name are plain; o: another relation; f: a function that a
 * column's notation may call) and a name. */
extern const char catalogue_query[];

/* A database's place, which stays as long as the book. */
struct catalogue_book;
struct catalogue_place;
struct catalogue_book *catalogue_book_new(const void *owner);
struct catalogue_place *catalogue_place(struct catalogue_book *, const struct database *);
/* NULL: there is none, or it is too old. Good until the next catalogue_keep(). */
const struct catalogue *catalogue_at(const struct catalogue_place *, int64_t now);
/* A new one, to be filled; put in place by catalogue_keep(), or freed. */
struct catalogue *catalogue_new(struct catalogue_place *);
void catalogue_add(struct catalogue *, char what, struct slice name);
void catalogue_keep(struct catalogue_place *, struct catalogue *, int64_t now);

/* May a statement that is pure by its text be taken for a read? */
bool catalogue_is_read(const struct catalogue *, const struct statement *);
