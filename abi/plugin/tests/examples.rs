//! The C and C++ templates: built as their first comment says, one symbol, one note, and the same result as the same
//! attack in Rust terms, sample by sample.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use seraph_plugin::analytic::Linear;
use seraph_plugin::prelude::*;
use seraph_plugin::testing::{Outcome, Scene, host_table};
use seraph_sys as sys;

const EXAMPLES: [(&str, &[&str]); 2] =
    [("example-c", &["gcc", "clang"]), ("example-cpp", &["g++", "clang++"])];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn runs(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        println!("{program} is not installed: not tried");
    }
    there
}

/// Builds an example with its own Makefile; the library lands in `folder`.
fn build(example: &str, compiler: &str, folder: &Path) -> PathBuf {
    let source = root().join("plugins").join(example);
    for file in std::fs::read_dir(&source).unwrap() {
        let file = file.unwrap();
        if file.path().extension().is_none_or(|extension| extension != "so") {
            std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
        }
    }
    let abi = root().join("abi").canonicalize().unwrap();
    let made = Command::new("make")
        .current_dir(folder)
        .args([format!("SERAPH={}", abi.display()), format!("CC={compiler}"), format!("CXX={compiler}")])
        .args(["CFLAGS=-O1 -Wall -Wextra -Werror", "CXXFLAGS=-O1 -Wall -Wextra -Werror"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{example}: {}", String::from_utf8_lossy(&made.stderr));
    folder.join(format!("{example}.so"))
}

/// Every example with every compiler that is there, built once.
fn libraries() -> &'static [(&'static str, PathBuf)] {
    static BUILT: OnceLock<Vec<(&str, PathBuf)>> = OnceLock::new();
    BUILT.get_or_init(|| {
        if !runs("make") {
            return Vec::new();
        }
        let pairs =
            EXAMPLES.iter().flat_map(|(example, compilers)| compilers.iter().map(move |c| (*example, *c)));
        let there = pairs.filter(|(_, compiler)| runs(compiler));
        let built = there.map(|(example, compiler)| {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{example}-{compiler}"));
            let _ = std::fs::remove_dir_all(&folder); // of an earlier run, if there was one
            std::fs::create_dir_all(&folder).unwrap();
            (example, build(example, compiler, &folder))
        });
        built.collect()
    })
}

fn each_library(check: impl Fn(&str, &Path)) {
    libraries().iter().for_each(|(example, library)| check(example, library));
}

#[test]
fn each_exports_one_symbol_and_carries_one_note() {
    each_library(|example, library| {
        if runs("nm") {
            let output = Command::new("nm").args(["-D", "--defined-only"]).arg(library).output().unwrap();
            let symbols = String::from_utf8(output.stdout).unwrap();
            let names: Vec<&str> = symbols.lines().filter_map(|line| line.rsplit(' ').next()).collect();
            assert_eq!(names, [sys::SERAPH_ENTRY_SYMBOL], "{example}");
        }
        let bytes = std::fs::read(library).unwrap();
        let mut note = Vec::new();
        for word in [7, sys::SERAPH_NOTE_DESC_SIZE, sys::SERAPH_NOTE_TYPE] {
            note.extend(word.to_le_bytes());
        }
        note.extend(b"SERAPH\0\0");
        for half in [1_u16, 0, 0, sys::SERAPH_KIND_ATTACK] {
            note.extend(half.to_le_bytes());
        }
        note.extend(format!("{example}\0").bytes());
        let found = bytes.windows(note.len()).filter(|window| *window == note).count();
        assert_eq!(found, 1, "{example}");
    });
}

/// What both examples do, in the words of the toolkit.
struct SignStep;

impl Attack for SignStep {
    const INFO: AttackInfo =
        AttackInfo { id: "sign-step", version: "1.0.0", goals: Goals::ANY, ..AttackInfo::EMPTY };

    fn create(_config: &Config, _host: &Host) -> Result<Self, Error> {
        Ok(SignStep)
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        let mut answer = Gradients::default();
        for item in task.items() {
            let (ball, mut x) = (Ball::of(task, item), task.audio(item).to_vec());
            let sign = if task.is_targeted() { -1.0 } else { 1.0 };
            for _ in 0..10 {
                match oracle.loss_grad(&x, &[item as u32], &Loss::CE, &mut answer) {
                    Err(error) if error.is_budget() => break,
                    answered => answered?,
                }
                let utterance = &mut x[..task.length(item)];
                ball.ascend(utterance, answer.row(0), sign * 0.25 * ball.radius());
                ball.project(utterance);
            }
            oracle.commit(item, &x)?;
        }
        Ok(())
    }
}

