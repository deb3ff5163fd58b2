/* SPDX-License-Identifier: MIT */
/*
 * libcheck: what the user library promises, tried on the running system: start-up, heap,
 * thread-local variables, threads and locks, clones, processes, files, pipes, spawn, newlib on top
 * of it. Prints a line per failure and ends with "N passed, N failed"; exits with 1 if any failed.
 * Scratch files: /tmp.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "protocol.h"
#include "quartet.h"
#include "user/bin/check.h"

#define FOLDER "/tmp/libcheck"

extern char **environ;

CHECK_COUNTERS;

static __thread int per_thread = 42;
static __thread char per_thread_zero[100];
static struct quartet_mutex mutex;
static struct quartet_condition condition;
static struct quartet_barrier barrier;
static volatile int counter, stage, firsts;

static int add_many(void *rounds) {
    for (int i = 0; i < *(int *)rounds; i++) {
        quartet_mutex_lock(&mutex);
        int seen = counter;
        if (i % 64 == 0)
            thread_yield();
        counter = seen + 1;
        quartet_mutex_unlock(&mutex);
    }
    per_thread++;
    errno = 7;
    if (quartet_barrier_wait(&barrier))
        __atomic_add_fetch(&firsts, 1, __ATOMIC_RELAXED);
    return per_thread + per_thread_zero[99];
}

static void check_threads(void) {
    struct quartet_thread *threads[3];
    int rounds = 1000, result = 0;
    barrier.count = 4;
    errno = 5;
    for (int i = 0; i < 3; i++)
        CHECK((threads[i] = quartet_thread_start(add_many, &rounds)) != NULL);
    CHECK(add_many(&rounds) == 43);
    for (int i = 0; i < 3; i++) {
        quartet_thread_join(threads[i], &result);
        CHECK(result == 43);
    }
    CHECK(counter == 4 * rounds);
    CHECK(firsts == 1);
    barrier.count = 1;
    for (int i = 0; i < 300; i++) { /* stacks come back */
        struct quartet_thread *thread = quartet_thread_start(add_many, &(int){0});
        if (thread == NULL) {
            CHECK(thread != NULL);
            break;
        }
        quartet_thread_join(thread, NULL);
    }
}

static int errno_private(void *unused) {
    (void)unused;
    int before = errno;
    errno = 99;
    return before;
}

static int wait_stage(void *unused) {
    (void)unused;
    quartet_mutex_lock(&mutex);
    while (stage == 0)
        quartet_condition_wait(&condition, &mutex);
    stage = 2;
    quartet_mutex_unlock(&mutex);
    quartet_condition_broadcast(&condition);
    return 0;
}

static int print_and_allocate(void *unused) {
    (void)unused;
    char *blocks[16];
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 16; i++) {
            blocks[i] = malloc(16u + 100u * (unsigned)i);
            if (blocks[i] == NULL)
                return 1;
            memset(blocks[i], i, 16u + 100u * (unsigned)i);
        }
        for (int i = 0; i < 16; i++) {
            if (blocks[i][15] != i)
                return 2;
            free(blocks[i]);
        }
        if (round % 16 == 0)
            thread_yield();
    }
    return 0;
}

static void check_waiting(void) {
    int result = -1;
    errno = 5;
    quartet_thread_join(quartet_thread_start(errno_private, NULL), &result);
    CHECK(result == 0 && errno == 5);

    struct quartet_thread *thread = quartet_thread_start(wait_stage, NULL);
    usleep(2000);
    quartet_mutex_lock(&mutex);
    stage = 1;
    quartet_condition_signal(&condition);
    while (stage != 2)
        quartet_condition_wait(&condition, &mutex);
    quartet_mutex_unlock(&mutex);
    quartet_thread_join(thread, NULL);

    struct quartet_thread *several[4];
    for (int i = 0; i < 4; i++)
        several[i] = quartet_thread_start(print_and_allocate, NULL);
    for (int i = 0; i < 4; i++) {
        quartet_thread_join(several[i], &result);
        CHECK(result == 0);
    }
}

