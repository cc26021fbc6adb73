#include "watch/files.h"
#include "base/memory.h"
#include "watch/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct mapping {
	void *data;
	size_t size;
};

static int
unmap(struct mapping *m)
{
	return munmap(m->data, m->size);
}

/* A pipe or device, to its end. */
static err_t
read_all(void *owner, int fd, struct slice *out)
{
	uint8_t *data = NULL;
	size_t size = 0, room = 0;
	for (;;) {
		if (size == room) {
			if (room >= WATCH_FILE_MAX)
				return E_TOO_LARGE;
			room = room ? 2 * room : 65536;
			data = memory_grow(owner, data, 1, room);
		}
		ssize_t n = read(fd, data + size, room - size);
		if (n < 0 && errno != EINTR)
			return E_IO;
		if (n == 0)
			break;
		size += n > 0 ? (size_t)n : 0;
	}
	*out = slice_of(data, size);
	return NULL;
}

static err_t
map_open(void *owner, int fd, struct slice *out)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode))
		return E_IO;
	if (!S_ISREG(st.st_mode))
		return read_all(owner, fd, out);
	if (st.st_size > WATCH_FILE_MAX)
		return E_TOO_LARGE;
	*out = LITERAL("");
	if (st.st_size == 0)
		return NULL;
	void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return E_IO;
	struct mapping *m = NEW(owner, struct mapping);
	*m = (struct mapping){ data, (size_t)st.st_size };
	talloc_set_destructor(m, unmap);
	*out = slice_of(data, (size_t)st.st_size);
	return NULL;
}

err_t
watch_file_map(void *owner, const char *path, struct slice *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? E_NOT_FOUND : E_IO;
	err_t error = map_open(owner, fd, out);
	close(fd);
	return error;
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

err_t
walk_files(const char *path, err_t (*visit)(void *context, const char *file, const char *name), void *context)
{
	char *copy = strdup(path), *paths[] = { copy, NULL };
	FTS *tree = copy ? fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR | FTS_NOSTAT, by_name) : NULL;
	err_t error = tree ? NULL : E_IO;
	size_t files = 0;
	for (FTSENT *e; !error && (e = fts_read(tree)) != NULL;) {
		if (e->fts_info == FTS_NS || e->fts_info == FTS_DNR || e->fts_info == FTS_ERR)
			error = e->fts_errno == ENOENT ? E_NOT_FOUND : E_IO;
		else if (e->fts_info == FTS_F || e->fts_info == FTS_NSOK)
			error = ++files > WATCH_FILES_MAX ? E_TOO_LARGE : visit(context, e->fts_path, e->fts_name);
	}
	if (tree)
		fts_close(tree);
	free(copy);
	return error;
}

static bool
ends_with(const char *name, const char *end)
{
	size_t size = strlen(name), less = strlen(end);
	return size >= less && strcmp(name + size - less, end) == 0;
}

struct loading {
	struct watch_rules *rules;
	struct watch_loaded *loaded;
	watch_refused *refused;
	void *context;
	bool single;
};

static void
on_refused(void *context, const char *file, const struct watch_fault *fault)
{
	struct loading *l = context;
	l->loaded->refused++;
	l->refused(l->context, file, fault);
}

static err_t
load_file(void *context, const char *file, const char *name)
{
	struct loading *l = context;
	struct slice text;
	void *scratch = NEW(NULL, char);
	if (!l->single && !ends_with(name, ".yml") && !ends_with(name, ".yaml")) {
		talloc_free(scratch);
		return NULL;
	}
	err_t error = watch_file_map(scratch, file, &text);
	if (!error)
		watch_rules_read(l->rules, file, text, &l->loaded->parsed, &l->loaded->skipped, on_refused, l);
	talloc_free(scratch);
	return error;
}

err_t
watch_files_load(struct watch_rules *rules, const char *path, struct watch_loaded *loaded, watch_refused *refused,
                 void *context)
{
	struct stat st;
	struct loading l = { rules, loaded, refused, context, stat(path, &st) == 0 && !S_ISDIR(st.st_mode) };
	TRY(walk_files(path, load_file, &l));
	watch_rules_resolve(rules, &loaded->parsed, on_refused, &l);
	return NULL;
}
