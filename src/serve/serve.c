#include "serve/inside.h"

#include "base/clock.h"
#include "base/confine.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "courier/courier.h"
#include "https/api.h"
#include "keeper/keeper.h"
#include "postgres/databases.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS_MAX = 16, DRAIN_SECONDS = 10, RENEW_DAYS = 20, TICK_SECONDS = 1, RATE_MAX = 1000000 };

struct worker {
	struct serve *serve;
	pthread_t thread;
	struct loop *loop;
	struct gate_worker *gate;
	struct api *api;
	struct gate_worker *postgres_gate;      /* its own, for what it hears of changes */
	struct postgres_worker *postgres;
	struct minter *minter;
	struct waker *drain;
	unsigned draining;              /* doors that still are */
};

struct serve {
	const struct serve_options *options;
	struct house *house;
	struct gate *gate;
	struct outward *outward;
	struct witnesses *witnesses;
	struct bypasses *bypasses;
	struct board *board;
	struct door *door;
	struct postgres *postgres;      /* NULL: no gateway */
	struct loop *loop;              /* the main thread's: signals and ticks */
	struct watch *signals;
	struct timer *tick;
	struct record_worker *changes;
	struct store *view;
	int signal_fd;
	bool step_told, keeper_died;
	pid_t keeper_pid;
	char program[2 * DIGEST_SIZE + 1];
	int64_t renewed;
	size_t worker_count;
	struct worker workers[WORKERS_MAX];
	atomic_bool draining;
};

/* ---- telling that we are ready: a child that may still write there, for Landlock lets serve write to D alone ---- */

struct ready_writer {
	pid_t pid;
	int pipe;                       /* -1 where nobody wants to know */
};

static struct ready_writer
ready_writer(const char *file)
{
	int ends[2];
	struct ready_writer w = { .pipe = -1 };
	if (!file || pipe2(ends, O_CLOEXEC) != 0)
		return w;
	w.pid = fork();
	if (w.pid != 0) {
		close(ends[0]);
		w.pipe = ends[1];
		return w;
	}
	char text[512], fresh[4096];
	confine_descriptors(ends[0], -1);
	ssize_t n = read(ends[0], text, sizeof text);
	snprintf(fresh, sizeof fresh, "%s.new", file);
	int fd = n > 0 ? open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	if (fd >= 0 && write(fd, text, (size_t)n) == n && close(fd) == 0 && rename(fresh, file) == 0)
		_exit(0);
	_exit(1);
}

static void
tell_ready(const struct serve *s, struct ready_writer writer)
{
	char text[256];
	int n = s->postgres
	            ? snprintf(text, sizeof text, "{\"pid\": %d, \"https\": \"https://%s\", \"postgres\": \"%s\"}\n", getpid(),
	                       door_address(s->door), door_address(postgres_door(s->postgres)))
	            : snprintf(text, sizeof text, "{\"pid\": %d, \"https\": \"https://%s\"}\n", getpid(), door_address(s->door));
	if (writer.pipe >= 0) {
		int status = write(writer.pipe, text, (size_t)n) != n;
		close(writer.pipe);
		if (status || waitpid(writer.pid, &status, 0) != writer.pid || status)
			log_event(LOG_WARNING, "ready.unwritten", NULL);
	}
	log_event(LOG_INFO, "listening", "https", door_address(s->door), NULL);
}

/* ---- what happens at the main thread ---- */

static const char *
why_not_ready(void *argument)
{
	struct serve *s = argument;
	err_t e = record_state(s->house->record);
	if (!e)
		e = ledger_state(s->house->ledger);
	return e ? e->name : atomic_load(&s->draining) ? E_DRAINING->name : NULL;
}

/* On the recorder's thread: what was in the group has been handed back, with E_OUTCOME_UNKNOWN. */
static void
disk_failed(void *argument, err_t e)
{
	struct timespec answers = { 0, 300 * 1000 * 1000 };
	(void)argument;
	log_event(LOG_ERROR, "exit", "why", e->text[ENGLISH], "then", "the next start recovers what is on the disk", NULL);
	nanosleep(&answers, NULL);
	_exit(E_OUTCOME_UNKNOWN->exit);
}

static void
renew_certificate(struct serve *s)
{
	SCOPED void *scope = talloc_new(NULL);
	struct slice certificate, key, client_ca;
	err_t e = certificate_new(scope, s->house->keys, &certificate, &key, &client_ca);
	if (!e) {
		e = door_reload(s->door, certificate, key, client_ca);
		if (!e && s->postgres)
			e = door_reload(postgres_door(s->postgres), certificate, key, client_ca);
		memory_wipe((void *)(uintptr_t)key.data, key.size);
	}
	s->renewed = clock_monotonic();
	log_event(e ? LOG_ERROR : LOG_INFO, "certificate.renewed", "code", e ? e->name : "", NULL);
}