static void check_memory(void) {
    char *large = malloc(5u << 20);
    CHECK(large != NULL);
    memset(large, 1, 5u << 20);
    free(large);
    void *volatile too_large = malloc(1u << 30); /* volatile: compilers assume that malloc works */
    CHECK(too_large == NULL && errno == ENOMEM);
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        char *region = quartet_map(slot, 3u << 20), *small = quartet_map(slot, 1);
        CHECK(region != NULL && small != NULL && SLOT_OF((uintptr_t)region) == slot);
        if (region == NULL || small == NULL)
            continue;
        CHECK(region[(3u << 20) - 1] == 0);
        region[0] = small[0] = 1;
        CHECK(quartet_unmap(region, 3u << 20) == 0 && quartet_unmap(small, 1) == 0);
    }
}

static int child_sets(void *argument) {
    *(int *)argument = 17;
    counter = 18;
    return 19;
}

static void check_clone(uint32_t plan, bool stack_shared, bool data_shared) {
    struct process_status status;
    volatile int on_stack = 0;
    counter = 0;
    long child = quartet_clone(plan, child_sets, (void *)&on_stack);
    CHECK(child > 0);
    CHECK(process_wait((int)child, 0, &status) == 0 && status.status == 19);
    CHECK(on_stack == (stack_shared ? 17 : 0));
    CHECK(counter == (data_shared ? 18 : 0));
    handle_close((int)child);
}

static void check_plans(void) {
    char text[PLAN_TEXT_SIZE];
    CHECK(quartet_plan_parse("fork") == (int)PLAN_FORK);
    CHECK(quartet_plan_parse("s,c,fresh,n") ==
          (int)PLAN(PLAN_SHARE, PLAN_COPY, PLAN_FRESH, PLAN_NONE));
    CHECK(quartet_plan_parse("s,c,f") < 0 && quartet_plan_parse("s,c,f,n,s") < 0);
    CHECK(quartet_plan_parse("") < 0 && quartet_plan_parse("s,,f,n") < 0 &&
          quartet_plan_parse("x,s,s,s") < 0);
    for (uint32_t plan = 0; plan < 256; plan++)
        if (quartet_plan_parse(quartet_plan_format(plan, text)) != (int)plan)
            CHECK(plan == 256);
    check_clone(PLAN_FORK, false, false);
    check_clone(PLAN_THREAD, true, true);
    check_clone(PLAN_RFORK, false, true);
    CHECK(quartet_clone(PLAN_SPAWN, child_sets, NULL) == -E_INVALID);
}

static void check_processes(void) {
    int status = 0;
    pid_t self = getpid(), child = fork();
    if (child == 0)
        _exit(getpid() != self ? 33 : 34);
    CHECK(child > 0 && quartet_child_handle(child) >= HANDLE_FIRST);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 33);
    CHECK(quartet_child_handle(child) == QUARTET_NONE);
    CHECK(waitpid(child, &status, 0) == -1 && errno == ECHILD);

    child = fork();
    if (child == 0)
        for (;;)
            sleep(1000);
    CHECK(waitpid(-1, &status, WNOHANG) == 0);
    CHECK(kill(child, 0) == 0 && kill(child, SIGTERM) == 0);
    CHECK(wait(&status) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    CHECK(wait(&status) == -1 && errno == ECHILD);

    child = fork();
    if (child == 0)
        abort();
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
          WTERMSIG(status) == SIGABRT);
}

static void check_pipe_and_exec(void) {
    char buffer[64] = {0};
    int ends[2], status;
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execlp("echo", "echo", "one", "two", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    CHECK(read(ends[0], buffer, sizeof(buffer)) == 8 && strcmp(buffer, "one two\n") == 0);
    CHECK(read(ends[0], buffer, sizeof(buffer)) == 0);
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child && status == 0);

    CHECK(execl("/does/not/exist", "x", (char *)NULL) == -1 && errno == ENOENT);
    CHECK(execl("/etc/motd", "x", (char *)NULL) == -1 && errno == ENOEXEC);
    CHECK(execl("/etc", "x", (char *)NULL) == -1);
}

