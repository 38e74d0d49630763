/* seraph/seraph.hpp - the plugin ABI for C++11 and later: header-only sugar over the C headers, not part of the ABI.
 *
 * Derive from seraph::attack, give it `static seraph::attack_info info()` and a constructor that takes a
 * seraph::config, and write SERAPH_EXPORT_ATTACK(Type, "id", "version") at file scope, once per library. An exception that leaves your
 * code becomes a status and a message; none crosses the boundary. plugins/example-cpp is a whole plugin.
 */
#ifndef SERAPH_SERAPH_HPP
#define SERAPH_SERAPH_HPP

#if !defined(_MSVC_LANG) && __cplusplus < 201103L
#error "seraph/seraph.hpp needs C++11; from C++98, use seraph/seraph.h"
#endif

#include <seraph/seraph.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace seraph {

/* ---- errors ------------------------------------------------------------------------------------------ */

/* Why a call failed: thrown by the oracle, and by you to end a call with this status. */
class error : public std::runtime_error {
 public:
  error(seraph_status status, const std::string &message) : std::runtime_error(message), status_(status) {}
  seraph_status status() const noexcept { return status_; }

 private:
  seraph_status status_;
};

namespace detail {

inline std::string message_of(seraph_status status) {
  switch (status) {
    case SERAPH_E_ARG: return "an argument breaks its contract";
    case SERAPH_E_NOMEM: return "out of memory";
    case SERAPH_E_UNSUPPORTED: return "not supported";
    case SERAPH_E_DENIED: return "not granted by the threat model";
    case SERAPH_E_BUDGET: return "the query budget is spent";
    case SERAPH_E_CANCELLED: return "cancelled";
    case SERAPH_E_NONFINITE: return "NaN or infinity";
    case SERAPH_E_STATE: return "called out of order";
    case SERAPH_E_VERSION: return "unknown version";
    case SERAPH_E_MODEL: return "the model is missing, broken or unfit";
    default: return "failed";
  }
}

inline void check(seraph_status status) {
  if (status < 0) throw error(status, message_of(status));
}

inline seraph_str str(const std::string &text) {
  seraph_str view = {text.data(), text.size()};
  return view;
}

/* A read-only view of data as [rows, columns]. */
inline seraph_tensor view(const float *data, std::size_t rows, std::size_t columns) {
  seraph_tensor tensor = seraph_tensor_f32(const_cast<float *>(data), static_cast<std::int64_t>(rows),
                                           static_cast<std::int64_t>(columns));
  tensor.flags = SERAPH_TENSOR_READONLY;
  return tensor;
}

} /* namespace detail */

/* ---- what a plugin says about itself ------------------------------------------------------------------ */

/* A parameter: its name in a plan, kind, bounds, default and meaning. */
struct param {
  std::string name, unit, doc;
  std::int32_t kind;
  std::uint32_t flags;
  double min_value, max_value, default_value;
  std::vector<std::string> choices;

  static param f64(const std::string &name, double default_value, double min_value, double max_value,
                   const std::string &doc) {
    return param{name, "", doc, SERAPH_PARAM_F64, 0u, min_value, max_value, default_value, {}};
  }
  static param i64(const std::string &name, std::int64_t default_value, std::int64_t min_value,
                   std::int64_t max_value, const std::string &doc) {
    return param{name, "", doc, SERAPH_PARAM_I64, 0u, static_cast<double>(min_value),
                 static_cast<double>(max_value), static_cast<double>(default_value), {}};
  }
  static param flag(const std::string &name, bool default_value, const std::string &doc) {
    return param{name, "", doc, SERAPH_PARAM_BOOL, 0u, 0.0, 1.0, default_value ? 1.0 : 0.0, {}};
  }
  /* The first choice is the default. */
  static param choice(const std::string &name, const std::vector<std::string> &choices, const std::string &doc) {
    return param{name, "", doc, SERAPH_PARAM_ENUM, 0u, 0.0, static_cast<double>(choices.size()) - 1.0, 0.0, choices};
  }

  param with_unit(const std::string &text) const {
    param copy(*this);
    copy.unit = text;
    return copy;
  }
  param with_flags(std::uint32_t more) const {
    param copy(*this);
    copy.flags |= more;
    return copy;
  }

  /* The numeric id across the ABI: FNV-1a of the name, so stable as long as the name is. */
  std::uint32_t id() const {
    std::uint32_t hash = 0x811C9DC5u;
    for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193u;
    return hash;
  }
};

