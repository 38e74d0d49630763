//! Plugins that misbehave in a run: each costs its own items, which are named for what it did, and the run goes on.

use crate::program::{Desk, linear_plan, tree};
use seraph_core::{ItemStatus, Journal};

/// What the hostile plugin does, and the fault that its item is named for.
const MISDEEDS: [(&str, Option<&str>); 8] = [
    ("null-write", Some("crash")),
    ("abort", Some("crash")),
    ("past-region", Some("crash")),
    ("exit-0", Some("exit")),
    ("raw-exit-0", Some("exit")),
    ("commit-nan", Some("nan")),
    ("overspend", Some("over-budget")),
    // Items that fill their rows have no padding: what is written there is audio, and over the budget.
    ("commit-in-padding", Some("norm")),
];

#[test]
fn a_misdeed_costs_its_own_items_and_names_them() {
    let desk = Desk::new();
    let library = std::env::current_exe().unwrap().with_file_name("libseraph_hostile_plugins.so");
    let attack = |mode: &str| {
        format!(
            "[[attack]]\nplugin = \"{}\"\nname = \"{mode}\"\nparams = {{ mode = \"{mode}\" }}\n",
            library.display()
        )
    };
    let hostile: String = MISDEEDS.iter().map(|(mode, _)| attack(mode)).collect();
    let plan = linear_plan(&["pgd"])
        .replace("[0.001, 0.01]", "0.01\nqueries = 20")
        .replace("limit = 12", "limit = 4");
    desk.write("plan.toml", plan.replace("[[threat]]", &format!("{hostile}[[threat]]")));
    let ran = desk.run(&["run", "plan.toml", "--out", "out", "--jobs", "2"]).ended(0);
    let lost = |line: &&str| line.contains("of 4 attacked items are lost");
    assert!(ran.stderr.lines().filter(lost).count() >= 7, "{}", ran.stderr);
    let journals = tree(&desk.path("out/journal"));
    let items = |attack: &str| {
        let start = format!("{attack}--");
        let (_, bytes) =
            journals.iter().find(|(name, _)| name.to_string_lossy().starts_with(&start)).unwrap();
        Journal::decode(bytes).unwrap().items_in_order()
    };
    for (mode, fault) in MISDEEDS {
        let items = items(mode);
        // The misdeed is done on the first item; those that it leaves without a commit have failed.
        assert_eq!(items[0].fault.as_deref(), fault, "{mode}: {:?}", items[0].reason);
        assert!(items.iter().all(|item| !item.success), "{mode} succeeded");
        assert!(
            items[1..].iter().all(|item| item.status == ItemStatus::Failed && item.fault.is_some()),
            "{mode}"
        );
    }
    assert!(items("pgd").iter().all(|item| item.status == ItemStatus::Ok && item.success));
}
