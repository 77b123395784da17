/* A stand-in for the CUDA driver: device memory is host memory, and streams are lazy.
 *
 * An asynchronous operation is only queued. It runs when somebody synchronises with its stream, or
 * awaits an event recorded behind it, and not before: code that forgets to wait sees old bytes
 * every time, and code that reuses memory too early copies the new bytes instead of the old ones.
 *
 * Single-threaded, as the code under test is meant to be. Functions named standin_* are for tests.
 */
#include <cuda.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum { MAX_BLOCKS = 4096, MAX_DEPTH = 16 };

typedef void (*host_function)(void *);

typedef struct operation {
    struct operation *next;
    enum { COPY, WAIT, CALL, MARK } kind;
    void *to;
    const void *from;
    size_t bytes;
    struct CUstream_st *awaited;
    long until;
    host_function function;
} operation;

struct CUstream_st {
    operation *first, *last;
    long queued, done;
};

struct CUevent_st {
    struct CUstream_st *stream;
    long position;
    int is_timed, is_blocking;
};

struct CUctx_st {
    int retained;
};

typedef struct {
    void *start;
    size_t bytes;
    int on_device;
} block;

static struct CUctx_st primary;
static CUcontext stack[MAX_DEPTH];
static int depth;
static block blocks[MAX_BLOCKS];
static struct CUstream_st *streams[MAX_BLOCKS];
static long num_events, num_violations, num_spins;
static size_t capacity = (size_t)1 << 30, used;
static struct {
    char name[64];
    int after, count;
    CUresult code;
} fault;
static CUresult lost; /* the error that every call returns once the device is lost */
static struct {
    char name[64];
    int major, minor, cuda;
} gpu = {"Stand-in", 8, 9, 13000};

/* ---- tests ---- */

EXPORT void standin_set_capacity(size_t bytes) { capacity = bytes; }

EXPORT void standin_set_gpu(const char *name, int major, int minor, int cuda) {
    snprintf(gpu.name, sizeof gpu.name, "%s", name);
    gpu.major = major;
    gpu.minor = minor;
    gpu.cuda = cuda;
}

/* Let calls of one function fail with `code`: `count` of them, after the next `after` ones. */
EXPORT void standin_fail(const char *name, int after, int count, int code) {
    snprintf(fault.name, sizeof fault.name, "%s", name);
    fault.after = after;
    fault.count = count;
    fault.code = (CUresult)code;
}

/* Memory blocks, streams, events and retained contexts that exist. */
EXPORT long standin_num_live(void) {
    long live = num_events + primary.retained;
    for (int i = 0; i < MAX_BLOCKS; i++)
        live += (blocks[i].start != NULL) + (streams[i] != NULL);
    return live;
}

/* Times that memory, a stream or an event was given back while queued work still needed it. */
EXPORT long standin_num_violations(void) { return num_violations; }

/* Times that somebody waited for an event with a core that spins. */
EXPORT long standin_num_spins(void) { return num_spins; }

static operation *append(struct CUstream_st *stream, int kind) {
    operation *new = calloc(1, sizeof *new);
    new->kind = kind;
    if (stream->last)
        stream->last->next = new;
    else
        stream->first = new;
    stream->last = new;
    stream->queued++;
    return new;
}

/* Queue a call of `function` behind what the stream has: what an inference library does. */
EXPORT void standin_enqueue(struct CUstream_st *stream, host_function function, void *argument) {
    operation *call = append(stream, CALL);
    call->function = function;
    call->to = argument;
}

/* Forget what exists, as the end of a process does; the memory itself stays readable. */
EXPORT void standin_end_process(void) {
    memset(blocks, 0, sizeof blocks);
    memset(streams, 0, sizeof streams);
    num_events = primary.retained = depth = 0;
    used = 0;
    lost = CUDA_SUCCESS;
}

/* ---- streams and events ---- */

static int failing(const char *name) {
    size_t length = strlen(fault.name); /* of the name without cuda.h's _v2 */
    if (fault.count == 0 || strncmp(name, fault.name, length) != 0 ||
        (name[length] != '\0' && name[length] != '_'))
        return 0;
    if (fault.after > 0) {
        fault.after--;
        return 0;
    }
    fault.count--;
    /* A failed kernel or a wrong address leaves a context that cannot be used any more. */
    if (fault.code == CUDA_ERROR_LAUNCH_FAILED || fault.code == CUDA_ERROR_ILLEGAL_ADDRESS)
        lost = fault.code;
    return 1;
}