/* A value of a preset. For a choice and a flag, its index. */
struct preset_value {
  std::string name;
  double value;
};

/* A named set of values; what it leaves out has its default. */
struct preset {
  std::string name, doc;
  std::vector<preset_value> values;
};

/* What an attack is. See seraph_attack_info for each field. */
struct attack_info {
  std::string id, name, version, author, citation, license, doc;
  std::uint32_t access_required = 0u;
  std::uint32_t access_optional = 0u;
  std::uint32_t norms = SERAPH_NORM_LINF;
  std::uint32_t goals = SERAPH_GOAL_UNTARGETED;
  std::uint32_t max_items = 0u;
  std::vector<param> params;
  std::vector<preset> presets;
};

/* ---- what a call gets --------------------------------------------------------------------------------- */

/* The values of the parameters, by name. */
class config {
 public:
  config(const std::vector<param> &declared, const seraph_config *raw) : declared_(declared), raw_(raw) {
    if (raw == nullptr || raw->n_params != declared.size()) {
      throw error(SERAPH_E_ARG, "config does not have the declared parameters");
    }
  }

  double f64(const std::string &name) const { return value(name, SERAPH_PARAM_F64).f64; }
  std::int64_t i64(const std::string &name) const { return value(name, SERAPH_PARAM_I64).i64; }
  bool flag(const std::string &name) const { return value(name, SERAPH_PARAM_BOOL).i64 != 0; }
  const std::string &choice(const std::string &name) const {
    const std::size_t at = index(name);
    const std::size_t chosen = static_cast<std::size_t>(value(name, SERAPH_PARAM_ENUM).i64);
    if (chosen >= declared_[at].choices.size()) throw error(SERAPH_E_ARG, "'" + name + "' has no such choice");
    return declared_[at].choices[chosen];
  }

 private:
  const std::vector<param> &declared_;
  const seraph_config *raw_;

  std::size_t index(const std::string &name) const {
    for (std::size_t i = 0; i < declared_.size(); i++) {
      if (declared_[i].name == name) return i;
    }
    throw error(SERAPH_E_ARG, "no parameter '" + name + "' is declared");
  }
  const seraph_param &value(const std::string &name, std::int32_t kind) const {
    const std::size_t at = index(name);
    const seraph_param &found = raw_->params[at];
    if (found.id != declared_[at].id() || found.kind != kind) {
      throw error(SERAPH_E_ARG, "config has another parameter where '" + name + "' is");
    }
    return found;
  }
};

/* The stream of an item: see seraph/rng.h. */
class rng {
 public:
  rng(const std::uint8_t seed[32], std::uint64_t stream) : state_() { seraph_rng_init(&state_, seed, stream); }
  std::uint32_t u32() { return seraph_rng_u32(&state_); }
  float f32() { return seraph_rng_f32(&state_); }
  float uniform(float low, float high) { return low + (high - low) * f32(); }

 private:
  seraph_rng state_;
};

/* A batch of utterances to attack. */
class task {
 public:
  explicit task(const seraph_task *raw) : raw_(raw) {
    if (raw == nullptr || raw->struct_size < sizeof(seraph_task)) throw error(SERAPH_E_VERSION, "unknown task");
  }
  std::size_t n_items() const { return raw_->n_items; }
  std::size_t n_samples() const { return static_cast<std::size_t>(raw_->audio.shape[1]); }
  /* The clean audio of an item: [n_samples], 0 past its length. */
  const float *audio(std::size_t item) const {
    return seraph_tensor_data_f32(&raw_->audio) + item * n_samples();
  }
  std::size_t length(std::size_t item) const { return raw_->lengths[item]; }
  std::int32_t reference(std::size_t item) const { return raw_->reference[item]; }
  bool is_targeted() const { return raw_->target != nullptr; }
  std::int32_t target(std::size_t item) const { return raw_->target[item]; }
  std::uint32_t norm() const { return raw_->norm; }
  float radius(std::size_t item) const { return raw_->radius[item]; }
  float clip_lo() const { return raw_->clip_lo; }
  float clip_hi() const { return raw_->clip_hi; }
  /* The random stream of an item: the same however items are batched. */
  seraph::rng random(std::size_t item) const {
    return seraph::rng(raw_->seed, raw_->streams != nullptr ? raw_->streams[item] : item);
  }
  const seraph_task *raw() const { return raw_; }

