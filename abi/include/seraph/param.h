/* seraph/param.h - self-describing parameters and named presets. */
#ifndef SERAPH_PARAM_H
#define SERAPH_PARAM_H

#include <seraph/base.h>

SERAPH_BEGIN_DECLS

#define SERAPH_PARAM_F64 1
#define SERAPH_PARAM_I64 2
#define SERAPH_PARAM_BOOL 3 /* in i64: 0 or 1 */
#define SERAPH_PARAM_ENUM 4 /* in i64: an index into choices */
#define SERAPH_PARAM_BLOB 5 /* in data, data_len: the bytes of a file that the plan names */

#define SERAPH_PARAM_LOG_SCALE 1u      /* best varied on a logarithmic scale */
#define SERAPH_PARAM_AFFECTS_BUDGET 2u /* a larger value asks the oracle more */
#define SERAPH_PARAM_REQUIRED 4u       /* has no default: the plan must give it */

/* What a parameter is. */
typedef struct seraph_param_info {
  uint32_t struct_size;
  uint32_t id;      /* unique within the plugin's attack or victim, and stable for ever */
  int32_t kind;     /* SERAPH_PARAM_F64.. */
  uint32_t flags;   /* SERAPH_PARAM_LOG_SCALE.. */
  seraph_str name;  /* the key in a plan: lower case, digits, underscore */
  seraph_str unit;  /* eg "eps", "dB", "samples"; empty: a pure number */
  seraph_str doc;   /* one sentence */
  double min_value; /* for F64 and I64, inclusive */
  double max_value;
  double default_value; /* for ENUM and BOOL: the index */
  const seraph_str *choices; /* for ENUM */
  uint64_t n_choices;
} seraph_param_info;

/* The value of a parameter. */
typedef struct seraph_param {
  uint32_t id;
  int32_t kind;
  double f64;
  int64_t i64;
  const void *data; /* BLOB, read-only, lives as long as the instance */
  uint64_t data_len;
} seraph_param;

/* A named set of values, eg "paper-default", "strong"; what it leaves out has its default. */
typedef struct seraph_preset {
  uint32_t struct_size;
  uint32_t n_params;
  seraph_str name;
  seraph_str doc; /* where the values come from: paper, section, table */
  const seraph_param *params;
} seraph_preset;

/* What an instance is created with: every parameter of its info, in that order, each within its bounds. */
typedef struct seraph_config {
  uint32_t struct_size;
  uint32_t n_params;
  const seraph_param *params;
} seraph_config;

SERAPH_END_DECLS

#endif /* SERAPH_PARAM_H */
