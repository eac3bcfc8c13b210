/* Stands between a process and its disk. The first byte of the file that DISK_FAULT names tells what fails at present:
   's' every sync, 'w' every write, 'f' every write for want of room; anything else lets all of them pass. Only regular
   files are meant, so that sockets and pipes go on. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const volatile char *fault_file;

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("DISK_FAULT");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *shown = mmap(NULL, 1, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (shown != MAP_FAILED)
        fault_file = shown;
}

static int is_regular(int file)
{
    struct stat found;
    return fstat(file, &found) == 0 && S_ISREG(found.st_mode);
}

/* Whether a write fails, with the reason in errno. */
static int write_fails(int file)
{
    char fault = fault_file ? *fault_file : 0;
    if ((fault != 'w' && fault != 'f') || !is_regular(file))
        return 0;
    errno = fault == 'f' ? ENOSPC : EIO;
    return 1;
}

static int sync_fails(void)
{
    if (!fault_file || *fault_file != 's')
        return 0;
    errno = EIO;
    return 1;
}

#define NEXT(type, name) ((type)dlsym(RTLD_NEXT, name))

int fsync(int file)
{
    return sync_fails() ? -1 : NEXT(int (*)(int), "fsync")(file);
}

int fdatasync(int file)
{
    return sync_fails() ? -1 : NEXT(int (*)(int), "fdatasync")(file);
}

ssize_t write(int file, const void *bytes, size_t length)
{
    return write_fails(file) ? -1 : NEXT(ssize_t (*)(int, const void *, size_t), "write")(file, bytes, length);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at)
{
    return write_fails(file) ? -1 : NEXT(ssize_t (*)(int, const void *, size_t, off_t), "pwrite")(file, bytes, length, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at)
{
    return write_fails(file) ? -1 : NEXT(ssize_t (*)(int, const void *, size_t, off64_t), "pwrite64")(file, bytes, length, at);
}