 private:
  const seraph_task *raw_;
};

/* Answers of oracle::loss_grad; keep it between calls, so that a loop allocates once. */
struct gradients {
  std::vector<float> loss;   /* [n] */
  std::vector<float> grad;   /* [n, n_samples] */
  std::vector<float> logits; /* [n, n_classes] */
};

/* A loss on each item's own class; set classes, targets or cotangent for another. */
inline seraph_loss loss(std::int32_t kind) {
  seraph_loss made = seraph_loss();
  made.struct_size = sizeof(seraph_loss);
  made.kind = kind;
  made.kappa = std::numeric_limits<float>::infinity();
  return made;
}

/* The victim, as far as the threat model grants it. Row r of x is a variant of item items[r]. A call of more than
 * max_rows rows is the caller's to split. Each throws seraph::error with the host's status. */
class oracle {
 public:
  oracle(const task &of, const seraph_host *host, seraph_ctx *ctx)
      : raw_(of.raw()->oracle), host_(host), ctx_(ctx), n_samples_(of.n_samples()) {
    if (raw_ == nullptr || raw_->struct_size < sizeof(seraph_oracle)) throw error(SERAPH_E_VERSION, "unknown oracle");
  }
  std::uint32_t access() const { return raw_->access; }
  std::size_t n_classes() const { return raw_->n_classes; }
  std::size_t max_rows() const { return raw_->max_rows; }

  void decision(const std::vector<float> &x, const std::vector<std::uint32_t> &items,
                std::vector<std::int32_t> &out) {
    const seraph_tensor rows = detail::view(x.data(), items.size(), n_samples_);
    out.resize(items.size());
    detail::check(raw_->decision(ctx_, &rows, items.data(), count(items), out.data()));
  }
  void logits(const std::vector<float> &x, const std::vector<std::uint32_t> &items, std::vector<float> &out) {
    const seraph_tensor rows = detail::view(x.data(), items.size(), n_samples_);
    out.resize(items.size() * n_classes());
    seraph_tensor answer = matrix(out, items.size());
    detail::check(raw_->logits(ctx_, &rows, items.data(), count(items), &answer));
  }
  void loss_grad(const std::vector<float> &x, const std::vector<std::uint32_t> &items, const seraph_loss &of,
                 gradients &out) {
    const seraph_tensor rows = detail::view(x.data(), items.size(), n_samples_);
    out.loss.resize(items.size());
    out.grad.resize(items.size() * n_samples_);
    out.logits.resize(items.size() * n_classes());
    seraph_tensor grad = matrix(out.grad, items.size());
    seraph_tensor scores = matrix(out.logits, items.size());
    detail::check(raw_->loss_grad(ctx_, &rows, items.data(), count(items), &of, out.loss.data(), &grad, &scores));
  }
  seraph_budget budget(std::size_t item) const {
    seraph_budget left = seraph_budget();
    left.struct_size = sizeof(seraph_budget);
    detail::check(raw_->budget(ctx_, static_cast<std::uint32_t>(item), &left));
    return left;
  }
  /* Hands in a candidate, [n_samples]; the last one of an item counts. */
  void commit(std::size_t item, const float *x) {
    const seraph_tensor row = detail::view(x, 1u, n_samples_);
    detail::check(raw_->commit(ctx_, static_cast<std::uint32_t>(item), &row));
  }

  bool cancelled() const { return host_->cancelled(ctx_) != 0; }
  void progress(std::size_t item, std::size_t step, std::size_t steps, double value) const {
    host_->progress(ctx_, static_cast<std::uint32_t>(item), step, steps, value);
  }
  void log(std::int32_t level, const std::string &message) const {
    host_->log(ctx_, level, message.data(), message.size());
  }

 private:
  const seraph_oracle *raw_;
  const seraph_host *host_;
  seraph_ctx *ctx_;
  std::size_t n_samples_;

  static std::uint32_t count(const std::vector<std::uint32_t> &items) {
    return static_cast<std::uint32_t>(items.size());
  }
  static seraph_tensor matrix(std::vector<float> &data, std::size_t rows) {
    const std::size_t columns = rows == 0u ? 0u : data.size() / rows;
    return seraph_tensor_f32(data.data(), static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns));
  }
};

