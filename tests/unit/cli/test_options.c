/* The -o options: every row of the table, escapes, bad values. */
#include "cli/options.h"

#include <errno.h>
#include <stddef.h>

#include "testing.h"

static struct options options;

static void set_up(void)
{
    options_init(&options);
}

static void tear_down(void)
{
    options_done(&options);
}

TestSuite(options, .init = set_up, .fini = tear_down);

static void parse(const char *text)
{
    struct error err = {0};
    assert_ok(options_parse(&options, text, &err), &err);
}

static void assert_bad(const char *text, const char *why)
{
    struct error err = {0};
    int result = options_parse(&options, text, &err);
    cr_assert_eq(result, -EINVAL, "'%s': %d", text, result);
    cr_assert_str_eq(err.message, why);
}

/* interface.md, "Mount options". */
Test(options, defaults_are_those_of_the_interface)
{
    cr_assert_eq(options.run.connections, 32);
    cr_assert_eq(options.run.timeout_ms, 30000);
    cr_assert_eq(options.run.refresh_ms, 60000);
    cr_assert_eq(options.fs.uid, getuid());
    cr_assert_eq(options.fs.gid, getgid());
    cr_assert_eq(options.fs.umask, 0);
    cr_assert_not(options.fs.allow_other || options.fs.noexec);
    cr_assert_eq(options.log_level, LOG_LEVEL_WARNING);
    cr_assert_null(options.log);
    cr_assert_null(options.run.site.repository);
    cr_assert_null(options.run.site.endpoint);
    cr_assert_not(options.run.site.fork || options.run.site.path_style || options.run.site.no_sign_request);
    cr_assert_eq(options.run.site.updated_at, 0);
}

Test(options, texts_go_to_their_fields)
{
    static const struct {
        const char *name;
        size_t field;
    } rows[] = {
        {"repo", offsetof(struct options, run.site.repository)},
        {"release-type", offsetof(struct options, run.site.release_type)},
        {"key-prefix", offsetof(struct options, run.site.key_prefix)},
        {"region", offsetof(struct options, run.site.region)},
        {"profile", offsetof(struct options, run.site.profile)},
        {"log", offsetof(struct options, log)},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[64];
        char why[128];
        (void)snprintf(text, sizeof text, "%s=value %zu=x", rows[i].name, i);
        parse(text);
        const char *value = *(const char **)((char *)&options + rows[i].field);
        cr_assert(value, "%s", rows[i].name);
        cr_assert_str_eq(value, text + strlen(rows[i].name) + 1);
        (void)snprintf(why, sizeof why, "option '%s': needs a value", rows[i].name);
        assert_bad(rows[i].name, why);
        (void)snprintf(text, sizeof text, "%s=", rows[i].name);
        assert_bad(text, why);
    }
}

Test(options, some_texts_are_one_of_few)
{
    parse("platform=windows,artifacts-dir=root,endpoint=http://127.0.0.1:7480");
    cr_assert_eq(options.run.site.platform, RUNFS_PLATFORM_WINDOWS);
    cr_assert_eq(options.run.view.artifacts_dir, ARTIFACTS_ROOT);
    cr_assert_str_eq(options.run.site.endpoint, "http://127.0.0.1:7480");
    parse("platform=linux,artifacts-dir=subdir,endpoint=https://s3.example.com/base");
    parse("artifacts-dir=auto");
    assert_bad("platform=amiga", "option 'platform=amiga': bad value");
    assert_bad("artifacts-dir=Root", "option 'artifacts-dir=Root': bad value");
    assert_bad("endpoint=s3.example.com", "option 'endpoint=s3.example.com': bad value");
    assert_bad("platform", "option 'platform': needs a value");
    assert_bad("artifacts-dir=", "option 'artifacts-dir': needs a value");
    assert_bad("endpoint=", "option 'endpoint': needs a value");
    cr_assert_eq(options.run.site.platform, RUNFS_PLATFORM_LINUX);
}

