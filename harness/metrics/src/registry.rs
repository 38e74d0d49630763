//! The table of metrics: what stands in a record, in which unit, and what it means.

/// What is known of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricInfo {
    /// Its name in records.
    pub name: &'static str,
    /// Its unit; "1" for a share or a pure number.
    pub unit: &'static str,
    /// Whether a higher value speaks for the victim; `None`: it describes the attack.
    pub higher_is_better: Option<bool>,
    /// Its definition.
    pub doc: &'static str,
}

/// Sizes of perturbations: unit, and what it measures. Each is given as the median over the attacked items with valid
/// audio, and with `_success` as the median over the successes.
pub const SIZES: [(&str, &str, &str, &str); 13] = [
    ("linf", "linf_success", "1", "largest change of a sample, full scale 1"),
    ("l2", "l2_success", "1", "root of the summed squares of the changes"),
    ("l1", "l1_success", "1", "sum of the magnitudes of the changes"),
    ("l0", "l0_success", "samples", "changed samples"),
    ("rms", "rms_success", "1", "root mean square of the changes"),
    ("sparsity", "sparsity_success", "1", "share of unchanged samples"),
    ("runs", "runs_success", "1", "stretches of changed samples"),
    ("touched_ms", "touched_ms_success", "ms", "changed samples as time"),
    ("snr_db", "snr_db_success", "dB", "signal-to-noise ratio by energy"),
    ("snr_active_db", "snr_active_db_success", "dB", "the same over the frames in which there is speech"),
    ("snr_seg_db", "snr_seg_db_success", "dB", "mean of the 10 ms frames' ratios, each within [-10, 35] dB"),
    ("si_sdr_db", "si_sdr_db_success", "dB", "scale-invariant signal-to-distortion ratio"),
    ("peak_snr_db", "peak_snr_db_success", "dB", "ratio of the peaks (STAA-Net's SNR)"),
];

const UP: Option<bool> = Some(true);
const DOWN: Option<bool> = Some(false);

/// The metrics beside the [`SIZES`]. c is clean correctness, s valid success, E the eligible items (all but those whose
/// label is the target).
const RATES: [(&str, &str, Option<bool>, &str); 27] = [
    ("clean_accuracy", "1", UP, "share of items whose clean prediction is their label: mean of c"),
    ("clean_uar", "1", UP, "mean over classes of clean recall"),
    ("robust_accuracy", "1", UP, "mean of c (1 - s) over E; the headline"),
    ("robust_uar", "1", UP, "mean over classes of the mean of c (1 - s)"),
    ("worst_class_recall", "1", UP, "least of the classes' means of c (1 - s)"),
    ("asr", "1", DOWN, "attack success rate: sum of c s over sum of c, over E"),
    ("asr_all", "1", DOWN, "1 - robust accuracy; a no-op scores the clean error, so never ranked on"),
    (
        "flip_rate",
        "1",
        DOWN,
        "share of attacked items whose prediction changes (ART, STAA-Net: with labels = \"predicted\")",
    ),
    ("acc_drop", "1", DOWN, "clean minus robust accuracy, over E"),
    ("uar_drop", "1", DOWN, "clean minus robust UAR, over E"),
    ("adv_accuracy", "1", UP, "plain accuracy under attack, unattacked items as they were"),
    ("adv_uar", "1", UP, "mean over classes of recall under attack"),
    ("robust_accuracy_pcm16", "1", UP, "robust accuracy on the 16-bit audio"),
    ("robust_uar_pcm16", "1", UP, "robust UAR on the 16-bit audio"),
    ("asr_pcm16", "1", DOWN, "attack success rate on the 16-bit audio"),
    ("flip_rate_pcm16", "1", DOWN, "flip rate on the 16-bit audio"),
    ("clean_prediction_entropy", "1", None, "entropy of the clean predictions' classes over log K"),
    (
        "prediction_entropy",
        "1",
        None,
        "entropy of the predicted classes under attack over log K; 0: one class takes all",
    ),
    ("dominant_prediction", "1", None, "share of the class that is predicted most under attack"),
    ("forward_queries", "queries", None, "mean forward queries per attacked item, counted by the host"),
    ("gradient_queries", "queries", None, "mean gradient queries per attacked item"),
    (
        "queries_to_success",
        "queries",
        UP,
        "restricted mean of forward queries until success, the budget where there is none, over c = 1",
    ),
    (
        "queries_median",
        "queries",
        UP,
        "Kaplan-Meier median of forward queries until success, over c = 1; null if most hold",
    ),
    (
        "asr_at_100",
        "1",
        DOWN,
        "share of c = 1 items broken within 100 forward queries; null if the budget is smaller",
    ),
    (
        "asr_at_1000",
        "1",
        DOWN,
        "share of c = 1 items broken within 1,000 forward queries; null if the budget is smaller",
    ),
    (
        "asr_at_10000",
        "1",
        DOWN,
        "share of c = 1 items broken within 10,000 forward queries; null if the budget is smaller",
    ),
    ("pcm16_survival", "1", DOWN, "share of the successes that are successes on the 16-bit audio too"),
];

/// Every metric of a record, in the order in which they are listed.
pub fn metrics() -> Vec<MetricInfo> {
    let rate = |&(name, unit, higher_is_better, doc)| MetricInfo { name, unit, higher_is_better, doc };
    let size = |name, unit, doc| MetricInfo { name, unit, higher_is_better: None, doc };
    let sizes = SIZES.iter().map(|&(name, _, unit, doc)| size(name, unit, doc));
    let of_successes = SIZES.iter().map(|&(_, name, unit, doc)| size(name, unit, doc));
    RATES.iter().map(rate).chain(sizes).chain(of_successes).collect()
}
