/* The program that runs the plugin: the JavaScript that build.sh makes of main.ts, in a QuickJS engine that knows nothing
 * of the system but the functions of host.ts, which are here. All that decides is in TypeScript.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "quickjs.h"

/* An answer of the agent or a request to it has a few hundred bytes; the list of a GC is longer. */
#define LONGEST (64 * 1024 * 1024)

extern const char script[], script_end[];
__asm__(".section .rodata\n.global script, script_end\nscript:\n.incbin \"" SCRIPT "\"\nscript_end:\n.byte 0\n.previous\n");

static int exit_status = 1;

static JSValue failed(JSContext *ctx, const char *what)
{
    JSValue error = JS_NewError(ctx);
    char message[512];
    /* What a time limit on a socket ends in. */
    int late = errno == EAGAIN || errno == EINPROGRESS;
    snprintf(message, sizeof message, "%s: %s", what, late ? "no answer within the time limit" : strerror(errno));
    JS_DefinePropertyValueStr(ctx, error, "message", JS_NewString(ctx, message), JS_PROP_C_W_E);
    return JS_Throw(ctx, error);
}

/* All that can be read from `fd`, as a string. */
static JSValue read_all(JSContext *ctx, int fd, const char *what)
{
    size_t length = 0, room = 0;
    char *text = NULL;
    JSValue result;
    for (;;) {
        if (room - length < 4096) {
            char *more = room < LONGEST ? realloc(text, room = room ? 2 * room : 65536) : NULL;
            if (!more) {
                errno = ENOMEM;
                result = failed(ctx, what);
                break;
            }
            text = more;
        }
        ssize_t count = read(fd, text + length, room - length);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            result = count < 0 ? failed(ctx, what) : JS_NewStringLen(ctx, text, length);
            break;
        }
        length += count;
    }
    free(text);
    return result;
}

/* A connection to the unix socket at `path` on which nothing takes longer than `limit_ms`; -1 with errno if there is none. */
static int connect_to(const char *path, int limit_ms)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval limit = { limit_ms / 1000, limit_ms % 1000 * 1000 };
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static JSValue host_variable(JSContext *ctx, JSValueConst self, int count, JSValueConst *args)
{
    const char *name = JS_ToCString(ctx, args[0]);
    if (!name) return JS_EXCEPTION;
    const char *value = getenv(name);
    JS_FreeCString(ctx, name);
    return JS_NewString(ctx, value ? value : "");
}

static JSValue host_input(JSContext *ctx, JSValueConst self, int count, JSValueConst *args)
{
    return read_all(ctx, 0, "stdin");
}

static JSValue host_answer(JSContext *ctx, JSValueConst self, int count, JSValueConst *args)
{
    size_t length, done = 0;
    const char *text = JS_ToCStringLen(ctx, &length, args[0]);
    if (!text || JS_ToInt32(ctx, &exit_status, args[1])) return JS_EXCEPTION;
    while (done < length) {
        ssize_t written = write(1, text + done, length - done);
        if (written < 0 && errno != EINTR) exit(1);
        if (written > 0) done += written;
    }
    JS_FreeCString(ctx, text);
    return JS_UNDEFINED;
}

static JSValue host_file(JSContext *ctx, JSValueConst self, int count, JSValueConst *args)
{
    const char *path = JS_ToCString(ctx, args[0]);
    if (!path) return JS_EXCEPTION;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    JS_FreeCString(ctx, path);
    if (fd < 0) return JS_UNDEFINED;
    JSValue text = read_all(ctx, fd, "file");
    close(fd);
    if (!JS_IsException(text)) return text;
    JS_FreeValue(ctx, JS_GetException(ctx));
    return JS_UNDEFINED;
}

static JSValue host_exists(JSContext *ctx, JSValueConst self, int count, JSValueConst *args)
{
    const char *path = JS_ToCString(ctx, args[0]);
    if (!path) return JS_EXCEPTION;
    int found = access(path, F_OK) == 0;
    JS_FreeCString(ctx, path);
    return JS_NewBool(ctx, found);
}

static JSValue host_listens(JSContext *ctx, JSValueConst self, int count, JSValueConst *args)
{
    const char *path = JS_ToCString(ctx, args[0]);
    if (!path) return JS_EXCEPTION;
    int fd = connect_to(path, 1000);
    JS_FreeCString(ctx, path);
    if (fd >= 0) close(fd);
    return JS_NewBool(ctx, fd >= 0);
}

static JSValue host_pause(JSContext *ctx, JSValueConst self, int count, JSValueConst *args)
{
    int milliseconds;
    if (JS_ToInt32(ctx, &milliseconds, args[0])) return JS_EXCEPTION;
    usleep(milliseconds * 1000);
    return JS_UNDEFINED;
}

static JSValue host_exchange(JSContext *ctx, JSValueConst self, int count, JSValueConst *args)
{
    size_t length, done = 0;
    int limit_ms;
    if (JS_ToInt32(ctx, &limit_ms, args[2])) return JS_EXCEPTION;
    const char *path = JS_ToCString(ctx, args[0]);
    const char *text = JS_ToCStringLen(ctx, &length, args[1]);
    JSValue result = JS_EXCEPTION;
    if (path && text) {
        int fd = connect_to(path, limit_ms);
        while (fd >= 0 && done < length) {
            ssize_t sent = send(fd, text + done, length - done, MSG_NOSIGNAL);
            if (sent < 0 && errno != EINTR) break;
            if (sent > 0) done += sent;
        }
        result = fd >= 0 && done == length ? read_all(ctx, fd, path) : failed(ctx, path);
        if (fd >= 0) close(fd);
    }
    JS_FreeCString(ctx, path);
    JS_FreeCString(ctx, text);
    return result;
}

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("variable", 1, host_variable),
    JS_CFUNC_DEF("input", 0, host_input),
    JS_CFUNC_DEF("answer", 2, host_answer),
    JS_CFUNC_DEF("file", 1, host_file),
    JS_CFUNC_DEF("exists", 1, host_exists),
    JS_CFUNC_DEF("listens", 1, host_listens),
    JS_CFUNC_DEF("pause", 1, host_pause),
    JS_CFUNC_DEF("exchange", 3, host_exchange),
};

int main(void)
{
    JSRuntime *runtime = JS_NewRuntime();
    JSContext *ctx = runtime ? JS_NewContext(runtime) : NULL;
    if (!ctx) return 1;
    JSValue global = JS_GetGlobalObject(ctx), host = JS_NewObject(ctx);
    JS_SetPropertyFunctionList(ctx, host, functions, sizeof functions / sizeof *functions);
    JS_SetPropertyStr(ctx, global, "host", host);
    JSValue outcome = JS_Eval(ctx, script, script_end - script, "weft-cni", JS_EVAL_TYPE_GLOBAL);
    if (JS_IsException(outcome)) {
        const char *message = JS_ToCString(ctx, JS_GetException(ctx));
        fprintf(stderr, "weft-cni: %s\n", message ? message : "out of memory");
        return 1;
    }
    return exit_status;
}
