/* SPDX-License-Identifier: MIT */
/* Feeds every file of the folders named to the target that it is linked with: corpora and regressions run as
 * ordinary tests, with any compiler. */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

static int read_file(FILE *file, struct buf *content)
{
    for (;;) {
        char *to = buf_reserve(content, 65536);
        if (to == NULL) {
            return -ENOMEM;
        }
        size_t n = fread(to, 1, 65536, file);
        content->len += n;
        if (n == 0) {
            return ferror(file) ? -EIO : 0;
        }
    }
}

static int replay_file(const char *path)
{
    cleanup(buf_fini) struct buf content = {0};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return -errno;
    }
    int r = read_file(file, &content);
    (void)fclose(file);
    if (r < 0) {
        return r;
    }
    struct str input = fuzz_copy(content.ptr, content.len);
    (void)LLVMFuzzerTestOneInput((const uint8_t *)input.ptr, input.len);
    fuzz_free(&input);
    return 0;
}

/* The number of files replayed, or -errno. */
static int replay_folder(const char *folder)
{
    int n_files = 0;
    DIR *directory = opendir(folder);
    if (directory == NULL) {
        return -errno;
    }
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        char path[PATH_MAX];
        struct stat st;
        int r = 0;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            (void)fprintf(stderr, "%s\n", path); /* the last one named is the one that aborts */
            r = replay_file(path);
            n_files++;
        }
        if (r < 0) {
            n_files = r;
            break;
        }
    }
    (void)closedir(directory);
    return n_files;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int n_files = replay_folder(argv[i]);
        if (n_files <= 0) {
            (void)fprintf(stderr, "%s: %s\n", argv[i], n_files == 0 ? "holds no file" : strerror(-n_files));
            return EXIT_FAILURE;
        }
    }
    return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
