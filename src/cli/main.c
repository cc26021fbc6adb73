#include "cli/bundle.h"
#include "cli/cedar.h"
#include "cli/cli.h"
#include "cli/inside.h"
#include "cli/rules.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum language cli_language = ENGLISH;
enum output cli_output = OUTPUT_TABLE;

int
run_version(struct words *w)
{
	(void)w;
	printf("sekisho %s\n", SEKISHO_VERSION);
	return EXIT_DONE;
}

const struct command cli_commands[] = {
	{ "login", "[URL] --as ID", { "logs in: password and one-time code against a short-lived token", "ログインする" }, run_login, "as password-file totp-secret-file code-file new-password-file certificate ca", 1 },
	{ "logout", "", { "ends the credential", "ログアウトする" }, run_logout },
	{ "whoami", "", { "who one is logged in as", "ログイン中の本人を示す" }, run_whoami },
	{ "status", "", { "does the server take passages?", "サーバーの状態を示す" }, run_status },
	{ "context", "ls|use NAME", { "servers and identities", "接続先を切り替える" }, run_context, NULL, 2 },
	{ "use", "SUBSCRIBER [--purpose P]", { "the subscriber and purpose from now on", "既定の契約者と目的を設定する" }, run_use, NULL, 1 },
	{ "get", "SUBSCRIBER COLLECTION/ID", { "gives an object", "オブジェクトを取得する" }, run_get, "version", 2 },
	{ "put", "SUBSCRIBER COLLECTION/ID [FILE]", { "puts an object", "オブジェクトを保存する" }, run_put, "type attributes if-match idempotency-key", 3 },
	{ "object", "get|put|ls|history|rm|import …", { "objects of a subscriber", "オブジェクトを扱う" }, run_object, "version type attributes if-match idempotency-key limit", 4 },
	{ "ledger", "tail|search|show|verify|fsck|key|publish|export …", { "the book: who touched what, when and why", "台帳を読む" }, run_ledger, "actor subscriber resource credential for-purpose from to limit n f dir key format cursor", 2 },
	{ "bundle", "create --subscriber S FILE|verify FILE --key VKEY|show FILE", { "makes a bundle of the book, and checks one offline", "台帳の束を作成し、オフラインで検証する" }, run_bundle, "subscriber from to previous", 2 },
	{ "policy", "show|propose FILE|propose --from-observed [--days N]|approve ID", { "the policies in force", "ポリシーを扱う" }, run_policy, "idempotency-key from-observed days", 2 },
	{ "db", "add NAME --upstream FILE|onboard NAME …|mode NAME MODE [TABLE…]|connect SUBSCRIBER/DB|env …", { "databases behind the gateway", "ゲートウェイの背後のデータベース" }, run_db, "upstream tenant-column map map-file shared exempt plan apply undo command", 30 },
	{ "app", "add NAME [--database DB [--setting NAME]]", { "applications", "アプリケーションを追加する" }, run_app, "database setting", 2 },
	{ "backup", "key NAME|create FILE --recipient PUBLIC|verify FILE|restore FILE --key PRIVATE --into D|ls", { "backups without keys, encrypted to a public key", "公開鍵で暗号化したバックアップ（鍵は含まない）" }, run_backup, "recipient key into to", 2 },
	{ "disclosure", "add CLASS FILE|request CLASS|approve ID|deny ID --why T|fetch ID FILE|ls", { "certificates and reports under confidentiality", "証明書と報告書の開示" }, run_disclosure, NULL, 3 },
	{ "measure", "ls|show ID|history CHECK|report --from T --to T --lang en|ja DIR|catalogue", { "what the promise's checks find", "約束の検査結果" }, run_measure, "from to lang", 2 },
	{ "cedar", "authorize|validate|format|translate|conformance|bench …", { "the policy language by itself, without a server", "ポリシー言語の単体ツール" }, NULL },
	{ "rules", "check DIR|regress RULES SET|test RULES EVENTS", { "Sigma rules, by themselves: read, tried on events", "Sigma ルールを検査・試験する" }, NULL },
	{ "explain", "ID", { "a refusal (its passage), an error, or a measure", "エラーまたは対策を説明する" }, run_explain, NULL, 1 },
	{ "doctor", "", { "what may be wrong", "問題を診断する" }, run_doctor },
	{ "completion", "bash|zsh", { "completion for a shell, to be sourced", "シェル補完を出力する" }, run_completion, NULL, 1 },
	{ "man", "", { "the manual page, in roff: sekisho man | man -l -", "マニュアルを roff 形式で出力する" }, run_man, NULL, 0 },
	{ "version", "", { "of this program", "バージョンを示す" }, run_version },
	{ "init", "--dir D [--sample]", { "makes a new installation in a folder", "新しい環境を作成する" }, run_init, "dir sample store service origin", 0 },
	{ "serve", "--dir D [--https ADDR:PORT]", { "runs it", "サーバーを起動する" }, run_serve, "dir https postgres rate ready-file quiet tls12", 0 },
	{ "demo", "[--dir D]", { "makes the sample organisation and runs it until Ctrl-C", "サンプル組織を起動する" }, run_demo, "dir https quiet", 0 },
	{ NULL, NULL, { NULL, NULL }, NULL },
};

