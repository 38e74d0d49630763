//! What a result depends on besides the plan: versions and the kind of machine, never its name or its clock.

use std::fs;

/// The version of this harness.
pub const HARNESS_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The kind of processor, eg "Intel(R) Xeon(R) Processor", or "unknown".
pub fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    model_name(&text).unwrap_or("unknown").to_owned()
}

fn model_name(cpuinfo: &str) -> Option<&str> {
    let (_, rest) = cpuinfo
        .lines()
        .find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == "model name"))?;
    Some(rest.trim()).filter(|name| !name.is_empty())
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_name_is_the_first_one_named() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n\nprocessor\t: 1\nmodel name\t: Other\n";
        assert_eq!(model_name(text), Some("Some CPU @ 2 GHz"));
        assert_eq!(model_name("model name\t:\n"), None);
    }
}
