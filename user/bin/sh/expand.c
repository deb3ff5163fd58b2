/* SPDX-License-Identifier: MIT */
/*
 * From words as typed to fields: quotes are removed, $ is replaced, what an unquoted $ gave is
 * split at blanks, and unquoted * ? [ become the names of files that match, if there are any. Also
 * the shell's variables: exported ones live in the environment, the others in a small table here.
 * Read run.c next.
 */
#include "sh.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE_COUNT 64

static struct variable { char *name, *value; /* name null: free */ } variables[VARIABLE_COUNT];

/* ---- Variables ------------------------------------------------------------------------------- */

static bool is_name_start(char character) {
    return isalpha((unsigned char)character) || character == '_';
}

static bool is_name_character(char character) {
    return isalnum((unsigned char)character) || character == '_';
}

bool name_is_valid(const char *text, size_t length) {
    if (length == 0 || !is_name_start(text[0])) {
        return false;
    }
    for (size_t i = 1; i < length; i++) {
        if (!is_name_character(text[i])) {
            return false;
        }
    }
    return true;
}

static struct variable *variable_find(const char *name) {
    for (struct variable *variable = variables; variable < variables + VARIABLE_COUNT; variable++) {
        if (variable->name != NULL && strcmp(variable->name, name) == 0) {
            return variable;
        }
    }
    return NULL;
}

const char *variable_get(const char *name) {
    struct variable *variable = variable_find(name);
    return variable != NULL ? variable->value : getenv(name);
}

static int variable_create(const char *name, char *value) {
    for (struct variable *variable = variables; variable < variables + VARIABLE_COUNT; variable++) {
        if (variable->name == NULL) {
            variable->name = strdup(name);
            variable->value = value;
            return variable->name != NULL ? 0 : -1;
        }
    }
    return -1;
}

int variable_set(const char *name, const char *value) {
    if (getenv(name) != NULL) {
        return setenv(name, value, 1);
    }
    char *copy = strdup(value);
    if (copy == NULL) {
        return -1;
    }
    struct variable *variable = variable_find(name);
    if (variable == NULL) {
        int result = variable_create(name, copy);
        if (result != 0) {
            free(copy);
        }
        return result;
    }
    free(variable->value);
    variable->value = copy;
    return 0;
}

static void variable_forget(struct variable *variable) {
    free(variable->name);
    free(variable->value);
    variable->name = variable->value = NULL;
}

/* VALUE null: the one it has, or none. */
int variable_export(const char *name, const char *value) {
    struct variable *variable = variable_find(name);
    if (value == NULL) {
        value = variable != NULL ? variable->value : getenv(name) != NULL ? getenv(name) : "";
    }
    if (setenv(name, value, 1) != 0) {
        return -1;
    }
    if (variable != NULL) {
        variable_forget(variable);
    }
    return 0;
}

int variable_unset(const char *name) {
    struct variable *variable = variable_find(name);
    if (variable != NULL) {
        variable_forget(variable);
    }
    return unsetenv(name);
}

/* ---- Fields ---------------------------------------------------------------------------------- */

static struct {
    char text[LINE_SIZE * 2]; /* the field that is being built, with \ before quoted * ? [ and \ */
    size_t length;
    bool open;     /* it exists, though it may be empty */
    bool wildcard; /* it has a * ? or [ that is not quoted */
    bool split;    /* blanks from a variable end it, and wildcards stand for file names */
    struct word *first, **tail;
    int count;
} field;

static void field_reset(bool split) {
    field.length = 0;
    field.open = field.wildcard = false;
    field.split = split;
    field.first = NULL;
    field.tail = &field.first;
    field.count = 0;
}

static void field_add(char character, bool quoted) {
    bool special = character != '\0' && strchr("*?[\\", character) != NULL;
    if (field.length > sizeof field.text - 3) {
        shell_abandon_line("a word is too long");
    }
    if (special && (quoted || character == '\\')) {
        field.text[field.length++] = '\\';
    }
    field.wildcard = field.wildcard || (special && !quoted && character != '\\');
    field.text[field.length++] = character;
    field.open = true;
}

static void field_append(const char *text, size_t length) {
    struct word *word = arena_take(sizeof *word);
    word->text = arena_text(text, length);
    *field.tail = word;
    field.tail = &word->next;
    field.count++;
}