static void begin_drain(struct serve *);

/* Without it no key comes any more, and nothing can be recorded: whoever runs us starts us again. */
static void
watch_keeper(struct serve *s)
{
	if (s->keeper_died || waitpid(s->keeper_pid, NULL, WNOHANG) != s->keeper_pid)
		return;
	log_event(LOG_ERROR, "keeper.died", "then", "the server stops", NULL);
	s->keeper_died = true;
	begin_drain(s);
}

static void
on_tick(void *argument)
{
	struct serve *s = argument;
	watch_keeper(s);
	if (clock_monotonic() - s->renewed > DAYS(RENEW_DAYS))
		renew_certificate(s);
	clock_watch(s->house, &s->step_told);
	deadlines_do(s->house, s->view);
	timer_set(s->tick, SECONDS(TICK_SECONDS));
}

static void
begin_drain(struct serve *s)
{
	if (atomic_exchange(&s->draining, true))
		return;
	log_event(LOG_INFO, "draining", NULL);
	for (size_t i = 0; i < s->worker_count; i++)
		waker_wake(s->workers[i].drain);
	loop_stop(s->loop);
}

static void
on_signal(void *argument, unsigned what)
{
	struct serve *s = argument;
	struct signalfd_siginfo info;
	(void)what;
	if (read(s->signal_fd, &info, sizeof info) != sizeof info)
		return;
	if (info.ssi_signo == SIGHUP)
		renew_certificate(s);
	else
		begin_drain(s);
}

static void
on_change(void *argument)
{
	struct serve *s = argument;
	err_t e = shred_finish(s->house, s->view);
	if (e)
		log_event(LOG_ERROR, "shred.unfinished", "code", e->name, "then", "it is tried again at the next change or start", NULL);
	e = rotation_finish(s->house, s->view);
	if (e)
		log_event(LOG_ERROR, "key.rotation.unfinished", "code", e->name, "then", "it is tried again at the next change or start", NULL);
}

/* ---- workers ---- */

static void
worker_drained(void *argument)
{
	struct worker *w = argument;
	if (--w->draining == 0)
		loop_stop(w->loop);
}

static void
worker_drain(void *argument)
{
	struct worker *w = argument;
	w->draining = w->postgres ? 2 : 1;
	door_drain(api_door_worker(w->api), SECONDS(DRAIN_SECONDS), worker_drained, w);
	if (w->postgres)
		door_drain(postgres_door_worker(w->postgres), SECONDS(DRAIN_SECONDS), worker_drained, w);
}

static err_t
find_database(void *argument, const void *owner, struct slice name, struct slice subscriber, struct database *out)
{
	struct worker *w = argument;
	struct store *view = gate_view(w->postgres_gate);
	struct keys *keys = w->serve->house->keys;
	if (!view)
		return E_CLOSED;
	TRY(subscriber.size ? database_of_subscriber(owner, view, keys, name, subscriber, out)
	                    : database_of_application(owner, view, keys, name, out->user, out));
	out->outward = w->serve->outward;
	return NULL;
}

static err_t
find_rules(void *argument, const void *owner, struct slice name, struct database_rules *out)
{
	struct worker *w = argument;
	struct store *view = gate_view(w->postgres_gate);
	return view ? database_rules_get(owner, view, w->serve->house->keys, name, out) : E_CLOSED;
}

static err_t
identify(void *argument, const void *owner, struct slice name, struct database *d)
{
	struct worker *w = argument;
	return minter_identify(w->minter, owner, name, d);
}

static fallible
open_postgres(struct serve *s, struct worker *w)
{
	const struct postgres_worker_options options = { .find = find_database, .rules = find_rules, .identify = identify, .argument = w, .sessions = 16384 };
	if (!s->postgres)
		return NULL;
	TRY(gate_worker_new(w->loop, s->gate, w->loop, &w->postgres_gate));
	TRY(minter_new(w->loop, s->house->keys, &w->minter));
	struct postgres_worker_options o = options;
	o.gate = w->postgres_gate;
	return postgres_attach(w->postgres_gate, s->postgres, w->loop, &o, &w->postgres);
}

static void *
work(void *argument)
{
	struct worker *w = argument;
	loop_run(w->loop);
	return NULL;
}

