/* seraph/victim.h - a factory of victims: models that answer for a batch of inputs. */
#ifndef SERAPH_VICTIM_H
#define SERAPH_VICTIM_H

#include <seraph/attack.h>
#include <seraph/oracle.h>
#include <seraph/param.h>

SERAPH_BEGIN_DECLS

typedef struct seraph_victim_info {
  uint32_t struct_size;
  uint32_t reserved;
  seraph_str id; /* the name in a plan, eg "victim-onnx" */
  seraph_str name;
  seraph_str version;
  seraph_str author;
  seraph_str license;
  seraph_str doc;
  const seraph_param_info *const *params; /* a model file is a BLOB parameter, by custom named "model" */
  uint64_t n_params;
} seraph_victim_info;

/* What a loaded victim is. The strings and arrays live as long as the instance. */
typedef struct seraph_victim_desc {
  uint32_t struct_size;
  uint32_t access;         /* SERAPH_ACCESS_LOGITS, and SERAPH_ACCESS_GRADIENT if it has gradients */
  uint32_t n_classes;
  uint32_t sample_rate_hz; /* 0: the model does not say */
  uint64_t n_samples;      /* input length of a row; 0: any length */
  uint32_t max_rows;       /* per call; 0: any */
  int32_t domain;          /* SERAPH_DOMAIN_* */
  seraph_str arch;         /* eg "Emo18"; empty: the model does not say */
  const seraph_str *classes; /* [n_classes] emotion of each logit, or NULL: the model does not say */
  seraph_str gradient_note;  /* empty, or why there are no gradients: "no gradient rule for op ..." */
  seraph_str device;         /* eg "cpu", "cuda:0" */
  seraph_str runtime;        /* eg "onnxruntime 1.31.1" */
} seraph_victim_desc;

#define SERAPH_FACTORY_VICTIM "seraph.victim/1"

typedef struct seraph_victim_factory {
  uint32_t struct_size;
  uint32_t count; /* victims in this library */

  /* The description of victim `index` < count; constant, lives as long as the library. [any-thread] */
  const seraph_victim_info *(SERAPH_CALL *info)(uint32_t index);

  /* Loads a victim. [worker-thread] */
  seraph_status(SERAPH_CALL *create)(const seraph_host *host, seraph_ctx *ctx, const char *id,
                                     const seraph_config *config, seraph_self **out);

  /* Describes what was loaded; `out` arrives with its struct_size set and zeroed. [worker-thread] */
  seraph_status(SERAPH_CALL *describe)(seraph_self *self, seraph_ctx *ctx, seraph_victim_desc *out);

  /* x: float32 [n, n_samples]. out_logits: float32 [n, n_classes], unnormalised. A row's answer depends on that
   * row alone, and is the same each time. [worker-thread] */
  seraph_status(SERAPH_CALL *logits)(seraph_self *self, seraph_ctx *ctx, const seraph_tensor *x,
                                     seraph_tensor *out_logits);

  /* As seraph_oracle.loss_grad; here loss->classes is never NULL for a loss that has classes, and targets never
   * NULL for DLR_TARGETED. out_logits may be NULL. [worker-thread] */
  seraph_status(SERAPH_CALL *loss_grad)(seraph_self *self, seraph_ctx *ctx, const seraph_tensor *x,
                                        const seraph_loss *loss, float *out_loss, seraph_tensor *out_grad,
                                        seraph_tensor *out_logits);

  /* [worker-thread] */
  void(SERAPH_CALL *destroy)(seraph_self *self);
} seraph_victim_factory;

SERAPH_END_DECLS

#endif /* SERAPH_VICTIM_H */