static void check_spawn(void) {
    char *argv[] = {"false", NULL};
    pid_t child;
    int status;
    struct quartet_spawn spawn = {.program = {.path = "/bin/false", .argv = argv},
                                  .plan = PLAN_SPAWN};
    struct process_status ended;
    int handle = quartet_spawn(&spawn);
    CHECK(handle >= HANDLE_FIRST && process_wait(handle, 0, &ended) == 0 && ended.status == 1);
    handle_close(handle);
    spawn.program.path = "/bin/nothing";
    CHECK(quartet_spawn(&spawn) == -1 && errno == ENOENT);
    CHECK(wait(&status) == -1 && errno == ECHILD);

    CHECK(posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ) == 0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    char line[32] = {0};
    FILE *stream = popen("echo piped", "r");
    CHECK(stream != NULL && fgets(line, sizeof(line), stream) != NULL &&
          strcmp(line, "piped\n") == 0);
    CHECK(stream != NULL && pclose(stream) == 0);
    CHECK(system("exit 3") == 3); /* newlib gives the code, not the status */
}

static void check_files(void) {
    char text[32] = {0};
    struct stat found;
    int file = open(FOLDER "/a", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(file >= 0);
    CHECK(write(file, "hello world", 11) == 11);
    CHECK(lseek(file, 6, SEEK_SET) == 6 && read(file, text, 5) == 5 && strcmp(text, "world") == 0);
    CHECK(pread(file, text, 5, 0) == 5 && strcmp(text, "hello") == 0);
    int copy = dup(file);
    CHECK(copy >= 0 && lseek(copy, 1, SEEK_SET) == 1 && lseek(file, 0, SEEK_CUR) == 1);
    CHECK(fstat(file, &found) == 0 && S_ISREG(found.st_mode) && found.st_size == 11);
    CHECK(ftruncate(file, 5) == 0 && fstat(copy, &found) == 0 && found.st_size == 5);
    CHECK(close(file) == 0 && close(copy) == 0 && close(copy) == -1 && errno == EBADF);
    CHECK(read(-1, text, 1) == -1 && errno == EBADF);
    CHECK(open(FOLDER "/none", O_RDONLY) == -1 && errno == ENOENT);
    CHECK(open(FOLDER "/a", O_WRONLY | O_CREAT | O_EXCL, 0644) == -1 && errno == EEXIST);
    CHECK(rename(FOLDER "/a", FOLDER "/b") == 0 && stat(FOLDER "/a", &found) == -1 &&
          errno == ENOENT);
    CHECK(stat(FOLDER "/b", &found) == 0 && found.st_size == 5);
}

static void check_large_file(void) {
    FILE *stream = fopen(FOLDER "/large", "w+");
    CHECK(stream != NULL);
    if (stream == NULL)
        return;
    for (int i = 0; i < 5000; i++)
        fprintf(stream, "%d\n", i);
    CHECK(fseek(stream, 0, SEEK_SET) == 0);
    int number, expected = 0;
    while (fscanf(stream, "%d", &number) == 1 && number == expected)
        expected++;
    CHECK(expected == 5000);
    CHECK(fclose(stream) == 0 && unlink(FOLDER "/large") == 0);
}

static void check_directories(void) {
    char path[64];
    int entries = 0;
    CHECK(mkdir(FOLDER "/sub", 0755) == 0 && mkdir(FOLDER "/sub", 0755) == -1 && errno == EEXIST);
    CHECK(chdir(FOLDER "/sub") == 0 && getcwd(path, sizeof(path)) != NULL &&
          strcmp(path, FOLDER "/sub") == 0);
    CHECK(chdir("./..//../libcheck/.") == 0 && strcmp(getcwd(path, sizeof(path)), FOLDER) == 0);
    struct stat found;
    CHECK(stat("b", &found) == 0 && chdir("b") == -1 && errno == ENOTDIR);
    DIR *directory = opendir(".");
    CHECK(directory != NULL);
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL; entries++)
        CHECK(strcmp(entry->d_name, "b") == 0 || strcmp(entry->d_name, "sub") == 0);
    CHECK(entries == 2);
    CHECK(directory != NULL && closedir(directory) == 0);
    CHECK(rmdir(FOLDER) == -1 && rmdir("sub") == 0 && unlink("b") == 0 && rmdir(FOLDER) == 0);
    CHECK(chdir("/") == 0);
}

