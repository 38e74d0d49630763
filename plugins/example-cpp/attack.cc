/* c++ -std=c++11 -O2 -fPIC -shared -fvisibility=hidden -Wl,-z,defs,--version-script=../../abi/seraph-plugin.map \
 *   -I../../abi/include attack.cc -o example-cpp.so
 *
 * A whole attack in C++: repeated steps along the sign of the gradient, inside an Linf ball. plugins/example-c is the
 * same attack in C.
 */
#include <seraph/seraph.hpp>

#include <algorithm>
#include <vector>

#define ATTACK_ID "example-cpp"
#define ATTACK_VERSION "1.0.0"

namespace {

class sign_step : public seraph::attack {
 public:
  /* Step 1. Say what the attack is. */
  static seraph::attack_info info() {
    seraph::attack_info info;
    info.id = ATTACK_ID;
    info.name = "Iterated sign step, in C++";
    info.version = ATTACK_VERSION;
    info.author = "SERAPH";
    info.citation = "Kurakin, Goodfellow, Bengio, \"Adversarial examples in the physical world\", 2017";
    info.license = "MIT OR Apache-2.0";
    info.doc = "x <- clip(x + a sign(grad CE)), from the clean audio.";
    info.access_required = SERAPH_ACCESS_GRADIENT;
    info.norms = SERAPH_NORM_LINF;
    info.goals = SERAPH_GOAL_UNTARGETED | SERAPH_GOAL_TARGETED;
    info.params = {
        seraph::param::i64("steps", 10, 1, 10000, "gradients per item").with_flags(SERAPH_PARAM_AFFECTS_BUDGET),
        seraph::param::f64("rel_step", 0.25, 0.001, 10.0, "length of a step").with_unit("eps"),
    };
    info.presets = {{"paper-default", "10 steps of eps/4", {}},
                    {"strong", "100 steps of eps/20", {{"steps", 100.0}, {"rel_step", 0.05}}}};
    return info;
  }

  /* Step 2. An instance holds its parameters. */
  explicit sign_step(const seraph::config &config)
      : steps_(config.i64("steps")), rel_step_(static_cast<float>(config.f64("rel_step"))) {}

  /* Step 3. The algorithm. The host clips, quantises and scores what is committed; nothing here says "success". */
  void run(const seraph::task &task, seraph::oracle &oracle) override {
    for (std::size_t item = 0; item < task.n_items(); item++) attack_item(task, oracle, item);
  }

 private:
  std::int64_t steps_;
  float rel_step_;
  seraph::gradients gradients_;

  void attack_item(const seraph::task &task, seraph::oracle &oracle, std::size_t item) {
    const float *clean = task.audio(item);
    const std::vector<std::uint32_t> items(1, static_cast<std::uint32_t>(item));
    /* Cross entropy of the target class if there is one, which is to fall, else of the reference, which is to rise. */
    const float step = (task.is_targeted() ? -1.0f : 1.0f) * rel_step_ * task.radius(item);
    std::vector<float> x(clean, clean + task.n_samples());
    try {
      for (std::int64_t k = 0; k < steps_; k++) {
        oracle.loss_grad(x, items, seraph::loss(SERAPH_LOSS_CE), gradients_);
        for (std::size_t i = 0; i < task.length(item); i++) {
          const float slope = gradients_.grad[i];
          x[i] += step * static_cast<float>((slope > 0.0f) - (slope < 0.0f));
        }
        seraph::project_linf(x.data(), clean, task.length(item), task.radius(item), task.clip_lo(), task.clip_hi());
      }
    } catch (const seraph::error &spent) {
      /* A spent budget is no failure: what was reached so far is handed in. */
      if (spent.status() != SERAPH_E_BUDGET) throw;
    }
    oracle.commit(item, x.data());
  }
};

} /* namespace */

/* Step 4. The note, the tables, and the one symbol that the library exports. */
SERAPH_EXPORT_ATTACK(sign_step, ATTACK_ID, ATTACK_VERSION);