/* Moves x to the nearest point within radius of clean and in the box, such that the host's float64 check passes. */
inline void project_linf(float *x, const float *clean, std::size_t n, float radius, float low, float high) {
  for (std::size_t i = 0; i < n; i++) {
    float bottom = clean[i] - radius, top = clean[i] + radius;
    if (static_cast<double>(clean[i]) - static_cast<double>(bottom) > static_cast<double>(radius)) {
      bottom = std::nextafter(bottom, clean[i]);
    }
    if (static_cast<double>(top) - static_cast<double>(clean[i]) > static_cast<double>(radius)) {
      top = std::nextafter(top, clean[i]);
    }
    x[i] = std::fmin(std::fmax(x[i], std::fmax(bottom, low)), std::fmin(top, high));
  }
}

/* ---- from a class to a plugin ------------------------------------------------------------------------- */

/* An attack. run() perturbs each item of the task and commits the results. */
class attack {
 public:
  virtual ~attack() {}
  virtual void run(const task &of, oracle &victim) = 0;

 protected:
  attack() {}

 private:
  attack(const attack &);
  attack &operator=(const attack &);
};

namespace detail {

/* An attack_info as the ABI's tables, which point into it. */
class tables {
 public:
  explicit tables(attack_info made) : info_(std::move(made)), raw_() {
    choices_.reserve(info_.params.size());
    params_.reserve(info_.params.size());
    for (const param &each : info_.params) add_param(each);
    for (const seraph_param_info &each : params_) param_pointers_.push_back(&each);
    values_.reserve(info_.presets.size());
    presets_.reserve(info_.presets.size());
    for (const preset &each : info_.presets) add_preset(each);
    for (const seraph_preset &each : presets_) preset_pointers_.push_back(&each);
    fill();
  }
  const attack_info &info() const { return info_; }
  const seraph_attack_info *raw() const { return &raw_; }

 private:
  attack_info info_;
  seraph_attack_info raw_;
  std::vector<std::vector<seraph_str> > choices_;
  std::vector<seraph_param_info> params_;
  std::vector<const seraph_param_info *> param_pointers_;
  std::vector<std::vector<seraph_param> > values_;
  std::vector<seraph_preset> presets_;
  std::vector<const seraph_preset *> preset_pointers_;

  tables(const tables &);
  tables &operator=(const tables &);

  void add_param(const param &each) {
    std::vector<seraph_str> names;
    for (const std::string &choice : each.choices) names.push_back(str(choice));
    choices_.push_back(std::move(names));
    seraph_param_info made = seraph_param_info();
    made.struct_size = sizeof(seraph_param_info);
    made.id = each.id();
    made.kind = each.kind;
    made.flags = each.flags;
    made.name = str(each.name);
    made.unit = str(each.unit);
    made.doc = str(each.doc);
    made.min_value = each.min_value;
    made.max_value = each.max_value;
    made.default_value = each.default_value;
    made.choices = choices_.back().data();
    made.n_choices = choices_.back().size();
    params_.push_back(made);
  }

  void add_preset(const preset &each) {
    std::vector<seraph_param> values;
    for (const preset_value &set : each.values) {
      for (const param &declared : info_.params) {
        if (declared.name != set.name) continue;
        seraph_param value = seraph_param();
        value.id = declared.id();
        value.kind = declared.kind;
        if (declared.kind == SERAPH_PARAM_F64) {
          value.f64 = set.value;
        } else {
          value.i64 = static_cast<std::int64_t>(set.value);
        }
        values.push_back(value);
      }
    }
    if (values.size() != each.values.size()) throw error(SERAPH_E_ARG, "preset sets an undeclared parameter");
    values_.push_back(std::move(values));
    seraph_preset made = seraph_preset();
    made.struct_size = sizeof(seraph_preset);
    made.n_params = static_cast<std::uint32_t>(values_.back().size());
    made.name = str(each.name);
    made.doc = str(each.doc);
    made.params = values_.back().data();
    presets_.push_back(made);
  }

