//! What the program says about itself and about plugins.

use crate::program::Desk;

#[test]
fn everything_can_be_listed_for_people_and_for_machines() {
    let desk = Desk::new();
    for (what, expected) in [
        ("attacks", "pgd"),
        ("victims", "victim-linear"),
        ("corpora", "emodb"),
        ("metrics", "robust_uar"),
        ("presets", "paper-default"),
    ] {
        assert!(desk.run(&["list", what]).ended(0).stdout.contains(expected), "{what}");
        let json = desk.run(&["list", what, "--json"]).ended(0).stdout;
        let document: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(!document.as_array().unwrap().is_empty(), "{what}");
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let desk = Desk::new();
    let help = desk.run(&["--help"]).ended(0).stdout;
    let lines =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // Further lines of a description are indented further.
    let commands = lines.filter(|line| !line.starts_with("   "));
    let commands: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() > 8, "{help}");
    for command in commands.into_iter().filter(|command| !["help", "victim"].contains(command)) {
        let help = desk.run(&[command, "--help"]).ended(0).stdout;
        assert!(help.contains(&format!("  seraph {command}")), "{command} has no example:\n{help}");
    }
}