/* The names of the files that the field describes, sorted. False if there is none. */
static bool field_append_matches(void) {
    glob_t found = {0};
    field.text[field.length] = '\0';
    bool matches = glob(field.text, 0, NULL, &found) == 0 && found.gl_pathc > 0;
    for (size_t i = 0; matches && i < (size_t)found.gl_pathc; i++) {
        field_append(found.gl_pathv[i], strlen(found.gl_pathv[i]));
    }
    globfree(&found);
    return matches;
}

static void field_remove_backslashes(void) {
    size_t to = 0;
    for (size_t from = 0; from < field.length; from++) {
        from += field.text[from] == '\\';
        field.text[to++] = field.text[from];
    }
    field.length = to;
}

static void field_end(void) {
    if (field.open && !(field.wildcard && field.split && field_append_matches())) {
        field_remove_backslashes();
        field_append(field.text, field.length);
    }
    field.length = 0;
    field.open = field.wildcard = false;
}

static void field_add_value(const char *value, bool quoted) {
    for (; *value != '\0'; value++) {
        if (!quoted && field.split && isspace((unsigned char)*value)) {
            field_end();
        } else {
            field_add(*value, quoted);
        }
    }
}

static void field_add_number(long number) {
    char digits[24];
    snprintf(digits, sizeof digits, "%ld", number);
    field_add_value(digits, true);
}

static void field_add_arguments(bool quoted) {
    for (int i = 0; i < shell.argument_count; i++) {
        if (i > 0 && field.split) {
            field_end();
        } else if (i > 0) {
            field_add(' ', true);
        }
        field_add_value(shell.arguments[i], quoted);
        field.open = field.open || quoted;
    }
}

static void expand_digit(int digit, bool quoted) {
    if (digit == 0) {
        field_add_value(shell.name, quoted);
    } else if (digit <= shell.argument_count) {
        field_add_value(shell.arguments[digit - 1], quoted);
    }
}

/* TEXT stands behind the $. Returns what follows the name. */
static const char *expand_name(const char *text, bool quoted) {
    bool braces = *text == '{';
    const char *name = text + braces, *end = name;
    while (is_name_character(*end)) {
        end++;
    }
    if (end == name || (braces && *end != '}')) {
        field_add('$', true);
        return text;
    }
    const char *value = variable_get(arena_text(name, (size_t)(end - name)));
    if (value != NULL) {
        field_add_value(value, quoted);
    }
    return end + braces;
}

static const char *expand_dollar(const char *text, bool quoted) {
    switch (*text) {
    case '?':
        field_add_number(shell.status);
        return text + 1;
    case '$':
        field_add_number(shell.pid);
        return text + 1;
    case '!':
        field_add_number(job_last_pid());
        return text + 1;
    case '#':
        field_add_number(shell.argument_count);
        return text + 1;
    case '@':
    case '*':
        field_add_arguments(quoted);
        return text + 1;
    default:
        if (isdigit((unsigned char)*text)) {
            expand_digit(*text - '0', quoted);
            return text + 1;
        }
        return expand_name(text, quoted);
    }
}

static const char *expand_double_quoted(const char *text) {
    while (*text != '"') {
        if (*text == '$') {
            text = expand_dollar(text + 1, true);
        } else if (*text == '\\' && text[1] == '\n') {
            text += 2;
        } else {
            text += *text == '\\' && strchr("$\"\\`", text[1]) != NULL;
            field_add(*text++, true);
        }
    }
    return text + 1;
}

/* The parser has seen to it that every quote is closed. */
static void expand_word(const char *text) {
    while (*text != '\0') {
        char character = *text++;
        if (character == '\'') {
            field.open = true;
            while (*text != '\'') {
                field_add(*text++, true);
            }
            text++;
        } else if (character == '"') {
            /* "$@" without arguments is no field at all; every other "" is an empty one. */
            field.open = field.open || strncmp(text, "$@\"", 3) != 0;
            text = expand_double_quoted(text);
        } else if (character == '$') {
            text = expand_dollar(text, false);
        } else if (character == '\\') {
            if (*text != '\n') {
                field_add(*text, true);
            }
            text++;
        } else {
            field_add(character, false);
        }
    }
    field_end();
}

char **expand_words(const struct word *words, int *count) {
    field_reset(true);
    for (; words != NULL; words = words->next) {
        expand_word(words->text);
    }
    char **fields = arena_take((size_t)(field.count + 1) * sizeof *fields);
    int index = 0;
    for (struct word *word = field.first; word != NULL; word = word->next) {
        fields[index++] = (char *)word->text;
    }
    *count = index;
    return fields;
}

const char *expand_text(const char *text) {
    field_reset(false);
    expand_word(text);
    return field.first != NULL ? field.first->text : "";
}
