/* seraph/oracle.h - what an attack may ask the victim, as far as the threat model grants it.
 *
 * The host enforces grants and budgets in its own process: the functions here only carry the question there.
 * A row costs its item one forward query, or one forward and one gradient query, charged before anything
 * runs. A call whose rows do not all have budget left returns SERAPH_E_BUDGET, costs nothing and leaves the
 * outputs untouched.
 */
#ifndef SERAPH_ORACLE_H
#define SERAPH_ORACLE_H

#include <seraph/host.h>

SERAPH_BEGIN_DECLS

#define SERAPH_ACCESS_DECISION 1u /* the predicted class */
#define SERAPH_ACCESS_LOGITS 2u   /* the logits */
#define SERAPH_ACCESS_GRADIENT 4u /* losses and their gradients with respect to the audio */

/* Losses, one value per row, z the row's logits, c its class. An attack that wants to leave c raises CE and
 * DLR and lowers MARGIN. */
#define SERAPH_LOSS_CE 0     /* -log softmax(z)[c] */
#define SERAPH_LOSS_MARGIN 1 /* max(z_c - max_{i != c} z_i, -kappa): Carlini & Wagner 2017, f_6 */
#define SERAPH_LOSS_DLR 2    /* -(z_c - max_{i != c} z_i) / (z_pi1 - z_pi3): Croce & Hein 2020, eq. 6; with 2
                                classes the divisor is 1 */
#define SERAPH_LOSS_DLR_TARGETED 3 /* -(z_c - z_t) / (z_pi1 - (z_pi3 + z_pi4) / 2): the same, eq. 7; with 3 classes
                                         z_pi4 is z_pi3, with 2 the divisor is 1 */
#define SERAPH_LOSS_VJP 4          /* sum_k cotangent_k z_k: rows of the Jacobian, or any loss of one's own */

typedef struct seraph_loss {
  uint32_t struct_size;
  int32_t kind;  /* SERAPH_LOSS_* */
  float kappa;   /* MARGIN: confidence, >= 0; infinity: never clamped */
  uint32_t reserved;
  const int32_t *classes;  /* [n] c of each row; NULL: the item's target class if it has one, else its reference;
                              for DLR_TARGETED always its reference */
  const int32_t *targets;  /* [n] t of each row, for DLR_TARGETED; NULL: the item's target class */
  const float *cotangent;  /* [n][n_classes], for VJP */
} seraph_loss;

typedef struct seraph_budget {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t forward_left; /* queries of this item, counted by the host */
  uint64_t forward_used;
  uint64_t gradient_left;
  uint64_t gradient_used;
} seraph_budget;

typedef struct seraph_oracle {
  uint32_t struct_size;
  uint32_t access;         /* SERAPH_ACCESS_* that are granted; the others return SERAPH_E_DENIED */
  uint32_t n_classes;
  uint32_t sample_rate_hz; /* 0: the input is not audio */
  uint32_t max_rows;       /* rows that one call may have */
  uint32_t reserved;

  /* Row r of x (float32 [n, n_samples], contiguous) is a variant of item items[r] of the task. Blocking.
   * x must be finite; it need not lie in the ball, and samples past the item's length are read as 0. */

  /* out_class: [n], the predicted class of each row. Needs DECISION. [worker-thread] */
  seraph_status(SERAPH_CALL *decision)(seraph_ctx *ctx, const seraph_tensor *x, const uint32_t *items, uint32_t n,
                                       int32_t *out_class);

  /* out_logits: float32 [n, n_classes]. Needs LOGITS. [worker-thread] */
  seraph_status(SERAPH_CALL *logits)(seraph_ctx *ctx, const seraph_tensor *x, const uint32_t *items, uint32_t n,
                                     seraph_tensor *out_logits);

  /* out_loss: [n], in nats for CE. out_grad: float32, the shape of x: d out_loss[r] / d x[r], per full-scale
   * unit, 0 past the item's length. out_logits: float32 [n, n_classes] from the same forward pass, or NULL.
   * Needs GRADIENT. [worker-thread] */
  seraph_status(SERAPH_CALL *loss_grad)(seraph_ctx *ctx, const seraph_tensor *x, const uint32_t *items, uint32_t n,
                                        const seraph_loss *loss, float *out_loss, seraph_tensor *out_grad,
                                        seraph_tensor *out_logits);

  /* What is left for an item. Free. [worker-thread] */
  seraph_status(SERAPH_CALL *budget)(seraph_ctx *ctx, uint32_t item, seraph_budget *out);

  /* Hands in a candidate for an item: float32 [n_samples] or [1, n_samples]. The host copies it and judges it
   * after the task; the last commit of an item counts, even if the plugin later crashes. An item without one is
   * a failed attack. Free. [worker-thread] */
  seraph_status(SERAPH_CALL *commit)(seraph_ctx *ctx, uint32_t item, const seraph_tensor *x);
} seraph_oracle;

SERAPH_END_DECLS

#endif /* SERAPH_ORACLE_H */