static void check_newlib(void) {
    char text[80];
    regex_t expression;
    struct timespec before, after;
    snprintf(text, sizeof(text), "%d %s %05x %lld %.3f", -5, "abc", 0xbeef, 1234567890123LL, 2.5);
    CHECK(strcmp(text, "-5 abc 0beef 1234567890123 2.500") == 0);
    CHECK(strtod("0.125", NULL) == 0.125);
    CHECK(regcomp(&expression, "^a.*z$", REG_NOSUB) == 0);
    CHECK(regexec(&expression, "abcz", 0, NULL, 0) == 0 &&
          regexec(&expression, "abc", 0, NULL, 0) != 0);
    regfree(&expression);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0 && usleep(3000) == 0);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
    CHECK((after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec >=
          3000000);
    CHECK(getenv("PATH") != NULL && setenv("X", "1", 1) == 0 && strcmp(getenv("X"), "1") == 0);
    CHECK(strcmp(quartet_error_name(-E_NOMEM), "E_NOMEM") == 0);
}

static void check_services(void) {
    struct handle_stat stat;
    int session = quartet_service("files");
    CHECK(session >= HANDLE_FIRST && handle_stat(session, &stat) == 0);
    CHECK(stat.type == OBJECT_SESSION && stat.id == BADGE_FILES && !(stat.rights & RIGHT_READ));
    CHECK(close(session) == 0);
    CHECK(quartet_service("nobody") == -1 && errno == ENOENT);
    CHECK(quartet_service("") == -1 && errno == ENOENT);
    CHECK(quartet_service("a name that is longer than any") == -1 && errno == ENOENT);

    struct message weak = {
        .label = NAMES_LOOK_UP, .send_buffer = (uintptr_t) "files", .send_length = 5};
    CHECK(ipc_call(HANDLE_NAMES, &weak) == 0 && weak.label == 0);
    CHECK(handle_stat(weak.handle[0], &stat) == 0 && stat.rights == RIGHT_TRANSFER);
    CHECK(close(weak.handle[0]) == 0);

    struct message registration = {.label = NAMES_REGISTER,
                                   .handle = {HANDLE_FILES},
                                   .handle_count = 1,
                                   .send_buffer = (uintptr_t) "mine",
                                   .send_length = 4};
    CHECK(ipc_call(HANDLE_NAMES, &registration) == 0 && registration.label == EPERM);
    CHECK(quartet_service("mine") == -1 && errno == ENOENT);
}

/* How a program ends that has no handles but GIFT. */
static long run_with(const char *path, const struct quartet_gift *gift) {
    struct quartet_spawn spawn = {
        .program = {.path = path}, .plan = PLAN_SPAWN, .gifts = gift, .gift_count = 1};
    struct process_status ended;
    int child = quartet_spawn(&spawn);
    if (child < 0 || process_wait(child, 0, &ended) < 0 || close(child) < 0)
        return -1;
    return (long)ended.status;
}

static void check_gifts(void) {
    static const struct quartet_gift files = {HANDLE_FILES, RIGHT_WRITE, HANDLE_FILES},
                                     nothing = {HANDLE_SYSTEM, 0, HANDLE_SYSTEM},
                                     bad = {HANDLE_LIMIT - 1, 0, HANDLE_SYSTEM};
    CHECK(run_with("/bin/true", &nothing) == 0);
    CHECK(run_with("/bin/mkdir", &nothing) == 2); /* its usage, which nobody sees */
    CHECK(run_with("/bin/cat", &files) != 0);     /* no input */
    CHECK(run_with("/bin/true", &bad) == -1 && errno == EBADF);
}

