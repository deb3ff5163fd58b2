/* SPDX-License-Identifier: MIT */
/*
 * The picture: a line on the machine, its CPUs, and a row for each process.
 *
 *     Quartet long   2 CPUs   9 processes   31 quarters   221 of 248 MiB free                  q leaves
 *     CPU 0  sh        3120      CPU 1  idle      0000
 *     PID NAME       CPU   SLOT 0  text     SLOT 1  data     SLOT 2  shared   SLOT 3  stack
 *       1 init             [ 1        18 ]  [ 2        6 ]   [ 3r x2   229 ]  [ 4         9 ]
 *
 * A box: the sub-ID, r for a view without the right to write, g for the commons, how many processes
 * have the quarter if there are several, its pages. A bar at its foot doubles the pages with each
 * eighteenth of its width. Framed: white, page faults since the last picture; red, shootdowns.
 */
#include "view.h"

#include <stdio.h>

#define MARGIN 8u
#define LETTER 8u
#define LINE 16u
#define TITLE_Y 4u
#define CPU_Y 24u
#define CPU_WIDTH 248u
#define CPU_HEIGHT 20u
#define CPU_TAG 152u /* of the tag in it */
#define ROW 26u
#define BOX 22u
#define BOXES_X 192u
#define BOX_GAP 8u
#define BAR 4u
#define PAGES_LOG 18u /* of a whole quarter */

#define BACK 0x101418u
#define INK 0xD8D8D8u
#define FAINT 0x808890u
#define WHITE 0xFFFFFFu
#define RED 0xFF3030u

/* ---- Colours --------------------------------------------------------------------------------- */

/* Of 1536 hues, from red by green and blue. */
static uint32_t hue_colour(uint32_t hue) {
    uint32_t rising = 64 + (hue & 0xFF) * 3 / 4, falling = 255 + 64 - rising;
    switch (hue >> 8) {
    case 0:
        return 0xFF0040 | rising << 8;
    case 1:
        return 0x00FF40 | falling << 16;
    case 2:
        return 0x40FF00 | rising;
    case 3:
        return 0x4000FF | falling << 8;
    case 4:
        return 0x0040FF | rising << 16;
    default:
        return 0xFF4000 | falling;
    }
}

/* The golden ratio sends neighbours far apart. */
static uint32_t quarter_colour(uint64_t sub_id) {
    uint32_t spread = (uint32_t)sub_id * 0x9E3779B1u;
    return hue_colour((spread >> 16) * 1536 >> 16);
}

static uint32_t dimmed(uint32_t rgb) { return rgb >> 2 & 0x3F3F3F; }

static uint32_t ink_on(uint32_t rgb) {
    uint32_t light = (rgb >> 16 & 0xFF) * 3 + (rgb >> 8 & 0xFF) * 6 + (rgb & 0xFF);
    return light > 1280 ? 0x000000 : WHITE;
}

/* ---- The machine and its CPUs ---------------------------------------------------------------- */

static void paint_title(const struct facts *facts) {
    const struct info_machine *machine = &facts->machine;
    char text[128];
    snprintf(text, sizeof text,
             "Quartet %s   %lu CPU%s   %lu processes   %lu quarters   %lu of %lu MiB free",
             machine->arch, (unsigned long)machine->cpus, machine->cpus == 1 ? "" : "s",
             (unsigned long)machine->processes, (unsigned long)machine->quarters,
             (unsigned long)machine->frames_free / 256, (unsigned long)machine->frames / 256);
    canvas_text(MARGIN, TITLE_Y, text, WHITE);
    canvas_text(canvas_width() - MARGIN - 8 * LETTER, TITLE_Y, "q leaves", FAINT);
}

/* Four octal digits, slot 3 first, each in the colour of the quarter that has it. */
static void paint_tag(const struct info_cpu *cpu, uint32_t x, uint32_t y) {
    for (uint32_t slot = SLOT_COUNT; slot-- > 0; x += 2 * LETTER) {
        uint64_t quarter = facts_digit_quarter(cpu, slot);
        char digit[2] = {(char)('0' + (cpu->tag >> (3 * slot) & 7)), 0};
        uint32_t colour = quarter != 0 ? quarter_colour(quarter) : dimmed(FAINT);
        canvas_fill(x, y, 2 * LETTER - 2, LINE, colour);
        canvas_text(x + 3, y, digit, ink_on(colour));
    }
}

static void paint_cpu(const struct facts *facts, uint32_t number, uint32_t x, uint32_t y) {
    const struct info_cpu *cpu = &facts->cpu[number];
    char text[32];
    snprintf(text, sizeof text, "CPU %-2lu %s", (unsigned long)number, facts->cpu_name[number]);
    canvas_text(x, y, text, cpu->pid != CPU_IDLE ? WHITE : FAINT);
    if (cpu->tags != 0) {
        paint_tag(cpu, x + CPU_TAG, y);
    } else {
        canvas_text(x + CPU_TAG, y, "no tags", dimmed(INK));
    }
}

