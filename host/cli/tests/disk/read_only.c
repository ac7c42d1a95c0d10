/* A disk that turns read-only under a running process, as a file system does that was remounted after an error: a stand-in between the
   process and libc. While the file DISK_FLAG is there, whatever would change something below DISK_ROOT fails with EROFS; what is open is
   still read. Built and preloaded by the tests in disk.rs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_read_only(void) {
    const char *flag = getenv("DISK_FLAG");
    return flag != NULL && faccessat(AT_FDCWD, flag, F_OK, 0) == 0;
}

static int is_below(const char *path) {
    const char *root = getenv("DISK_ROOT");
    return root != NULL && path != NULL && strncmp(path, root, strlen(root)) == 0;
}

static int refuses_path(const char *path) {
    int before = errno;
    int refuses = is_below(path) && is_read_only();
    errno = refuses ? EROFS : before;
    return refuses;
}

static int refuses_fd(int fd) {
    int before = errno, refuses = 0;
    if (is_read_only()) {
        char link[64], path[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        if (length > 0) {
            path[length] = 0;
            refuses = is_below(path);
        }
    }
    errno = refuses ? EROFS : before;
    return refuses;
}

static int refuses_at(int dir, const char *path) {
    return path != NULL && path[0] == '/' ? refuses_path(path) : dir != AT_FDCWD && refuses_fd(dir);
}

static int changes(int flags) { return (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0; }

#define REAL(name, ...) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))(__VA_ARGS__)
#define BY_FD(type, name, parameters, ...) \
    type name parameters { return refuses_fd(fd) ? -1 : REAL(name, __VA_ARGS__); }
#define BY_PATH(name, parameters, ...) \
    int name parameters { return refuses_path(path) ? -1 : REAL(name, __VA_ARGS__); }

BY_FD(ssize_t, write, (int fd, const void *from, size_t size), fd, from, size)
BY_FD(ssize_t, pwrite, (int fd, const void *from, size_t size, off_t at), fd, from, size, at)
BY_FD(ssize_t, pwrite64, (int fd, const void *from, size_t size, off64_t at), fd, from, size, at)
BY_FD(ssize_t, writev, (int fd, const struct iovec *from, int count), fd, from, count)
BY_FD(int, ftruncate, (int fd, off_t size), fd, size)
BY_FD(int, ftruncate64, (int fd, off64_t size), fd, size)
BY_FD(int, fallocate, (int fd, int mode, off_t at, off_t size), fd, mode, at, size)
BY_FD(int, fallocate64, (int fd, int mode, off64_t at, off64_t size), fd, mode, at, size)
BY_FD(int, fsync, (int fd), fd)
BY_FD(int, fdatasync, (int fd), fd)
BY_FD(int, fchmod, (int fd, mode_t mode), fd, mode)
BY_PATH(mkdir, (const char *path, mode_t mode), path, mode)
BY_PATH(rmdir, (const char *path), path)
BY_PATH(unlink, (const char *path), path)
BY_PATH(rename, (const char *path, const char *to), path, to)
BY_PATH(link, (const char *path, const char *to), path, to)
BY_PATH(chmod, (const char *path, mode_t mode), path, mode)

int unlinkat(int dir, const char *path, int flags) {
    return refuses_at(dir, path) ? -1 : REAL(unlinkat, dir, path, flags);
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return changes(flags) && refuses_path(path) ? -1 : REAL(name, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int dir, const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return changes(flags) && refuses_at(dir, path) ? -1 : REAL(name, dir, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)