Test(options, flags_go_to_their_fields)
{
    static const struct {
        const char *name;
        size_t field;
    } rows[] = {
        {"fork", offsetof(struct options, run.site.fork)},
        {"path-style", offsetof(struct options, run.site.path_style)},
        {"no-sign-request", offsetof(struct options, run.site.no_sign_request)},
        {"allow_other", offsetof(struct options, fs.allow_other)},
        {"noexec", offsetof(struct options, fs.noexec)},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[64];
        char why[128];
        parse(rows[i].name);
        cr_assert(*((bool *)&options + rows[i].field), "%s", rows[i].name);
        (void)snprintf(text, sizeof text, "%s=1", rows[i].name);
        (void)snprintf(why, sizeof why, "option '%s': takes no value", rows[i].name);
        assert_bad(text, why);
        (void)snprintf(text, sizeof text, "%s=", rows[i].name);
        assert_bad(text, why);
    }
    parse("exec");
    cr_assert_not(options.fs.noexec);
}

Test(options, numbers_times_and_levels_are_read)
{
    parse("connections=1,timeout=1,refresh=0,uid=0,gid=4294967294,umask=022,updated-at=2026-10-01T12:00:00+"
          "02:00,"
          "log-level=debug");
    cr_assert_eq(options.run.connections, 1);
    cr_assert_eq(options.run.timeout_ms, 1000);
    cr_assert_eq(options.run.refresh_ms, 0);
    cr_assert_eq(options.fs.uid, 0);
    cr_assert_eq(options.fs.gid, 4294967294);
    cr_assert_eq(options.fs.umask, 022);
    cr_assert_eq(options.run.site.updated_at, 1790848800 * 1000000000LL);
    cr_assert_eq(options.log_level, LOG_LEVEL_DEBUG);
    parse("connections=256,timeout=31536000,refresh=31536000,umask=0777");
    cr_assert_eq(options.run.connections, 256);
    cr_assert_eq(options.run.timeout_ms, 31536000000);
    cr_assert_eq(options.run.refresh_ms, 31536000000);
    cr_assert_eq(options.fs.umask, 0777);
}