/* What the loader gives cannot be used to change what others run. */
static void check_loader(void) {
    struct quarter_stat before, after;
    struct handle_stat stat;
    char byte = 0;
    int loader = quartet_service("loader"), quarter;
    struct message message = {
        .word = {0xF}, .send_buffer = (uintptr_t) "/bin/libcheck", .send_length = 13};
    message.label = LOADER_LOAD;
    CHECK(ipc_call(loader, &message) == 0 && (message.label == 0 || message.label == ENOSPC));
    if (message.label == ENOSPC) { /* on a machine with little memory */
        CHECK(close(loader) == 0);
        return;
    }
    CHECK(message.handle_count == 2);
    CHECK(message.word[0] != 0 && message.word[1] == RENEW(0) && message.word[2] == RENEW(1));
    quarter = message.handle[0];
    CHECK(handle_stat(quarter, &stat) == 0 &&
          stat.rights == (RIGHT_READ | RIGHT_EXECUTE | RIGHT_MAP | RIGHT_TRANSFER));
    CHECK(quarter_stat(QUARTET_SLOT(0), &before) == 0 && stat.id == before.sub_id);
    CHECK(quarter_supply(quarter, 0x400000, &byte, 1) == -E_RIGHTS);
    CHECK(quarter_map(quarter, 0, PAGE_SIZE, RIGHT_READ) == -E_RIGHTS);
    CHECK(quarter_protect(quarter, 0x400000, PAGE_SIZE, RIGHT_READ) == -E_RIGHTS);
    CHECK(quarter_unmap(quarter, 0x400000, PAGE_SIZE) == -E_RIGHTS);
    struct space_change change = {
        .process = QUARTET_SELF,
        .quarter = {quarter, QUARTET_KEEP, QUARTET_KEEP, QUARTET_KEEP},
        .rights = {RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE},
    };
    CHECK(space_set(&change) == -E_RIGHTS);
    CHECK(quarter_supply(QUARTET_SLOT(0), 0x400000, &byte, 1) == -E_RIGHTS);
    CHECK(quarter_map(QUARTET_SLOT(0), 0, PAGE_SIZE, RIGHT_READ) == -E_RIGHTS);
    CHECK(quarter_protect(QUARTET_SLOT(0), 0x400000, PAGE_SIZE, RIGHT_READ) == -E_RIGHTS);
    CHECK(quarter_unmap(QUARTET_SLOT(0), 0x400000, PAGE_SIZE) == -E_RIGHTS);

    CHECK(handle_stat(message.handle[1], &stat) == 0 &&
          stat.rights == (RIGHT_READ | RIGHT_DUPLICATE | RIGHT_TRANSFER));
    CHECK(close(quarter) == 0 && close(message.handle[1]) == 0);
    static const struct {
        const char *path;
        uint32_t error;
    } bad[] = {{"/etc/motd", ENOEXEC}, {"/bin", EACCES}, {"/bin/nothing", ENOENT}, {"", ENOENT}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        message = (struct message){.label = LOADER_LOAD,
                                   .word = {0xF},
                                   .send_buffer = (uintptr_t)bad[i].path,
                                   .send_length = (uint32_t)strlen(bad[i].path)};
        CHECK(ipc_call(loader, &message) == 0 && message.label == bad[i].error);
        CHECK(message.handle_count == 0);
    }
    CHECK(close(loader) == 0);

    /* A slot of one's own: the same program, in a quarter that can be changed. */
    CHECK(quartet_slot_own(0) == 0 && quarter_stat(QUARTET_SLOT(0), &after) == 0);
    CHECK(after.sub_id != before.sub_id && (after.view & RIGHT_WRITE));
    CHECK(quartet_slot_own(0) == 0 && quarter_stat(QUARTET_SLOT(0), &before) == 0);
    CHECK(after.sub_id == before.sub_id && quartet_slot_own(4) == -E_SLOT);
}

int main(void) {
    check_loader();
    check_gifts();
    check_memory();
    check_threads();
    check_waiting();
    check_plans();
    check_processes();
    check_newlib();
    check_services();
    CHECK(mkdir(FOLDER, 0755) == 0);
    check_files();
    check_large_file();
    check_directories();
    check_pipe_and_exec();
    check_spawn();
    return check_end();
}