static fallible
open_worker(struct serve *s, struct worker *w)
{
	const struct api_options options = { .gate = s->gate, .door = s->door, .ready = why_not_ready, .argument = s };
	w->serve = s;
	TRY(loop_open(NULL, &w->loop));
	TRY(gate_worker_new(w->loop, s->gate, w->loop, &w->gate));
	TRY(waker_new(w->loop, w->loop, worker_drain, w, &w->drain));
	TRY(api_attach(w->gate, &options, w->gate, w->loop, &w->api));
	return open_postgres(s, w);
}

static fallible
start_workers(struct serve *s)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	s->worker_count = cores < 2 ? 2 : cores > WORKERS_MAX ? WORKERS_MAX : (size_t)cores;
	for (size_t i = 0; i < s->worker_count; i++)
		TRY(open_worker(s, &s->workers[i]));
	for (size_t i = 0; i < s->worker_count; i++)
		if (pthread_create(&s->workers[i].thread, NULL, work, &s->workers[i]) != 0)
			return E_IO;
	return NULL;
}

static void
end_workers(struct serve *s)
{
	for (size_t i = 0; i < s->worker_count; i++)
		pthread_join(s->workers[i].thread, NULL);
	for (size_t i = 0; i < s->worker_count; i++)
		talloc_free(s->workers[i].loop);
}

/* ---- start ---- */

static fallible
open_door(struct serve *s, struct keys *keys, const char **why)
{
	struct slice certificate, key, client_ca;
	*why = "the keeper does not certify our door";
	TRY(certificate_new(s, keys, &certificate, &key, &client_ca));
	const struct door_options options = {
		.address = s->options->https, .certificate = certificate, .key = key, .client_ca = client_ca,
		.allow_tls12 = s->options->allow_tls12,
		.limits = { .connections = 16384, .connections_per_address = 16384 },
	};
	*why = "the address cannot be listened on";
	err_t e = https_listen(s, &options, &s->door);
	if (!e && s->options->postgres) {
		struct postgres_options gateway = { .door = options };
		gateway.door.address = s->options->postgres;
		e = postgres_listen(s, &gateway, &s->postgres);
	}
	memory_wipe((void *)(uintptr_t)key.data, key.size);
	s->renewed = clock_monotonic();
	return e;
}

static fallible
open_signals(struct serve *s, const sigset_t *set)
{
	s->signal_fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return E_IO;
	TRY(watch_new(s->loop, s->loop, s->signal_fd, on_signal, s, &s->signals));
	watch_want(s->signals, WANT_READ);
	return timer_new(s->loop, s->loop, on_tick, s, &s->tick);
}

/* PEOPLE[:APPLICATIONS]; the sample's people are tests. */
static fallible
read_rate(const struct serve *s, uint64_t *people, uint64_t *applications)
{
	SCOPED char *sample = memory_format(NULL, "%s/sample", s->options->dir);
	struct slice text = slice_text(s->options->rate ? s->options->rate : access(sample, F_OK) == 0 ? "0:0" : "100:10000");
	const uint8_t *colon = memchr(text.data, ':', text.size);
	size_t size = colon ? (size_t)(colon - text.data) : text.size;
	*applications = 0;
	TRY(text_number_parse(slice_of(text.data, size), people));
	if (colon)
		TRY(text_number_parse(slice_from(text, size + 1), applications));
	return *people > RATE_MAX || *applications > RATE_MAX ? E_ARGUMENT : NULL;
}

static fallible
open_gate(struct serve *s, const char **why)
{
	uint64_t people, applications;
	const char *earlier = *why;
	*why = "--rate: expected PEOPLE[:APPLICATIONS], passages a second, at most 1000000; 0 for no limit";
	TRY(read_rate(s, &people, &applications));
	*why = earlier;
	SCOPED char *path = memory_format(NULL, "%s/store/store.db", s->options->dir);
	const struct gate_options options = { .dir = s->house->dir, .record = s->house->record, .ledger = s->house->ledger,
	                                      .rate_people = (int64_t)people, .rate_applications = (int64_t)applications,
	                                      .keys = s->house->keys, .outward = s->outward, .operations = house_operations,
	                                      .postgres = s->postgres ? door_address(postgres_door(s->postgres)) : NULL,
	                                      .gateway = s->postgres };
	TRY(gate_open(s, &options, &s->gate));
	TRY(gate_start_slow(s->gate));
	TRY(store_open(s->loop, path, STORE_READ, &s->view));
	TRY(record_worker_new(s->loop, s->house->record, s->loop, on_change, s, &s->changes));
	*why = "the keyring in D/keeper is older than the store: put the right one back";
	TRY(keyring_check(s->house, s->view));
	*why = "what the book says of keys cannot be done";
	TRY(rotation_finish(s->house, s->view));
	return shred_finish(s->house, s->view);
}