Test(options, bad_values_are_refused_with_name_and_value)
{
    static const struct {
        const char *text;
        const char *why;
    } bad[] = {
        {"connections=0", "out of range"},
        {"connections=257", "out of range"},
        {"connections=x", "bad value"},
        {"connections=-1", "bad value"},
        {"timeout=0", "out of range"},
        {"timeout=31536001", "out of range"},
        {"timeout=1.5", "bad value"},
        {"timeout=30s", "bad value"},
        {"refresh=18446744073709551616", "out of range"},
        {"refresh=-1", "bad value"},
        {"uid=4294967295", "out of range"},
        {"uid=root", "bad value"},
        {"gid=4294967296", "out of range"},
        {"umask=1000", "out of range"},
        {"umask=8", "bad value"},
        {"umask=rwx", "bad value"},
        {"updated-at=yesterday", "bad value"},
        {"updated-at=1969-12-31T23:59:59Z", "out of range"},
        {"log-level=loud", "bad value"},
        {"log-level=WARNING", "bad value"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        char why[128];
        (void)snprintf(why, sizeof why, "option '%s': %s", bad[i].text, bad[i].why);
        assert_bad(bad[i].text, why);
    }
    cr_assert_eq(options.run.connections, 32);
    cr_assert_eq(options.run.timeout_ms, 30000);
}

/* What a read-only mount is anyway or cannot grant, and what is for mount(8) and systemd. */
Test(options, the_standard_ones_are_understood)
{
    parse("ro,rw,nosuid,suid,nodev,dev,defaults,auto,noauto,nouser,users,owner,group,nofail,_netdev,async,"
          "sync,dirsync,"
          "atime,noatime,diratime,nodiratime,relatime,norelatime,strictatime,nostrictatime,lazytime,"
          "nolazytime,silent,loud,"
          "comment=x,uhelper=y,user,user=me,x-systemd.automount,x-systemd.idle-timeout=60,X-mount.mkdir=0755,"
          "x-,X-anything");
    assert_bad("ro=1", "option 'ro': takes no value");
    assert_bad("comment", "option 'comment': needs a value");
}

Test(options, unknown_ones_are_refused_by_name)
{
    assert_bad("unheard-of", "option 'unheard-of': unknown");
    assert_bad("unheard-of=5", "option 'unheard-of': unknown");
    assert_bad("ro,Repo=a/b", "option 'Repo': unknown");
    assert_bad("=5", "option '': unknown");
    assert_bad(" ro", "option ' ro': unknown");
    assert_bad("x", "option 'x': unknown");
    assert_bad("a\nb", "option 'a\\x0ab': unknown");
}

Test(options, later_ones_win)
{
    parse("timeout=5,noexec,repo=a/b");
    parse("timeout=6");
    parse("exec,repo=c/d,repo=e/f");
    cr_assert_eq(options.run.timeout_ms, 6000);
    cr_assert_not(options.fs.noexec);
    cr_assert_str_eq(options.run.site.repository, "e/f");
}

/* Which artifacts: each value adds to those before. */
Test(options, selections_add_up)
{
    const struct runfs_filter_spec *artifacts = &options.run.artifacts;
    parse("group=gfx94X-dcgpu,include=_lib_,exclude=a{1\\,2},target=gfx942\\,gfx1151");
    parse("include=_run_,target=gfx110X-all");
    cr_assert_eq(artifacts->target_count, 4);
    cr_assert_str_eq(artifacts->targets[0], "gfx94X-dcgpu");
    cr_assert_str_eq(artifacts->targets[1], "gfx942");
    cr_assert_str_eq(artifacts->targets[2], "gfx1151");
    cr_assert_str_eq(artifacts->targets[3], "gfx110X-all");
    cr_assert_eq(artifacts->include_count, 2);
    cr_assert_str_eq(artifacts->include[0], "_lib_");
    cr_assert_str_eq(artifacts->include[1], "_run_");
    cr_assert_eq(artifacts->exclude_count, 1);
    cr_assert_str_eq(artifacts->exclude[0], "a{1,2}");
}

Test(options, selections_that_select_nothing_are_refused)
{
    assert_bad("include=[", "option 'include=[': bad value");
    assert_bad("exclude=(", "option 'exclude=(': bad value");
    assert_bad("include", "option 'include': needs a value");
    assert_bad("target=a\\,", "option 'target=a,': bad value");
    assert_bad("group=\\,a", "option 'group=,a': bad value");
    parse("group"); /* is mount(8)'s */
    cr_assert_eq(options.run.artifacts.include_count, 0);
}

Test(options, binds_add_up)
{
    parse("view=a.view,bind=good=123,bind=bad=s3://b/p=q");
    cr_assert_eq(options.run.view.kind, VIEW_TABLE);
    cr_assert_str_eq(options.run.view.table, "a.view");
    cr_assert_eq(options.run.view.bind_count, 2);
    cr_assert_str_eq(options.run.view.binds[0], "good=123");
    cr_assert_str_eq(options.run.view.binds[1], "bad=s3://b/p=q");
    assert_bad("bind=good", "option 'bind=good': bad value");
    assert_bad("bind=a:b=1", "option 'bind=a:b=1': bad value");
    assert_bad("bind=good=", "option 'bind=good=': bad value");
    assert_bad("view=", "option 'view': needs a value");
}

Test(options, empty_ones_are_passed_over)
{
    parse("");
    parse(",,fork,,");
    parse(",");
    cr_assert(options.run.site.fork);
}

Test(options, a_backslash_keeps_a_comma_in_a_value)
{
    parse("key-prefix=a\\,b\\\\c\\d,fork");
    cr_assert_str_eq(options.run.site.key_prefix, "a,b\\c\\d");
    cr_assert(options.run.site.fork);
    parse("key-prefix=a\\");
    cr_assert_str_eq(options.run.site.key_prefix, "a\\");
    parse("key-prefix=\\\\,path-style");
    cr_assert_str_eq(options.run.site.key_prefix, "\\");
    cr_assert(options.run.site.path_style);
    parse("log=/tmp/a\\,b=c");
    cr_assert_str_eq(options.log, "/tmp/a,b=c");
}

/* The values outlive the text that they came from. */
Test(options, values_are_copies)
{
    char text[] = "repo=a/b,region=eu-west-1";
    parse(text);
    memset(text, 'x', sizeof text);
    cr_assert_str_eq(options.run.site.repository, "a/b");
    cr_assert_str_eq(options.run.site.region, "eu-west-1");
}

Test(options, overlong_ones_are_refused)
{
    static char text[70000] = "repo=";
    struct error err = {0};
    memset(text + 5, 'x', sizeof text - 6);
    cr_assert_eq(options_parse(&options, text, &err), -E2BIG);
    text[60000] = '\0';
    parse(text);
    cr_assert_eq(strlen(options.run.site.repository), 60000 - 5);
}