  void fill() {
    raw_.struct_size = sizeof(seraph_attack_info);
    raw_.access_required = info_.access_required;
    raw_.access_optional = info_.access_optional;
    raw_.norms = info_.norms;
    raw_.goals = info_.goals;
    raw_.max_items = info_.max_items;
    raw_.id = str(info_.id);
    raw_.name = str(info_.name);
    raw_.version = str(info_.version);
    raw_.author = str(info_.author);
    raw_.citation = str(info_.citation);
    raw_.license = str(info_.license);
    raw_.doc = str(info_.doc);
    raw_.params = param_pointers_.data();
    raw_.n_params = param_pointers_.size();
    raw_.presets = preset_pointers_.data();
    raw_.n_presets = preset_pointers_.size();
  }
};

/* The one way in from C: whatever body throws becomes a status and a message. */
template <class Body>
seraph_status guard(const seraph_host *host, seraph_ctx *ctx, Body body) noexcept {
  seraph_status status = SERAPH_E_FAIL;
  const char *message = "unknown exception";
  try {
    try {
      body();
      return SERAPH_OK;
    } catch (const error &caught) {
      status = caught.status();
      host->set_error(ctx, status, caught.what(), std::strlen(caught.what()));
      return status;
    } catch (const std::bad_alloc &) {
      status = SERAPH_E_NOMEM;
      message = "out of memory";
    } catch (const std::exception &caught) {
      host->set_error(ctx, status, caught.what(), std::strlen(caught.what()));
      return status;
    }
  } catch (...) {
    /* What is not a std::exception says nothing. */
  }
  host->set_error(ctx, status, message, std::strlen(message));
  return status;
}

/* A library of one attack of type A. */
template <class A>
struct library {
  struct instance {
    const seraph_host *host;
    std::unique_ptr<A> made;
  };

  static const tables &table() {
    static const tables made(A::info());
    return made;
  }

  static const seraph_attack_info *SERAPH_CALL info(std::uint32_t index) {
    try {
      return index == 0u ? table().raw() : nullptr;
    } catch (...) {
      return nullptr;
    }
  }

  static seraph_status SERAPH_CALL create(const seraph_host *host, seraph_ctx *ctx, const char *id,
                                          const seraph_config *raw, seraph_self **out) {
    return guard(host, ctx, [=]() {
      if (table().info().id != id) throw error(SERAPH_E_ARG, "no such attack in this library");
      const config values(table().info().params, raw);
      std::unique_ptr<instance> made(new instance{host, std::unique_ptr<A>(new A(values))});
      *out = reinterpret_cast<seraph_self *>(made.release());
    });
  }

  static seraph_status SERAPH_CALL run(seraph_self *self, seraph_ctx *ctx, const seraph_task *raw) {
    instance *found = reinterpret_cast<instance *>(self);
    return guard(found->host, ctx, [=]() {
      const task items(raw);
      oracle victim(items, found->host, ctx);
      found->made->run(items, victim);
    });
  }

  static void SERAPH_CALL destroy(seraph_self *self) { delete reinterpret_cast<instance *>(self); }

  static const void *SERAPH_CALL get_factory(const char *id) {
    static const seraph_attack_factory factory = {sizeof(seraph_attack_factory), 1u, info, create, run, destroy};
    return std::strcmp(id, SERAPH_FACTORY_ATTACK) == 0 ? static_cast<const void *>(&factory) : nullptr;
  }

  static void SERAPH_CALL shutdown() {}

  static const seraph_plugin *entry(const seraph_host *host) {
    static const seraph_plugin plugin = {sizeof(seraph_plugin), SERAPH_ABI_MAJOR, SERAPH_ABI_MINOR, get_factory,
                                         shutdown};
    const bool speaks = host != nullptr && host->struct_size >= sizeof(seraph_host) &&
                        host->abi_major == SERAPH_ABI_MAJOR;
    return speaks ? &plugin : nullptr;
  }
};

} /* namespace detail */
} /* namespace seraph */

/* Makes this library a plugin with the attack Type: its note, and the one symbol. id and version are those of
 * Type::info(), as literals: the host reads them before any code runs. */
#define SERAPH_EXPORT_ATTACK(Type, id, version)                                                                 \
  SERAPH_PLUGIN_NOTE(seraph_exported_note, SERAPH_KIND_ATTACK, id, version, 0);                                 \
  SERAPH_EXTERN_C SERAPH_EXPORT const seraph_plugin *SERAPH_CALL seraph_plugin_entry_v1(const seraph_host *host); \
  SERAPH_EXTERN_C SERAPH_EXPORT const seraph_plugin *SERAPH_CALL seraph_plugin_entry_v1(const seraph_host *host) { \
    return seraph::detail::library<Type>::entry(host);                                                          \
  }                                                                                                             \
  typedef int seraph_exported_attack

#endif /* SERAPH_SERAPH_HPP */