static const struct command *
find_command(const char *name)
{
	for (const struct command *c = cli_commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

/* `policy approve ID` is `request approve ID`. */
static bool
is_approval(int argc, char **argv)
{
	return argc >= 3 && strcmp(argv[1], "disclosure") != 0 && (strcmp(argv[2], "approve") == 0 || strcmp(argv[2], "deny") == 0);
}

static bool
is_listed(const char *list, const char *name)
{
	size_t size = strlen(name);
	for (const char *at = list; at && *at; at += strcspn(at, " "), at += *at == ' ')
		if (strncmp(at, name, size) == 0 && (at[size] == ' ' || at[size] == '\0'))
			return true;
	return false;
}

/* What is not known is refused: a misspelt --purpose must not become a passage under another one. */
static bool
check_words(const struct command *c, const struct words *w)
{
	for (size_t i = 0; i < w->option_count; i++) {
		const char *name = w->options[i].name;
		if (!is_listed("o help purpose json wait", name) && !is_listed(c->options, name)) {
			usage_error("%s: there is no option --%s\nusage: sekisho %s %s", c->name, name, c->name, c->usage);
			return false;
		}
	}
	if (w->count > c->places) {
		usage_error("%s: '%s' is one word too many\nusage: sekisho %s %s", c->name, w->places[c->places], c->name, c->usage);
		return false;
	}
	return true;
}

static int
run_words(const struct command *c, int argc, char **argv)
{
	static const char *const flags[] = { "f", "sample", "quiet", "tls12", "from-observed", "plan", "apply", "undo", NULL };
	struct words w;
	if (!words_parse(argc, argv, flags, &w))
		return EXIT_USAGE;
	if (words_flag(&w, "help")) {
		printf("sekisho %s %s\n%s\n", c->name, c->usage, c->says[cli_language]);
		return EXIT_DONE;
	}
	return check_words(c, &w) ? c->run(&w) : EXIT_USAGE;
}

static void
choose_language(void)
{
	const char *variables[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	for (size_t i = 0; i < 3; i++) {
		const char *value = getenv(variables[i]);
		if (value && value[0]) {
			cli_language = strncmp(value, "ja", 2) == 0 ? JAPANESE : ENGLISH;
			return;
		}
	}
}

static bool
has_option(int argc, char **argv, const char *name)
{
	size_t size = strlen(name);
	for (int i = 2; i < argc; i++)
		if (strncmp(argv[i], name, size) == 0 && (argv[i][size] == '\0' || argv[i][size] == '='))
			return true;
	return false;
}

static int
run(int argc, char **argv)
{
	bool known = false;
	if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
		help_all();
		return argc < 2 ? EXIT_USAGE : EXIT_DONE;
	}
	if (strcmp(argv[1], "cedar") == 0)
		return cli_cedar(argc - 1, argv + 1);
	if (strcmp(argv[1], "rules") == 0)
		return cli_rules(argc - 1, argv + 1);
	if (strcmp(argv[1], "bundle") == 0 && !(argc > 2 && strcmp(argv[2], "create") == 0))
		return cli_bundle(argc - 1, argv + 1);
	const struct command *c = find_command(argv[1]);
	if (c && c->run == run_db && !is_listed("add onboard connect env mode", argc > 2 ? argv[2] : "add"))
		c = NULL;               /* the others are rows */
	if (c && c->run == run_backup && argc > 2 && strcmp(argv[2], "ls") == 0)
		c = NULL;
	if (c && c->run == run_measure && !(argc > 2 && strcmp(argv[2], "report") == 0))
		c = NULL;
	if (c && c->run == run_disclosure && !(argc > 2 && strcmp(argv[2], "fetch") == 0))
		c = NULL;
	if (c && c->run == run_app && !has_option(argc, argv, "--database"))
		c = NULL;
	if (is_approval(argc, argv))
		argv[1] = (char *)(uintptr_t)"request";
	else if (c && !(strcmp(argv[1], "ledger") == 0 && argc > 2 && strcmp(argv[2], "show") == 0))
		return run_words(c, argc - 2, argv + 2);
	int exit = run_operation(argc - 1, argv + 1, &known);
	if (!known)
		return usage_error("there is no command '%s'\ntry: sekisho help", argv[1]);
	return exit;
}

/* What could not be written was not given. */
int
cli_main(int argc, char **argv)
{
	choose_language();
	int exit = run(argc, argv);
	if ((fflush(stdout) != 0 || ferror(stdout)) && exit == EXIT_DONE) {
		fprintf(stderr, "sekisho: the output cannot be written: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	return exit;
}