/// Runs the attack of a library through its one symbol.
fn run_library<'s>(scene: &'s Scene<'s>, library: &Path) -> Outcome<'s> {
    // SAFETY: libraries that this test built; they stay loaded for as long as the program, and so does the host.
    unsafe {
        let loaded = Box::leak(Box::new(libloading::Library::new(library).unwrap()));
        let entry: libloading::Symbol<sys::seraph_plugin_entry_fn> =
            loaded.get(sys::SERAPH_ENTRY_SYMBOL.as_bytes()).unwrap();
        let plugin = entry(host_table()).as_ref().expect("the host is of this version");
        assert_eq!((plugin.abi_major, plugin.abi_minor), (1, 0));
        assert!((plugin.get_factory)(c"seraph.victim/1".as_ptr()).is_null());
        let factory = (plugin.get_factory)(c"seraph.attack/1".as_ptr());
        scene.run_factory(&*factory.cast::<sys::seraph_attack_factory>(), 0)
    }
}

#[test]
fn each_does_the_same_as_the_same_attack_in_rust() {
    let model = Linear::random(4, 600, 3);
    let mut rng = Rng::new(&[4; 32], 0);
    let mut audio = |n: usize| -> Vec<f32> { (0..n).map(|_| rng.uniform(-1.0, 1.0)).collect() };
    let audio = vec![audio(600), audio(1), audio(347)];
    let scene = |targets: Option<Vec<i32>>, budget: u64| Scene {
        radius: vec![0.02],
        targets,
        budget: (budget, budget),
        ..Scene::new(&model, audio.clone())
    };
    let scenes = [scene(None, 100), scene(Some(vec![1, 2, 3]), 100), scene(None, 4)];
    each_library(|example, library| {
        for scene in &scenes {
            let (expected, found) = (scene.run::<SignStep>(None, &[]), run_library(scene, library));
            assert_eq!(found.status, Ok(()), "{example}");
            found.assert_valid();
            assert!(expected.commits == found.commits, "{example}");
            assert_eq!(expected.budgets, found.budgets, "{example}");
        }
    });
}

#[test]
fn what_the_oracle_refuses_comes_back_as_a_status_and_a_message() {
    let model = Linear::random(4, 600, 3);
    each_library(|example, library| {
        let scene = Scene { access: Access::LOGITS, ..Scene::new(&model, vec![vec![0.1; 600]]) };
        let outcome = run_library(&scene, library);
        let error = outcome.status.unwrap_err();
        assert_eq!(error.status(), Status::Denied, "{example}");
        assert!(!error.to_string().is_empty(), "{example}");
    });
}

#[test]
fn what_cpp_throws_comes_back_as_a_status_and_a_message() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/throwing.cc");
    let include = root().join("abi/include");
    let model = Linear::random(2, 8, 1);
    for compiler in ["g++", "clang++"].into_iter().filter(|compiler| runs(compiler)) {
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("throwing-{compiler}.so"));
        let mut command = Command::new(compiler);
        command.args(["-std=c++11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-I"]).arg(&include);
        let built = command.arg(&source).arg("-o").arg(&library).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        for (radius, status, message) in [
            (1.0, Status::State, "on purpose"),
            (2.0, Status::Memory, "out of memory"),
            (3.0, Status::Fail, "anything"),
            (4.0, Status::Fail, "unknown exception"),
            (5.0, Status::Argument, "an argument breaks its contract"),
        ] {
            let scene = Scene { radius: vec![radius], ..Scene::new(&model, vec![vec![0.1; 8]]) };
            let outcome = run_library(&scene, &library);
            let error = outcome.status.as_ref().unwrap_err();
            assert_eq!((error.status(), error.to_string().as_str()), (status, message), "{compiler}");
            assert!(outcome.commits[0].is_some(), "{compiler}: what was committed before stays");
        }
        let scene = Scene { radius: vec![0.5], ..Scene::new(&model, vec![vec![0.1; 8]]) };
        assert_eq!(run_library(&scene, &library).status, Ok(()));
    }
}
