/* Calls that write below one folder are counted, in all processes together, and fail from a given one on.

   To be loaded before the C library (LD_PRELOAD). What fopen's own buffer writes inside of the C library is not seen. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Shared through the file that SEGDEPTH_FAULTS names; every_write.py writes it. */
struct plan {
    long count, first, error; /* calls so far; the first that fails, 0: none; ENOSPC or EROFS */
    char folder[PATH_MAX];
};

static struct plan *plan;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("SEGDEPTH_FAULTS");
    int file = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *place = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (place != MAP_FAILED) plan = place;
}

/* Whether this call fails; it needs room, or only a disk that can be written. */
static int fails(const char *path, int needs_room) {
    if (!plan || !plan->folder[0] || strncmp(path, plan->folder, strlen(plan->folder))) return 0;
    if (!needs_room && plan->error != EROFS) return 0;
    long number = __sync_add_and_fetch(&plan->count, 1);
    if (!plan->first || number < plan->first) return 0;
    errno = (int)plan->error;
    return 1;
}

static int path_fails(int folder, const char *path, int needs_room) {
    char whole[PATH_MAX], own[64];
    if (!plan || !path) return 0;
    if (path[0] == '/') return fails(path, needs_room);
    if (folder == AT_FDCWD) {
        if (!getcwd(whole, sizeof whole)) return 0;
    } else {
        snprintf(own, sizeof own, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(own, whole, sizeof whole - 1);
        if (length < 0) return 0;
        whole[length] = 0;
    }
    strncat(whole, "/", sizeof whole - strlen(whole) - 1);
    strncat(whole, path, sizeof whole - strlen(whole) - 1);
    return fails(whole, needs_room);
}

static int file_fails(int file) {
    char own[64], whole[PATH_MAX];
    if (!plan) return 0;
    int before = errno;
    snprintf(own, sizeof own, "/proc/self/fd/%d", file);
    ssize_t length = readlink(own, whole, sizeof whole - 1);
    errno = before;
    if (length < 0) return 0;
    whole[length] = 0;
    return fails(whole, 1);
}

#define THE_REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                                          \
    int name(const char *path, int flags, ...) {                                            \
        va_list rest;                                                                       \
        va_start(rest, flags);                                                              \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;             \
        va_end(rest);                                                                       \
        if ((flags & O_ACCMODE) != O_RDONLY && path_fails(AT_FDCWD, path, flags & O_CREAT)) \
            return -1;                                                                      \
        return THE_REAL(int, name, const char *, int, ...)(path, flags, mode);              \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                      \
    int name(int folder, const char *path, int flags, ...) {                              \
        va_list rest;                                                                     \
        va_start(rest, flags);                                                            \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;           \
        va_end(rest);                                                                     \
        if ((flags & O_ACCMODE) != O_RDONLY && path_fails(folder, path, flags & O_CREAT)) \
            return -1;                                                                    \
        return THE_REAL(int, name, int, const char *, int, ...)(folder, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name)                                                                     \
    FILE *name(const char *path, const char *mode) {                                    \
        if (mode[0] != 'r' && path_fails(AT_FDCWD, path, 1)) return NULL;               \
        return THE_REAL(FILE *, name, const char *, const char *)(path, mode);          \
    }
FOPEN(fopen)
FOPEN(fopen64)

#define ON_FILE(type, name, parameters, ...)                                      \
    type name parameters { return file_fails(file) ? -1 : THE_REAL(type, name, __VA_ARGS__)
ON_FILE(ssize_t, write, (int file, const void *data, size_t size), int, const void *, size_t)(file, data, size); }
ON_FILE(ssize_t, writev, (int file, const struct iovec *parts, int count), int, const struct iovec *, int)(file, parts, count); }
ON_FILE(ssize_t, pwrite, (int file, const void *data, size_t size, off_t at), int, const void *, size_t, off_t)(file, data, size, at); }
ON_FILE(ssize_t, pwrite64, (int file, const void *data, size_t size, off64_t at), int, const void *, size_t, off64_t)(file, data, size, at); }
ON_FILE(int, ftruncate, (int file, off_t size), int, off_t)(file, size); }
ON_FILE(int, ftruncate64, (int file, off64_t size), int, off64_t)(file, size); }

#define ON_PATH(name, needs_room, folder, path, parameters, ...) \
    int name parameters { return path_fails(folder, path, needs_room) ? -1 : THE_REAL(int, name, __VA_ARGS__)
ON_PATH(mkdir, 1, AT_FDCWD, path, (const char *path, mode_t mode), const char *, mode_t)(path, mode); }
ON_PATH(mkdirat, 1, folder, path, (int folder, const char *path, mode_t mode), int, const char *, mode_t)(folder, path, mode); }
ON_PATH(rename, 0, AT_FDCWD, path, (const char *from, const char *path), const char *, const char *)(from, path); }
ON_PATH(renameat, 0, folder, path, (int old, const char *from, int folder, const char *path), int, const char *, int, const char *)(old, from, folder, path); }
ON_PATH(link, 1, AT_FDCWD, path, (const char *from, const char *path), const char *, const char *)(from, path); }
ON_PATH(linkat, 1, folder, path, (int old, const char *from, int folder, const char *path, int flags), int, const char *, int, const char *, int)(old, from, folder, path, flags); }
ON_PATH(symlink, 1, AT_FDCWD, path, (const char *from, const char *path), const char *, const char *)(from, path); }
ON_PATH(chmod, 0, AT_FDCWD, path, (const char *path, mode_t mode), const char *, mode_t)(path, mode); }
ON_PATH(unlink, 0, AT_FDCWD, path, (const char *path), const char *)(path); }
ON_PATH(unlinkat, 0, folder, path, (int folder, const char *path, int flags), int, const char *, int)(folder, path, flags); }
ON_PATH(rmdir, 0, AT_FDCWD, path, (const char *path), const char *)(path); }
