/* seraph/host.h - what the host offers a plugin at any time: log, errors, progress, cancellation, memory. */
#ifndef SERAPH_HOST_H
#define SERAPH_HOST_H

#include <seraph/base.h>

SERAPH_BEGIN_DECLS

typedef struct seraph_ctx seraph_ctx;   /* host's, opaque: one running call into the plugin */
typedef struct seraph_self seraph_self; /* plugin's, opaque: one instance */

#define SERAPH_LOG_DEBUG 0
#define SERAPH_LOG_INFO 1
#define SERAPH_LOG_WARN 2
#define SERAPH_LOG_ERROR 3
#define SERAPH_LOG_HOST_MISBEHAVING 4 /* the plugin caught the host breaking this contract */

typedef struct seraph_host {
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t abi_minor;
  seraph_str name;    /* eg: "seraph" */
  seraph_str version; /* eg: "0.1.0" */

  /* The table of an optional extension, or NULL. Ids carry a revision, eg "seraph.jacobian/1"; an id never
   * changes its meaning. Experimental ids begin with "x-". The table lives as long as the plugin.
   * [any-thread] */
  const void *(SERAPH_CALL *get_extension)(const struct seraph_host *host, const char *id);

  /* Logs a message of `len` bytes of UTF-8. Truncated at 4096 bytes, rate-limited, control characters escaped.
   * ctx may be NULL: the entry function has none. [any-thread] */
  void(SERAPH_CALL *log)(seraph_ctx *ctx, int32_t level, const char *utf8, uint64_t len);

  /* Says why the call in progress is about to return a negative status. The last message counts; the host
   * copies it. [any-thread] */
  void(SERAPH_CALL *set_error)(seraph_ctx *ctx, seraph_status status, const char *utf8, uint64_t len);

  /* Says that `step` of `steps` is done for an item, and the current loss (NaN: none). Advisory: nothing in a
   * record comes from it. Rate-limited. [any-thread] */
  void(SERAPH_CALL *progress)(seraph_ctx *ctx, uint32_t item, uint64_t step, uint64_t steps, double loss);

  /* Non-zero once the task is cancelled: clean up and return SERAPH_E_CANCELLED. Wait-free, one load.
   * [any-thread] */
  int32_t(SERAPH_CALL *cancelled)(seraph_ctx *ctx);

  /* Memory that lives until the call in progress returns, zeroed, aligned to `align` (a power of two, at most
   * 4096); the host frees it. NULL when it would pass the worker's memory limit. [worker-thread] */
  void *(SERAPH_CALL *alloc)(seraph_ctx *ctx, uint64_t bytes, uint64_t align);
} seraph_host;

SERAPH_END_DECLS

#endif /* SERAPH_HOST_H */
