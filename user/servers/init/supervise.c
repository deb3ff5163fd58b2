/* SPDX-License-Identifier: MIT */
/*
 * The servers' lives. Init keeps the endpoint of each, with the right to receive that it never
 * uses: so the endpoint outlives the server, clients' sessions stay valid, and what they call while
 * no server is there waits in the queue for the next instance. Calls that the dead one had received
 * end with E_DEAD (the kernel sees to that). When a server is given up its endpoint is closed, and
 * then every caller gets E_DEAD, those in the queue too.
 *
 *     running ──killed, or a fault──> waiting ──its time has come──> running
 *        └──exit by itself, or QUICK_ENDS_LIMIT ends in a row within QUICK of the start──> given up
 *
 * The first start after an end comes at once; after each further quick end the wait doubles.
 */
#include "user/servers/init/init.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/servers/board.h"

#define MILLISECOND 1000000u /* in nanoseconds */
#define QUICK (500u * MILLISECOND)
#define QUICK_ENDS_LIMIT 5u
#define BACK_OFF (20u * MILLISECOND)

static int board; /* a quarter of slot 2, which init itself only writes to by its handle */

/* ---- The board ------------------------------------------------------------------------------- */

static void board_create(void) {
    board = (int)check(quarter_create(SLOT_SHARED), "cannot create the board");
    check(quarter_map(board, 0, PAGE_SIZE, RIGHT_READ), "cannot create the board");
}

/* A failure is none of init's concern: somebody sees an old state. */
static void board_write(void) {
    struct board state = {.count = service_count};
    for (uint32_t i = 0; i < service_count; i++) {
        state.service[i] = services[i].state;
    }
    quarter_supply(board, 0, &state, sizeof state);
}

/* ---- Starting -------------------------------------------------------------------------------- */

/* The place of one that was given up stays empty. */
static size_t named_resolve(const struct grant *grant, struct quartet_gift *gifts, size_t room) {
    size_t count = 0;
    int index = grant->index;
    for (uint32_t i = 0; i < service_count && count < room; i++) {
        if (services[i].named && services[i].session != QUARTET_NONE) {
            gifts[count++] = (struct quartet_gift){services[i].session, grant->rights, index};
        }
        index += services[i].named;
    }
    return count;
}

/* The pages of the graphics screen; false: there is none. */
static bool framebuffer_range(struct device_range *range) {
    struct info_framebuffer picture;
    if (system_info(HANDLE_SYSTEM, INFO_FRAMEBUFFER, &picture, sizeof picture) < 0) {
        return false;
    }
    uint64_t end = picture.address + (uint64_t)picture.pitch * picture.height;
    range->physical = picture.address & ~(uint64_t)(PAGE_SIZE - 1);
    range->length = ((end + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1)) - range->physical;
    return true;
}

/* A device for one server: it has the only handle afterwards, so the line is free again when it has
 * ended. Negative: the machine has no such device. */
static int device_create_for(const struct grant *grant) {
    struct device_range range = {.physical = grant->first, .length = grant->count};
    switch (grant->kind) {
    case GRANT_SCREEN:
        return framebuffer_range(&range) ? (int)device_create(HANDLE_SYSTEM, &range) : QUARTET_NONE;
    case GRANT_LINE:
        return (int)irq_create(HANDLE_SYSTEM, grant->first);
    case GRANT_PORTS:
        return (int)ioport_create(HANDLE_SYSTEM, grant->first, grant->count);
    default:
        return (int)device_create(HANDLE_SYSTEM, &range);
    }
}

static bool grant_is_device(const struct grant *grant) {
    return grant->kind == GRANT_LINE || grant->kind == GRANT_PORTS || grant->kind == GRANT_MEMORY ||
           grant->kind == GRANT_SCREEN;
}

void grants_release(const struct grant *grant, const struct quartet_gift *gifts, size_t count) {
    for (; grant->kind != GRANT_END; grant++) {
        for (size_t i = 0; i < count; i++) {
            if (grant_is_device(grant) && gifts[i].index == grant->index) {
                handle_close(gifts[i].handle);
            }
        }
    }
}

size_t grants_resolve(const struct grant *grant, struct quartet_gift gifts[GRANT_LIMIT]) {
    size_t count = 0;
    for (; grant->kind != GRANT_END && count < GRANT_LIMIT; grant++) {
        int handle = QUARTET_NONE;
        switch (grant->kind) {
        case GRANT_SYSTEM:
            handle = HANDLE_SYSTEM;
            break;
        case GRANT_BOARD:
            handle = board;
            break;
        case GRANT_SESSION:
            handle = service_find(grant->of)->session;
            break;
        case GRANT_KEPT:
            handle = service_find(grant->of)->kept;
            break;
        case GRANT_LINE:
        case GRANT_PORTS:
        case GRANT_MEMORY:
        case GRANT_SCREEN:
            handle = device_create_for(grant);
            break;
        case GRANT_NAMED:
            count += named_resolve(grant, gifts + count, GRANT_LIMIT - count);
            break;
        case GRANT_END:
            break;
        }
        if (handle >= 0) {
            gifts[count++] = (struct quartet_gift){handle, grant->rights, grant->index};
        }
    }
    return count;
}

