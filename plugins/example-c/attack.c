/* cc -std=c99 -O2 -fPIC -shared -fvisibility=hidden -Wl,-z,defs,--version-script=../../abi/seraph-plugin.map \
 *   -I../../abi/include attack.c -lm -o example-c.so
 *
 * A whole attack in C: repeated steps along the sign of the gradient, inside an Linf ball. Start reading at the
 * bottom, where the host comes in. plugins/example-cpp is the same attack in C++.
 */
#include <seraph/seraph.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Step 1. Say what the attack is: the note is read from the file before any of this code runs. */

#define ATTACK_ID "example-c"
#define ATTACK_VERSION "1.0.0"

SERAPH_PLUGIN_NOTE(attack_note, SERAPH_KIND_ATTACK, ATTACK_ID, ATTACK_VERSION, 0);

#define PARAM_STEPS 1u
#define PARAM_REL_STEP 2u

static const seraph_param_info steps_info = {
    sizeof(seraph_param_info), PARAM_STEPS, SERAPH_PARAM_I64, SERAPH_PARAM_AFFECTS_BUDGET,
    SERAPH_STR("steps"), SERAPH_STR(""), SERAPH_STR("gradients per item"), 1.0, 10000.0, 10.0, NULL, 0};

static const seraph_param_info rel_step_info = {
    sizeof(seraph_param_info), PARAM_REL_STEP, SERAPH_PARAM_F64, SERAPH_PARAM_LOG_SCALE,
    SERAPH_STR("rel_step"), SERAPH_STR("eps"), SERAPH_STR("length of a step"), 0.001, 10.0, 0.25, NULL, 0};

static const seraph_param_info *const params[] = {&steps_info, &rel_step_info};

static const seraph_param strong_values[] = {{PARAM_STEPS, SERAPH_PARAM_I64, 0.0, 100, NULL, 0},
                                             {PARAM_REL_STEP, SERAPH_PARAM_F64, 0.05, 0, NULL, 0}};

static const seraph_preset paper_default = {sizeof(seraph_preset), 0, SERAPH_STR("paper-default"),
                                            SERAPH_STR("10 steps of eps/4"), NULL};
static const seraph_preset strong = {sizeof(seraph_preset), 2, SERAPH_STR("strong"),
                                     SERAPH_STR("100 steps of eps/20"), strong_values};

static const seraph_preset *const presets[] = {&paper_default, &strong};

static const seraph_attack_info attack_info = {
    sizeof(seraph_attack_info), SERAPH_ACCESS_GRADIENT, 0, SERAPH_NORM_LINF,
    SERAPH_GOAL_UNTARGETED | SERAPH_GOAL_TARGETED, 0, SERAPH_STR(ATTACK_ID), SERAPH_STR("Iterated sign step, in C"),
    SERAPH_STR(ATTACK_VERSION), SERAPH_STR("SERAPH"),
    SERAPH_STR("Kurakin, Goodfellow, Bengio, \"Adversarial examples in the physical world\", 2017"),
    SERAPH_STR("MIT OR Apache-2.0"), SERAPH_STR("x <- clip(x + a sign(grad CE)), from the clean audio."),
    params, 2, presets, 2};

static const seraph_attack_info *SERAPH_CALL info(uint32_t index) { return index == 0 ? &attack_info : NULL; }

/* Step 2. An instance holds its parameters, and the host to talk to. */

struct seraph_self {
  const seraph_host *host;
  int64_t steps;
  float rel_step;
};

static seraph_status fail(const seraph_host *host, seraph_ctx *ctx, seraph_status status, const char *why) {
  host->set_error(ctx, status, why, strlen(why));
  return status;
}

static seraph_status SERAPH_CALL create(const seraph_host *host, seraph_ctx *ctx, const char *id,
                                        const seraph_config *config, seraph_self **out) {
  seraph_self *self;
  if (strcmp(id, ATTACK_ID) != 0) return fail(host, ctx, SERAPH_E_ARG, "no such attack in this library");
  if (config->n_params != 2) return fail(host, ctx, SERAPH_E_ARG, "expected steps and rel_step");
  self = (seraph_self *)malloc(sizeof *self);
  if (self == NULL) return fail(host, ctx, SERAPH_E_NOMEM, "out of memory");
  self->host = host;
  self->steps = config->params[0].i64;
  self->rel_step = (float)config->params[1].f64;
  *out = self;
  return SERAPH_OK;
}

static void SERAPH_CALL destroy(seraph_self *self) { free(self); }