/* What runs, and how it was told to: the program's digest and the configuration are in the book (DESIGN §2). */
static fallible
record_event(struct serve *s, const char *operation)
{
	const struct serve_options *o = s->options;
	struct system_change c = { .operation = operation, .subject = LITERAL("version " SEKISHO_VERSION), .keeps_epoch = true };
	pairs_text(&c.outcome, "program", slice_text(s->program));
	pairs_text(&c.outcome, "https", slice_text(o->https));
	if (o->postgres)
		pairs_text(&c.outcome, "postgres", slice_text(o->postgres));
	pairs_number(&c.outcome, "tls12", o->allow_tls12);
	return system_record(s->house, &c);
}

static fallible
open_and_run(struct serve *s, int keeper, int courier, struct ready_writer writer, const sigset_t *set, const char **why)
{
	*why = "the loop cannot be made";
	TRY(loop_open(s, &s->loop));
	TRY(open_signals(s, set));
	TRY(confine(ROLE_SERVE, s->options->dir, why));
	TRY(house_open(s, s->options->dir, keeper, disk_failed, &s->house, why));
	*why = "the courier cannot be reached";
	TRY(outward_open(s, courier, &s->outward));
	*why = "the gate cannot be opened: are the policies in force readable?";
	TRY(open_gate(s, why));
	*why = "the start cannot be recorded";
	TRY(record_event(s, "system.start"));
	TRY(start_workers(s));
	TRY(deadlines_start(s->house));
	TRY(witnesses_start(s, s->house, s->outward, &s->witnesses));
	if (s->postgres)
		TRY(bypasses_start(s, s->house, s->outward, s->postgres, &s->bypasses));
	TRY(board_start(s, s->house, &s->board));
	tell_ready(s, writer);
	timer_set(s->tick, SECONDS(TICK_SECONDS));
	loop_run(s->loop);
	end_workers(s);
	return record_event(s, "system.stop");
}

/* What uses another thing ends before it, whether it ran or did not start. */
static fallible
run(struct serve *s, int keeper, int courier, struct ready_writer writer, const sigset_t *set, const char **why)
{
	err_t e = open_and_run(s, keeper, courier, writer, set, why);
	if (s->outward)
		outward_end(s->outward);
	talloc_free(s->bypasses);
	talloc_free(s->witnesses);
	talloc_free(s->board);
	talloc_free(s->gate);
	talloc_free(s->changes);
	talloc_free(s->house);
	return e;
}

static fallible
digest_program(char hex[2 * DIGEST_SIZE + 1])
{
	uint8_t digest[DIGEST_SIZE];
	struct stat st;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return E_IO;
	void *map = fstat(fd, &st) == 0 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	close(fd);
	if (map == MAP_FAILED)
		return E_IO;
	sha256(slice_of(map, (size_t)st.st_size), digest);
	munmap(map, (size_t)st.st_size);
	text_hex(slice_of(digest, sizeof digest), hex);
	return NULL;
}

/* Everything that needs a right which serve will not have: processes, sockets, the file that tells we are ready. */
fallible
serve_run(const struct serve_options *options, const char **why)
{
	SCOPED struct serve *s = NEW(NULL, struct serve);
	char *real = realpath(options->dir, NULL), *dir = real ? memory_format(s, "%s", real) : NULL;
	struct serve_options resolved = *options;
	sigset_t set;
	int keeper_pid, courier_pid, keeper, courier;
	free(real);
	*why = "there is no installation in this folder: sekisho init --dir D makes one";
	if (!dir || access(memory_format(s, "%s/keeper/keyring", dir), F_OK) != 0)
		return E_NOT_FOUND;
	resolved.dir = dir;
	*why = "D/ledger cannot be made";
	if (mkdir(memory_format(s, "%s/ledger", dir), 0700) != 0 && errno != EEXIST)
		return E_IO;
	s->options = &resolved;
	if (options->quiet)
		log_level(LOG_WARNING);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	*why = "the program's own file cannot be read";
	TRY(digest_program(s->program));
	*why = "the processes cannot be started";
	err_t busy = keeper_start(dir, &keeper_pid, &keeper);
	if (busy == E_STATE)
		*why = "another sekisho is at work in this folder";
	TRY(busy);
	TRY(courier_start(dir, &courier_pid, &courier));
	struct ready_writer writer = ready_writer(options->ready_file);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	SCOPED struct keys *keys = NULL;
	int copy = dup(keeper);
	TRY(keys_open(NULL, copy, &keys));
	TRY(open_door(s, keys, why));
	s->keeper_pid = keeper_pid;
	*why = "";
	err_t e = run(s, keeper, courier, writer, &set, why);
	if (s->keeper_died)
		*why = "the keeper died; its log line says why";
	return s->keeper_died ? E_KEEPER : e;
}
