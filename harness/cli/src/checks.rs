//! The outcome of a conformance check, and how a list of them is shown.

use crate::output::{self, Outcome, Result};
use crate::table;
use serde::Serialize;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// As it should be.
    Passed,
    /// It works, but a reader of its results should know.
    Warning,
    /// Could not be checked.
    Skipped,
    /// Not as it should be.
    Failed,
}

/// One check. Its id is stable: scripts may rely on it.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Eg "determinism".
    pub id: &'static str,
    /// The attack or victim of a library that it is about; empty: the whole.
    pub of: String,
    /// What it found.
    pub found: Found,
    /// What was seen, with the numbers.
    pub detail: String,
}

impl Check {
    /// A check that passes if `holds`.
    pub fn of(id: &'static str, holds: bool, detail: impl Into<String>) -> Check {
        Check::new(id, if holds { Found::Passed } else { Found::Failed }, detail)
    }

    /// A check with its outcome.
    pub fn new(id: &'static str, found: Found, detail: impl Into<String>) -> Check {
        Check { id, of: String::new(), found, detail: detail.into() }
    }

    /// The same check, about one attack or victim of a library.
    pub fn about(self, name: &str) -> Check {
        Check { of: name.to_owned(), ..self }
    }

    fn name(&self) -> String {
        if self.of.is_empty() { self.id.to_owned() } else { format!("{}/{}", self.of, self.id) }
    }
}

/// All checks of one thing. It passes only with the number of checks that were planned.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What was checked.
    pub subject: String,
    /// The checks, in the order in which they were made.
    pub checks: Vec<Check>,
    /// Whether none failed and all were made.
    pub passed: bool,
}

impl Report {
    /// Of `planned` checks.
    pub fn new(subject: String, checks: Vec<Check>, planned: usize) -> Report {
        let passed = checks.len() == planned && checks.iter().all(|check| check.found != Found::Failed);
        Report { subject, checks, passed }
    }

    /// Shows it and gives the end of the command.
    pub fn say(&self, json: bool) -> Result {
        if json {
            output::print_json(self)?;
        } else {
            let word = |found| format!("{found:?}").to_lowercase();
            let row = |check: &Check| vec![word(check.found), check.name(), check.detail.clone()];
            let rows: Vec<_> = self.checks.iter().map(row).collect();
            output::print(table::table(&["outcome", "check", "what was seen"], &rows))?;
        }
        let failed: Vec<String> =
            self.checks.iter().filter(|check| check.found == Found::Failed).map(Check::name).collect();
        Ok(match failed.as_slice() {
            _ if self.passed => Outcome::Done,
            [] => Outcome::Failed(format!("{}: not every check could be made", self.subject)),
            failed => Outcome::Failed(format!("{} fails: {}", self.subject, failed.join(", "))),
        })
    }

    /// The report as JUnit XML, for build servers.
    pub fn junit(&self) -> String {
        let case = |check: &Check| {
            let (id, detail) = (escape(&check.name()), escape(&check.detail));
            match check.found {
                Found::Failed => {
                    format!("  <testcase name=\"{id}\"><failure message=\"{detail}\"/></testcase>\n")
                }
                Found::Skipped => {
                    format!("  <testcase name=\"{id}\"><skipped message=\"{detail}\"/></testcase>\n")
                }
                _ => format!("  <testcase name=\"{id}\"><system-out>{detail}</system-out></testcase>\n"),
            }
        };
        let count = |found| self.checks.iter().filter(|check| check.found == found).count();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" \
             skipped=\"{}\">\n{}</testsuite>\n",
            escape(&self.subject),
            self.checks.len(),
            count(Found::Failed),
            count(Found::Skipped),
            self.checks.iter().map(case).collect::<String>()
        )
    }
}

fn escape(text: &str) -> String {
    let entity = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        c if c.is_control() => " ".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(entity).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_passes_only_whole() {
        let checks = || vec![Check::of("a", true, ""), Check::new("b", Found::Warning, "")];
        assert!(Report::new("x".into(), checks(), 2).passed);
        assert!(!Report::new("x".into(), checks(), 3).passed);
        assert!(!Report::new("x".into(), vec![Check::of("a", false, "")], 1).passed);
    }

    #[test]
    fn junit_escapes_what_a_plugin_said() {
        let report = Report::new("x".into(), vec![Check::of("a", false, "<b a=\"&\">\n")], 1);
        assert!(report.junit().contains("message=\"&lt;b a=&quot;&amp;&quot;&gt; \""), "{}", report.junit());
    }
}