/* Step 3. The algorithm. The host clips, quantises and scores what is committed; nothing here says "success". */

/* The nearest value to x within radius of clean, in float64, and in the box. */
static float project(float x, float clean, float radius, float low, float high) {
  float bottom = clean - radius, top = clean + radius;
  if ((double)clean - (double)bottom > (double)radius) bottom = nextafterf(bottom, clean);
  if ((double)top - (double)clean > (double)radius) top = nextafterf(top, clean);
  return fminf(fmaxf(x, fmaxf(bottom, low)), fminf(top, high));
}

/* One item: asks for a gradient, steps, projects, `steps` times; commits where that ends. */
static seraph_status attack_item(const seraph_self *self, seraph_ctx *ctx, const seraph_task *task, uint32_t item,
                                 float *x, float *grad) {
  const int64_t n_samples = task->audio.shape[1];
  const float *clean = seraph_tensor_data_f32(&task->audio) + (int64_t)item * n_samples;
  const float radius = task->radius[item];
  /* Cross entropy of the target class if there is one, which is to fall, else of the reference, which is to rise. */
  const float step = (task->target != NULL ? -1.0f : 1.0f) * self->rel_step * radius;
  seraph_tensor x_view = seraph_tensor_f32(x, 1, n_samples);
  seraph_tensor grad_view = seraph_tensor_f32(grad, 1, n_samples);
  seraph_status status = SERAPH_OK;
  seraph_loss loss;
  float loss_value = 0.0f;
  int64_t i, k;
  memset(&loss, 0, sizeof loss);
  loss.struct_size = sizeof loss;
  loss.kind = SERAPH_LOSS_CE;
  memcpy(x, clean, (size_t)n_samples * sizeof *x);
  for (k = 0; k < self->steps && status == SERAPH_OK; k++) {
    status = task->oracle->loss_grad(ctx, &x_view, &item, 1, &loss, &loss_value, &grad_view, NULL);
    for (i = 0; status == SERAPH_OK && i < (int64_t)task->lengths[item]; i++) {
      x[i] += step * (float)((grad[i] > 0.0f) - (grad[i] < 0.0f));
      x[i] = project(x[i], clean[i], radius, task->clip_lo, task->clip_hi);
    }
    self->host->progress(ctx, item, (uint64_t)k + 1, (uint64_t)self->steps, (double)loss_value);
  }
  /* A spent budget is no failure: what was reached so far is handed in. */
  if (status != SERAPH_OK && status != SERAPH_E_BUDGET) return status;
  return task->oracle->commit(ctx, item, &x_view);
}

static seraph_status SERAPH_CALL run(seraph_self *self, seraph_ctx *ctx, const seraph_task *task) {
  const uint64_t bytes = (uint64_t)task->audio.shape[1] * sizeof(float);
  /* Memory of the host: freed when this call returns. */
  float *x = (float *)self->host->alloc(ctx, bytes, 64);
  float *grad = (float *)self->host->alloc(ctx, bytes, 64);
  seraph_status status = SERAPH_OK;
  uint32_t item;
  if (x == NULL || grad == NULL) return fail(self->host, ctx, SERAPH_E_NOMEM, "out of memory");
  for (item = 0; item < task->n_items && status == SERAPH_OK; item++) {
    status = attack_item(self, ctx, task, item, x, grad);
  }
  return status == SERAPH_OK ? status : fail(self->host, ctx, status, "the oracle did not answer");
}

/* Step 4. The tables, and the one symbol that the library exports. */

static const seraph_attack_factory factory = {sizeof(seraph_attack_factory), 1, info, create, run, destroy};

static const void *SERAPH_CALL get_factory(const char *factory_id) {
  return strcmp(factory_id, SERAPH_FACTORY_ATTACK) == 0 ? &factory : NULL;
}

static void SERAPH_CALL shutdown_plugin(void) {}

static const seraph_plugin plugin = {sizeof(seraph_plugin), SERAPH_ABI_MAJOR, SERAPH_ABI_MINOR, get_factory,
                                     shutdown_plugin};

SERAPH_EXTERN_C SERAPH_EXPORT const seraph_plugin *SERAPH_CALL seraph_plugin_entry_v1(const seraph_host *host);

const seraph_plugin *SERAPH_CALL seraph_plugin_entry_v1(const seraph_host *host) {
  if (host->abi_major != SERAPH_ABI_MAJOR || host->struct_size < sizeof(seraph_host)) return NULL;
  return &plugin;
}
