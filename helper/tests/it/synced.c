/* Notes, in the file that SYNCED names, what a program does that must last, in its order: what it
   syncs, what it renames, and each request that it sends which may write. Preloaded by a test. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void note(const char *what, const char *which)
{
    const char *file = getenv("SYNCED");
    char line[2 * PATH_MAX];
    int to, length;
    if (file == NULL)
        return;
    length = snprintf(line, sizeof line, "%s %s\n", what, which);
    to = open(file, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (to < 0 || write(to, line, (size_t)length) != length)
        abort();
    close(to);
}

static void note_file(const char *what, int fd)
{
    char link[64], path[PATH_MAX];
    ssize_t length;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = '\0';
    note(what, path);
}

static void note_request(const void *bytes, size_t length)
{
    /* EC2 is asked by POST requests to its root. */
    if (length < 7 || memcmp(bytes, "POST / ", 7) == 0)
        return;
    if (memcmp(bytes, "POST ", 5) == 0 || memcmp(bytes, "PUT ", 4) == 0)
        note("send", "request");
}

int fsync(int fd)
{
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int result = next(fd);
    note_file("sync", fd);
    return result;
}

int fdatasync(int fd)
{
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    int result = next(fd);
    note_file("sync", fd);
    return result;
}

int rename(const char *from, const char *to)
{
    int (*next)(const char *, const char *) =
        (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    note("rename", to);
    return next(from, to);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
    ssize_t (*next)(int, const void *, size_t, int) =
        (ssize_t (*)(int, const void *, size_t, int))dlsym(RTLD_NEXT, "send");
    note_request(bytes, length);
    return next(fd, bytes, length, flags);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    ssize_t (*next)(int, const struct iovec *, int) =
        (ssize_t (*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
    if (count > 0)
        note_request(parts[0].iov_base, parts[0].iov_len);
    return next(fd, parts, count);
}
