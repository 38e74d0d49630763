/* seraph/attack.h - a factory of attacks, and the task that an attack runs. */
#ifndef SERAPH_ATTACK_H
#define SERAPH_ATTACK_H

#include <seraph/oracle.h>
#include <seraph/param.h>

SERAPH_BEGIN_DECLS

#define SERAPH_NORM_LINF 1u
#define SERAPH_NORM_L2 2u
#define SERAPH_NORM_L1 4u
#define SERAPH_NORM_L0 8u

#define SERAPH_GOAL_UNTARGETED 1u
#define SERAPH_GOAL_TARGETED 2u

#define SERAPH_DOMAIN_WAVEFORM 1 /* samples, full scale 1.0 */
#define SERAPH_DOMAIN_FEATURES 2 /* whatever the victim's front end makes: the replication board */

/* A batch of utterances to attack. Everything it points to is read-only and lives until run() returns. */
typedef struct seraph_task {
  uint32_t struct_size;
  uint32_t n_items;
  seraph_tensor audio;       /* float32 [n_items, n_samples]; samples past the length are 0 */
  const uint32_t *lengths;   /* [n_items] valid samples of each item */
  const int32_t *reference;  /* [n_items] the class to leave: the oracle's own prediction on the clean audio */
  const int32_t *target;     /* [n_items] the class to reach, or NULL: untargeted */
  uint32_t norm;             /* one SERAPH_NORM_*: the ball that the host verifies */
  int32_t domain;            /* SERAPH_DOMAIN_* */
  const float *radius;       /* [n_items] of the ball around each item; an SNR threat is an L2 ball per item */
  float eps;                 /* as the plan states it (for an SNR threat: dB) */
  float clip_lo;             /* the box that the host verifies, eg -1 */
  float clip_hi;             /* eg 1 */
  uint32_t reserved;
  uint8_t seed[32];          /* all randomness comes from here; see seraph/rng.h */
  const seraph_oracle *oracle;
  const uint64_t *streams;   /* [n_items] the random stream of each item, so that what it draws does not depend on
                                how the host batches items; NULL: its index in the task */
} seraph_task;

typedef struct seraph_attack_info {
  uint32_t struct_size;
  uint32_t access_required; /* SERAPH_ACCESS_*; 0: never asks the victim */
  uint32_t access_optional; /* used if granted */
  uint32_t norms;           /* SERAPH_NORM_* that it can be held to */
  uint32_t goals;           /* SERAPH_GOAL_* */
  uint32_t max_items;       /* per task; 0: any */
  seraph_str id;            /* the name in a plan, eg "pgd": lower case, digits, hyphen */
  seraph_str name;          /* eg "Projected gradient descent" */
  seraph_str version;       /* of the implementation, eg "1.0.0" */
  seraph_str author;
  seraph_str citation;      /* the paper, so that a reader finds it */
  seraph_str license;       /* SPDX */
  seraph_str doc;           /* one paragraph */
  const seraph_param_info *const *params;
  uint64_t n_params;
  const seraph_preset *const *presets;
  uint64_t n_presets;
} seraph_attack_info;

#define SERAPH_FACTORY_ATTACK "seraph.attack/1"

typedef struct seraph_attack_factory {
  uint32_t struct_size;
  uint32_t count; /* attacks in this library */

  /* The description of attack `index` < count; constant, lives as long as the library. [any-thread] */
  const seraph_attack_info *(SERAPH_CALL *info)(uint32_t index);

  /* Makes an instance of attack `id`. [worker-thread] */
  seraph_status(SERAPH_CALL *create)(const seraph_host *host, seraph_ctx *ctx, const char *id,
                                     const seraph_config *config, seraph_self **out);

  /* Perturbs the items of a task and commits the results through task->oracle. Called any number of times.
   * Threads that it starts are joined before it returns. The status is advisory: commits are judged whatever
   * it says. [worker-thread] */
  seraph_status(SERAPH_CALL *run)(seraph_self *self, seraph_ctx *ctx, const seraph_task *task);

  /* [worker-thread] */
  void(SERAPH_CALL *destroy)(seraph_self *self);
} seraph_attack_factory;

SERAPH_END_DECLS

#endif /* SERAPH_ATTACK_H */