#define MAY_FAIL                                                                                   \
    if (lost)                                                                                      \
        return lost;                                                                               \
    if (failing(__func__))                                                                         \
        return fault.code;                                                                         \
    if (depth == 0)                                                                                \
        return CUDA_ERROR_INVALID_CONTEXT;

static void run(struct CUstream_st *stream, long until) {
    if (lost) /* nothing runs any more, and what was awaited may be gone */
        return;
    while (stream->done < until && stream->first) {
        operation *next = stream->first;
        stream->first = next->next;
        if (!stream->first)
            stream->last = NULL;
        stream->done++;
        if (next->kind == COPY)
            memcpy(next->to, next->from, next->bytes);
        else if (next->kind == WAIT)
            run(next->awaited, next->until);
        else if (next->kind == CALL)
            next->function(next->to);
        free(next);
    }
}

static int idle(void) {
    for (int i = 0; i < MAX_BLOCKS; i++)
        if (streams[i] && streams[i]->first)
            return 0;
    return 1;
}

static void run_all(void) {
    for (int i = 0; i < MAX_BLOCKS; i++)
        if (streams[i])
            run(streams[i], streams[i]->queued);
}

EXPORT CUresult cuStreamCreate(CUstream *result, unsigned int flags) {
    (void)flags;
    MAY_FAIL
    *result = calloc(1, sizeof **result);
    for (int i = 0; i < MAX_BLOCKS; i++)
        if (!streams[i]) {
            streams[i] = *result;
            return CUDA_SUCCESS;
        }
    return CUDA_ERROR_OUT_OF_MEMORY;
}

EXPORT CUresult cuStreamDestroy(CUstream stream) {
    num_violations += stream->first && !lost;
    run(stream, stream->queued);
    for (int i = 0; i < MAX_BLOCKS; i++)
        if (streams[i] == stream)
            streams[i] = NULL;
    free(stream);
    return lost;
}