/* Start an instance; 0, or -1 with errno set. */
static int service_spawn(struct service *service) {
    char *argv[ARGUMENT_LIMIT] = {(char *)service->name};
    struct quartet_gift gifts[1 + GRANT_LIMIT];
    struct handle_stat stat;
    uint32_t length;
    const void *image = initrd_file(service->program, &length);
    if (image == NULL) {
        errno = ENOENT;
        return -1;
    }
    if (service->arguments != NULL) {
        service->arguments(service, argv + 1);
    }
    gifts[0] = (struct quartet_gift){service->endpoint, RIGHT_READ | RIGHT_WRITE, HANDLE_SERVICE};
    size_t count = 1 + grants_resolve(service->grants, gifts + 1);
    struct quartet_spawn spawn = {
        .program = {.image = image, .image_length = length, .name = service->name, .argv = argv},
        .plan = service->plan,
        .gifts = gifts,
        .gift_count = count,
    };
    service->process = quartet_spawn(&spawn);
    grants_release(service->grants, gifts + 1, count - 1);
    if (service->process < 0) {
        return -1;
    }
    check(handle_stat(service->process, &stat), service->name);
    service->state.pid = (uint32_t)stat.id;
    service->state.phase = SERVICE_RUNNING;
    clock_now(&service->started);
    return 0;
}

static void kept_create(struct service *service) {
    service->kept = QUARTET_NONE;
    if (service->kept_size > 0) {
        service->kept = (int)check(quarter_create(SLOT_SHARED), "cannot create a quarter");
        check(quarter_map(service->kept, 0, service->kept_size, RIGHT_READ | RIGHT_WRITE),
              "cannot create a quarter");
    }
}

static void service_prepare(struct service *service, uint32_t frames) {
    snprintf(service->state.name, sizeof service->state.name, "%s", service->name);
    if (frames < service->least_frames) {
        service->state.phase = SERVICE_LEFT_OUT;
        service->endpoint = service->session = QUARTET_NONE;
        return;
    }
    kept_create(service);
    service->endpoint = (int)check(endpoint_create(), "cannot create an endpoint");
    service->session =
        (int)check(endpoint_session(service->endpoint, service->badge), "cannot create a session");
}

void services_start(void) {
    board_create();
    for (uint32_t i = 0; i < service_count; i++) {
        service_prepare(&services[i], machine_frames());
    }
    for (uint32_t i = 0; i < service_count; i++) {
        if (services[i].state.phase != SERVICE_LEFT_OUT && service_spawn(&services[i]) < 0) {
            fail(services[i].program, strerror(errno));
        }
    }
    board_write();
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static void service_give_up(struct service *service, const char *why) {
    if (service->essential) {
        fail(service->name, why);
    }
    say("init: %s: %s; its clients get errors from now on", service->name, why);
    service->state.phase = SERVICE_GIVEN_UP;
    handle_close(service->endpoint);
    handle_close(service->session);
    service->endpoint = service->session = QUARTET_NONE;
}

/* It has ended, or could not be started: when is the next try? */
static void service_schedule(struct service *service) {
    uint64_t now;
    clock_now(&now);
    bool quick = now - service->started < QUICK;
    service->quick_ends = quick ? service->quick_ends + 1 : 1;
    if (service->quick_ends > QUICK_ENDS_LIMIT) {
        service_give_up(service, "given up, as it ends at once again and again");
        return;
    }
    service->state.phase = SERVICE_WAITING;
    service->due =
        service->quick_ends == 1 ? now : now + ((uint64_t)BACK_OFF << (service->quick_ends - 2));
}

static void say_end(const struct service *service, uint32_t status) {
    const char *how = status & STATUS_FAULT ? "has ended by a fault" : "was killed";
    say("init: %s (pid %lu) %s", service->name, (unsigned long)service->state.pid, how);
}

static struct service *service_by_pid(uint32_t pid) {
    for (uint32_t i = 0; i < service_count; i++) {
        if (services[i].state.phase == SERVICE_RUNNING && services[i].state.pid == pid) {
            return &services[i];
        }
    }
    return NULL;
}

void service_ended(uint32_t pid, uint32_t status) {
    struct service *service = service_by_pid(pid);
    if (service == NULL) {
        return;
    }
    handle_close(service->process);
    if (status & (STATUS_FAULT | STATUS_KILLED)) {
        say_end(service, status);
        service_schedule(service);
    } else {
        service_give_up(service, "the server has ended by itself");
    }
    service->state.pid = 0;
    board_write();
    services_start_due();
}

bool services_waiting(void) {
    for (uint32_t i = 0; i < service_count; i++) {
        if (services[i].state.phase == SERVICE_WAITING) {
            return true;
        }
    }
    return false;
}

static void service_start_again(struct service *service) {
    service->state.restarts++;
    if (service_spawn(service) == 0) {
        say("init: %s is started again (pid %lu)", service->name,
            (unsigned long)service->state.pid);
    } else {
        say("init: %s cannot be started: %s", service->name, strerror(errno));
        clock_now(&service->started);
        service_schedule(service);
    }
    board_write();
}

void services_start_due(void) {
    uint64_t now;
    clock_now(&now);
    for (uint32_t i = 0; i < service_count; i++) {
        if (services[i].state.phase == SERVICE_WAITING && services[i].due <= now) {
            service_start_again(&services[i]);
        }
    }
}