/* Returns where the next thing goes. */
static uint32_t paint_cpus(const struct facts *facts) {
    uint32_t x = MARGIN, y = CPU_Y;
    for (uint32_t i = 0; i < facts->cpus; i++) {
        if (x + CPU_WIDTH > canvas_width() && x != MARGIN) {
            x = MARGIN;
            y += CPU_HEIGHT;
        }
        paint_cpu(facts, i, x, y);
        x += CPU_WIDTH;
    }
    return y + CPU_HEIGHT + MARGIN / 2;
}

/* ---- Processes ------------------------------------------------------------------------------- */

static uint32_t box_width(void) {
    return (canvas_width() - BOXES_X - MARGIN) / SLOT_COUNT - BOX_GAP;
}

static uint32_t box_x(uint32_t slot) { return BOXES_X + slot * (box_width() + BOX_GAP); }

static uint32_t pages_log(uint32_t pages) {
    uint32_t log = 0;
    for (; pages != 0; pages >>= 1) {
        log++;
    }
    return log < PAGES_LOG ? log : PAGES_LOG;
}

static void paint_box(const struct info_slot *slot, uint32_t news, uint32_t x, uint32_t y) {
    uint32_t width = box_width(), bright = quarter_colour(slot->sub_id);
    uint32_t colour = slot->processes > 1 ? bright : dimmed(bright), ink = ink_on(colour);
    char text[24], pages[16];
    canvas_fill(x, y, width, BOX, colour);
    canvas_fill(x, y + BOX - BAR, width * pages_log(slot->resident) / PAGES_LOG, BAR,
                slot->processes > 1 ? dimmed(bright) : bright);
    int used = snprintf(text, sizeof text, "%lu%s", (unsigned long)slot->sub_id,
                        slot->commons              ? "g"
                        : slot->view & RIGHT_WRITE ? ""
                                                   : "r");
    if (slot->processes > 1) {
        snprintf(text + used, sizeof text - (size_t)used, " x%lu", (unsigned long)slot->processes);
    }
    canvas_text(x + LETTER, y + 2, text, ink);
    int digits = snprintf(pages, sizeof pages, "%lu", (unsigned long)slot->resident);
    canvas_text(x + width - (uint32_t)(digits + 1) * LETTER, y + 2, pages, ink);
    if (news != 0) {
        canvas_frame(x, y, width, BOX, news & NEWS_SHOOTDOWNS ? RED : WHITE);
    }
}

static void cpus_text(uint64_t mask, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    for (uint32_t cpu = 0; mask != 0 && used + 4 < size; cpu++, mask >>= 1) {
        if (mask & 1) {
            used += (size_t)snprintf(text + used, size - used, used > 0 ? ",%lu" : "%lu",
                                     (unsigned long)cpu);
        }
    }
}

/* Else it has ended, and nobody has asked for its status yet. */
static bool has_quarters(const struct info_process *info) {
    uint64_t any = 0;
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        any |= info->slot[slot].sub_id;
    }
    return any != 0;
}

static void paint_process(const struct fact_process *process, uint32_t y) {
    const struct info_process *info = &process->info;
    char text[40], cpus[8];
    cpus_text(info->running, cpus, sizeof cpus);
    snprintf(text, sizeof text, "%4lu %-11.11s %s", (unsigned long)info->pid, info->name, cpus);
    canvas_text(MARGIN, y + 2, text, info->running != 0 ? WHITE : INK);
    if (!has_quarters(info)) {
        canvas_text(box_x(0) + LETTER, y + 2, "ended", FAINT);
    }
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        if (info->slot[slot].sub_id != 0) {
            paint_box(&info->slot[slot], process->news[slot], box_x(slot), y);
        }
    }
}

static uint32_t paint_head(uint32_t y) {
    static const char *const heads[SLOT_COUNT] = {"SLOT 0  text", "SLOT 1  data", "SLOT 2  shared",
                                                  "SLOT 3  stack"};
    canvas_text(MARGIN, y, " PID NAME        CPU", FAINT);
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        canvas_text(box_x(slot) + LETTER, y, heads[slot], FAINT);
    }
    return y + LINE + MARGIN / 2;
}

static void paint_foot(const struct facts *facts, uint32_t hidden) {
    char text[128];
    int used = snprintf(text, sizeof text,
                        "one colour, one quarter; bright: shared.  frames: faults, shootdowns.  "
                        "bars: pages, doubling");
    if (hidden + facts->more > 0) {
        snprintf(text + used, sizeof text - (size_t)used, "   and %lu more",
                 (unsigned long)(hidden + facts->more));
    }
    canvas_text(MARGIN, canvas_height() - LINE - MARGIN / 2, text, FAINT);
}

void paint(const struct facts *facts) {
    canvas_fill(0, 0, canvas_width(), canvas_height(), BACK);
    paint_title(facts);
    uint32_t y = paint_head(paint_cpus(facts)), shown = 0;
    while (shown < facts->processes && y + ROW + LINE + MARGIN <= canvas_height()) {
        paint_process(&facts->process[shown++], y);
        y += ROW;
    }
    paint_foot(facts, facts->processes - shown);
    canvas_show();
}
