/* SPDX-License-Identifier: MIT */
/*
 * Formatted output. The formatter writes to a sink: memory of a fixed size, or the console, by way
 * of a small buffer. The console lock is held for the whole of one print, so that lines of
 * different CPUs do not mix; a panic takes no lock at all. No floating point, no %n, no precision,
 * no allocation.
 */
#include "kernel/base/print.h"

#include <string.h>

#include "kernel/device/console.h"

static bool quiet;

struct sink {
    char *buffer;
    size_t size;   /* room in the buffer */
    size_t used;   /* of it */
    size_t length; /* all that was put */
    bool console;  /* a full buffer goes to the console; else what does not fit is dropped */
};

static void sink_flush(struct sink *sink) {
    if (sink->console) {
        console_put(sink->buffer, sink->used);
        sink->used = 0;
    }
}

static void sink_put(struct sink *sink, char character) {
    if (sink->used == sink->size) {
        sink_flush(sink);
    }
    if (sink->used < sink->size) {
        sink->buffer[sink->used++] = character;
    }
    sink->length++;
}

/* One conversion: what stands between % and the letter. */
struct conversion {
    bool left, zero;
    u32 width;
    u32 longs; /* how many l; z counts as what size_t is */
};

static void sink_fill(struct sink *sink, char character, size_t count) {
    while (count-- > 0) {
        sink_put(sink, character);
    }
}

static void sink_put_bytes(struct sink *sink, const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        sink_put(sink, bytes[i]);
    }
}

/* Put LENGTH characters of TEXT, padded to the width; a sign or 0x in PREFIX stands before
 * zeros. */
static void put_padded(struct sink *sink, const struct conversion *conversion, const char *prefix,
                       const char *text, size_t length) {
    size_t total = strlen(prefix) + length;
    size_t padding = conversion->width > total ? conversion->width - total : 0;
    size_t before = conversion->left ? 0 : padding;
    sink_fill(sink, ' ', conversion->zero ? 0 : before);
    sink_put_bytes(sink, prefix, strlen(prefix));
    sink_fill(sink, '0', conversion->zero ? before : 0);
    sink_put_bytes(sink, text, length);
    sink_fill(sink, ' ', padding - before);
}

static void put_number(struct sink *sink, const struct conversion *conversion, const char *prefix,
                       u64 value, u32 base) {
    char digits[20];
    u32 count = 0;
    do {
        digits[sizeof(digits) - ++count] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    put_padded(sink, conversion, prefix, digits + sizeof(digits) - count, count);
}

/* Read flags, width and length of the conversion at FORMAT; return where its letter stands. */
static const char *conversion_parse(const char *format, struct conversion *conversion) {
    *conversion = (struct conversion){0};
    for (; *format == '-' || *format == '0'; format++) {
        conversion->left |= *format == '-';
        conversion->zero |= *format == '0';
    }
    for (; *format >= '0' && *format <= '9'; format++) {
        conversion->width = conversion->width * 10 + (u32)(*format - '0');
    }
    for (; *format == 'l' || *format == 'z'; format++) {
        conversion->longs++;
    }
    return format;
}

/* A va_list cannot be passed on by address portably, a structure around it can. */
struct arguments {
    va_list list;
};

static u64 unsigned_argument(struct arguments *arguments, u32 longs) {
    return longs == 0   ? va_arg(arguments->list, unsigned int)
           : longs == 1 ? va_arg(arguments->list, unsigned long)
                        : va_arg(arguments->list, unsigned long long);
}

static void put_conversion(struct sink *sink, struct conversion *conversion, char letter,
                           struct arguments *arguments) {
    switch (letter) {
    case 'd': {
        int value = va_arg(arguments->list, int);
        u32 magnitude = value < 0 ? -(u32)value : (u32)value;
        put_number(sink, conversion, value < 0 ? "-" : "", magnitude, 10);
        break;
    }
    case 'u':
    case 'x':
        put_number(sink, conversion, "", unsigned_argument(arguments, conversion->longs),
                   letter == 'x' ? 16 : 10);
        break;
    case 'p':
        put_number(sink, conversion, "0x", (uword)va_arg(arguments->list, void *), 16);
        break;
    case 's': {
        const char *text = va_arg(arguments->list, const char *);
        text = text != NULL ? text : "(null)";
        conversion->zero = false;
        put_padded(sink, conversion, "", text, strlen(text));
        break;
    }
    case 'c':
        sink_put(sink, (char)va_arg(arguments->list, int));
        break;
    default:
        sink_put(sink, letter);
        break;
    }
}

static void format_to(struct sink *sink, const char *format, va_list list) {
    struct arguments arguments;
    va_copy(arguments.list, list);
    while (*format != '\0') {
        if (*format != '%') {
            sink_put(sink, *format++);
            continue;
        }
        struct conversion conversion;
        format = conversion_parse(format + 1, &conversion);
        if (*format != '\0') {
            put_conversion(sink, &conversion, *format++, &arguments);
        }
    }
    va_end(arguments.list);
}

void print_arguments(const char *format, va_list arguments) {
    char buffer[128];
    struct sink sink = {.buffer = buffer, .size = sizeof(buffer), .console = true};
    bool locked = console_lock();
    format_to(&sink, format, arguments);
    sink_flush(&sink);
    console_unlock(locked);
}

void print_bytes(const char *bytes, size_t length) {
    bool locked = console_lock();
    console_put(bytes, length);
    console_unlock(locked);
}

void print(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_arguments(format, arguments);
    va_end(arguments);
}

void boot_log_quiet(bool value) { quiet = value; }

void boot_log(const char *format, ...) {
    if (quiet) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    print_arguments(format, arguments);
    va_end(arguments);
}

int format_text(char *buffer, size_t size, const char *format, ...) {
    struct sink sink = {.buffer = buffer, .size = size != 0 ? size - 1 : 0};
    va_list arguments;
    va_start(arguments, format);
    format_to(&sink, format, arguments);
    va_end(arguments);
    if (size != 0) {
        buffer[sink.used] = '\0';
    }
    return (int)sink.length;
}
