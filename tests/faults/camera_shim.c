/* Lets libcamera's virtual camera run on any Linux, by LD_PRELOAD. For tests alone.
 *
 * 1. Stands in for /dev/dma_heap where the kernel has none: a buffer is a memfd. libcamera and
 *    Picamera2 open a heap of the kernel's and ask it for buffers by ioctl, through the C library.
 * 2. What C++ allocates is zero. The virtual camera of libcamera 0.4 leaves the status of a frame
 *    as the memory was, and Picamera2 throws away what is not 0: up to all four buffers.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char HEAPS[] = "/dev/dma_heap/";

static const char *instead(const char *path)
{
    int heap = path && strncmp(path, HEAPS, sizeof HEAPS - 1) == 0;
    return heap ? "/dev/null" : path;
}

#define OPENS(name)                                                  \
    int name(const char *path, int flags, ...)                       \
    {                                                                \
        static int (*real)(const char *, int, ...);                  \
        va_list rest;                                                \
        va_start(rest, flags);                                       \
        int made = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE; \
        mode_t mode = made ? va_arg(rest, mode_t) : 0;               \
        va_end(rest);                                                \
        if (!real)                                                   \
            real = dlsym(RTLD_NEXT, #name);                          \
        return real(instead(path), flags, mode);                     \
    }

OPENS(open)
OPENS(open64)

static int allocated(struct dma_heap_allocation_data *wanted)
{
    int buffer = memfd_create("dma-buf", MFD_CLOEXEC);
    if (buffer < 0)
        return -1;
    if (ftruncate(buffer, wanted->len)) {
        close(buffer);
        return -1;
    }
    wanted->fd = buffer;
    return 0;
}

int ioctl(int device, unsigned long request, ...)
{
    static int (*real)(int, unsigned long, ...);
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    request &= 0xffffffffUL; /* Python gives a signed number */
    if (request == DMA_HEAP_IOCTL_ALLOC)
        return allocated(argument);
    if (request == DMA_BUF_IOCTL_SYNC || request == (DMA_BUF_SET_NAME_A & 0xffffffffUL) ||
        request == (DMA_BUF_SET_NAME_B & 0xffffffffUL))
        return 0; /* plain memory is always in step; its name is nobody's business */
    if (!real)
        real = dlsym(RTLD_NEXT, "ioctl");
    return real(device, request, argument);
}

void *zeroed(size_t) __asm__("_Znwm"); /* operator new(size_t) */

void *zeroed(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        abort();
    return memory;
}