EXPORT CUresult cuStreamSynchronize(CUstream stream) {
    MAY_FAIL
    run(stream, stream->queued);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamQuery(CUstream stream) {
    return stream->first ? CUDA_ERROR_NOT_READY : CUDA_SUCCESS;
}

EXPORT CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned int flags) {
    (void)flags;
    MAY_FAIL
    if (event->stream) {
        operation *wait = append(stream, WAIT);
        wait->awaited = event->stream;
        wait->until = event->position;
    }
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventCreate(CUevent *result, unsigned int flags) {
    MAY_FAIL
    *result = calloc(1, sizeof **result);
    (*result)->is_timed = !(flags & CU_EVENT_DISABLE_TIMING);
    (*result)->is_blocking = flags & CU_EVENT_BLOCKING_SYNC;
    num_events++;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventDestroy(CUevent event) {
    num_events--;
    free(event);
    return lost;
}

EXPORT CUresult cuEventRecord(CUevent event, CUstream stream) {
    MAY_FAIL
    append(stream, MARK);
    event->stream = stream;
    event->position = stream->queued;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventSynchronize(CUevent event) {
    MAY_FAIL
    num_spins += !event->is_blocking;
    if (event->stream)
        run(event->stream, event->position);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventQuery(CUevent event) {
    return event->stream && event->stream->done < event->position ? CUDA_ERROR_NOT_READY
                                                                  : CUDA_SUCCESS;
}

EXPORT CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
    MAY_FAIL
    if (!start->is_timed || !end->is_timed || !start->stream || !end->stream)
        return CUDA_ERROR_INVALID_HANDLE;
    if (cuEventQuery(start) || cuEventQuery(end))
        return CUDA_ERROR_NOT_READY;
    *milliseconds = (float)(end->position - start->position); /* one for each operation */
    return CUDA_SUCCESS;
}

/* ---- memory ---- */

static CUresult take(void **result, size_t bytes, int on_device) {
    if (on_device && used + bytes > capacity)
        return CUDA_ERROR_OUT_OF_MEMORY;
    for (int i = 0; i < MAX_BLOCKS; i++)
        if (!blocks[i].start) {
            *result = malloc(bytes);
            memset(*result, 0xEE, bytes);
            blocks[i] = (block){*result, bytes, on_device};
            used += on_device ? bytes : 0;
            return CUDA_SUCCESS;
        }
    return CUDA_ERROR_OUT_OF_MEMORY;
}

static CUresult give_back(void *start) {
    num_violations += !idle() && !lost;
    run_all(); /* the real one waits for the device */
    for (int i = 0; i < MAX_BLOCKS; i++)
        if (blocks[i].start == start) {
            used -= blocks[i].on_device ? blocks[i].bytes : 0;
            blocks[i].start = NULL;
            free(start);
            return lost;
        }
    return CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuMemAlloc(CUdeviceptr *result, size_t bytes) {
    MAY_FAIL
    return take((void **)result, bytes, 1);
}

EXPORT CUresult cuMemFree(CUdeviceptr start) { return give_back((void *)start); }

EXPORT CUresult cuMemHostAlloc(void **result, size_t bytes, unsigned int flags) {
    (void)flags;
    MAY_FAIL
    return take(result, bytes, 0);
}

EXPORT CUresult cuMemAllocHost(void **result, size_t bytes) {
    MAY_FAIL
    return take(result, bytes, 0);
}

EXPORT CUresult cuMemFreeHost(void *start) { return give_back(start); }

EXPORT CUresult cuMemGetInfo(size_t *available, size_t *total) {
    MAY_FAIL
    *available = capacity - used;
    *total = capacity;
    return CUDA_SUCCESS;
}

static CUresult copy(CUstream stream, void *to, const void *from, size_t bytes) {
    operation *new = append(stream, COPY);
    new->to = to;
    new->from = from;
    new->bytes = bytes;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
    MAY_FAIL
    return copy(stream, (void *)to, from, bytes);
}

EXPORT CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
    MAY_FAIL
    return copy(stream, to, (const void *)from, bytes);
}

EXPORT CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    MAY_FAIL
    return copy(stream, (void *)to, (const void *)from, bytes);
}

/* ---- device and context ---- */

EXPORT CUresult cuInit(unsigned int flags) {
    (void)flags;
    return failing(__func__) ? fault.code : CUDA_SUCCESS;
}

EXPORT CUresult cuDriverGetVersion(int *version) {
    *version = gpu.cuda;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetCount(int *count) {
    *count = 1;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    *device = ordinal;
    return ordinal == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

EXPORT CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
    (void)device;
    snprintf(name, (size_t)length, "%s", gpu.name);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
    (void)device;
    *value = attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR   ? gpu.major
             : attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR ? gpu.minor
                                                                         : 0;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device) {
    (void)device;
    *major = gpu.major;
    *minor = gpu.minor;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *result, CUdevice device) {
    (void)device;
    if (failing(__func__))
        return fault.code;
    primary.retained++;
    *result = &primary;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
    (void)device;
    primary.retained--;
    /* pycuda pushes the context to release it, and takes the pop for implied. */
    if (primary.retained == 0) {
        depth = 0;
        lost = CUDA_SUCCESS;
    }
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxPushCurrent(CUcontext context) {
    if (depth == MAX_DEPTH)
        abort();
    stack[depth++] = context;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxPopCurrent(CUcontext *context) {
    if (depth == 0)
        return CUDA_ERROR_INVALID_CONTEXT;
    depth--;
    if (context)
        *context = stack[depth];
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetCurrent(CUcontext *context) {
    *context = depth ? stack[depth - 1] : NULL;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
    if (depth)
        stack[depth - 1] = context;
    else
        stack[depth++] = context;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetDevice(CUdevice *device) {
    *device = 0;
    return depth ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

EXPORT CUresult cuCtxSynchronize(void) {
    MAY_FAIL
    run_all();
    return CUDA_SUCCESS;
}

EXPORT CUresult cuGetErrorString(CUresult error, const char **text) {
    *text = error == CUDA_ERROR_OUT_OF_MEMORY  ? "out of memory"
            : error == CUDA_ERROR_LAUNCH_FAILED ? "unspecified launch failure"
                                                : "an error of the stand-in";
    return CUDA_SUCCESS;
}

EXPORT CUresult cuGetErrorName(CUresult error, const char **text) {
    return cuGetErrorString(error, text);
}
