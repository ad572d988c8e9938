/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#define ENDING ".conf"

static int is_wanted(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > sizeof(ENDING) - 1 &&
           strcmp(entry->d_name + len - (sizeof(ENDING) - 1), ENDING) == 0;
}

/* Compares bytes, so that the order is the same in every locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_paths(const char *folder, struct dirent **entries, size_t n, struct text_list *paths)
{
    paths->items = calloc(n + 1, sizeof(*paths->items));
    if (paths->items == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        if (asprintf(&paths->items[i], "%s/%s", folder, entries[i]->d_name) < 0) {
            paths->items[i] = NULL;
            return -ENOMEM;
        }
        paths->n++;
    }
    return 0;
}

int files_list_folder(const char *path, struct text_list *ret_paths, char **ret_folder)
{
    const char *slash = strrchr(path, '/');
    int parent_len = slash == NULL ? 0 : (int)(slash - path) + 1;
    struct dirent **entries = NULL;
    if (asprintf(ret_folder, "%.*sconf.d", parent_len, path) < 0) {
        *ret_folder = NULL;
        return -ENOMEM;
    }
    int n = scandir(*ret_folder, &entries, is_wanted, compare_names);
    if (n < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    int r = n >= CONFIG_N_FILES_MAX ? FILES_TOO_MANY : add_paths(*ret_folder, entries, (size_t)n, ret_paths);
    while (n-- > 0) {
        free(entries[n]);
    }
    free(entries);
    return r;
}

int files_add(struct config_files *files, const char *path, unsigned first_line)
{
    struct config_file *items = reallocarray(files->items, files->n + 1, sizeof(*items));
    if (items == NULL) {
        return -ENOMEM;
    }
    files->items = items;
    items[files->n] = (struct config_file){.path = strdup(path), .first_line = first_line};
    if (items[files->n].path == NULL) {
        return -ENOMEM;
    }
    files->n++;
    return 0;
}

void files_fini(struct config_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        free(files->items[i].path);
    }
    free(files->items);
    *files = (struct config_files){0};
}

struct config_place files_find(const struct config_files *files, unsigned line)
{
    size_t i = files->n - 1;
    while (i > 0 && files->items[i].first_line > line) {
        i--;
    }
    return (struct config_place){&files->items[i], line - files->items[i].first_line + 1};
}

void files_append_visibly(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        buf_append_char(out, c < 0x20 || c == 0x7f ? '?' : *text);
    }
}

void config_append_place(struct buf *out, const struct config_files *files, unsigned line)
{
    struct config_place place = files_find(files, line);
    files_append_visibly(out, place.file->path);
    buf_appendf(out, ":%u", place.line);
}
