//! Bad input: one clear line that names the thing, exit 2, and nothing written.

use crate::program::{Desk, linear_plan};

/// Runs a plan that must be refused, and gives the one line.
fn refused(desk: &Desk, plan: &str) -> String {
    desk.write("plan.toml", plan);
    let ran = desk.run(&["run", "plan.toml", "--out", "out"]).ended(2);
    assert!(!desk.path("out").exists(), "something was written: {}", ran.stderr);
    assert_eq!(ran.stdout, "");
    let errors: Vec<&str> = ran.stderr.lines().filter(|line| !line.contains("warning: ")).collect();
    assert_eq!(errors.len(), 1, "{}", ran.stderr);
    errors[0].to_owned()
}

#[test]
fn plans_that_cannot_be_run() {
    let good = linear_plan(&["pgd"]);
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    for (plan, expected) in [
        ("name = ".to_owned(), &["plan.toml", "line 1"][..]),
        (changed("linf", "lnif"), &["'lnif' is no norm in [[threat]]", "did you mean 'linf'"]),
        (changed("norm =", "nrom ="), &["unknown key 'nrom' in [[threat]]", "'norm'"]),
        (changed("[0.001, 0.01]", "[-0.1]"), &["eps = -0.1", "above 0"]),
        (changed("[0.001, 0.01]", "[]"), &["eps is an empty list"]),
        (changed("white-box", "transfer"), &["transfer threat needs source"]),
        (changed("synthetic", "emodbb"), &["emodbb", "did you mean 'emodb'"]),
        (changed("split = \"test\"", "split = \"tset\""), &["no split 'tset'"]),
        (changed("plugin = \"pgd\"", "plugin = \"pdg\""), &["'pdg'", "did you mean 'pgd'"]),
        (
            changed("plugin = \"pgd\"", "plugin = \"pgd\"\nparams = { stesp = 3 }"),
            &["'pgd'", "'stesp'", "'steps'"],
        ),
        (changed("plugin = \"pgd\"", "plugin = \"pgd\"\nparams = { steps = -3 }"), &["'steps'", "-3"]),
        (changed("plugin = \"pgd\"", "plugin = \"pgd\"\npreset = \"stronk\""), &["'stronk'", "'strong'"]),
        (
            changed("plugin = \"victim-linear\"", "plugin = \"victim-linar\""),
            &["'victim-linar'", "'victim-linear'"],
        ),
        (changed("n_classes = 4", "n_classes = 5"), &["5 logits", "4 emotions"]),
        (changed("n_samples = 1600 }", "n_samples = 1600 }\nmodel = \"none.bin\""), &["none.bin"]),
    ] {
        let line = refused(&Desk::new(), &plan);
        for part in expected {
            assert!(line.contains(part), "'{part}' is not in: {line}");
        }
    }
}

#[test]
fn files_that_are_no_plugins() {
    let plan =
        |file: &str| linear_plan(&["null"]).replace("plugin = \"null\"", &format!("plugin = \"./{file}\""));
    let desk = Desk::new();
    desk.write("text.so", "not a library");
    desk.write("empty.so", "");
    let mut other_machine = vec![0u8; 4096];
    other_machine[..20]
        .copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0xf7, 0]);
    other_machine[20] = 1;
    desk.write("bpf.so", other_machine);
    for file in ["text.so", "empty.so", "bpf.so", "absent.so"] {
        let line = refused(&desk, &plan(file));
        assert!(line.contains(file), "{line}");
    }
    let libc = std::fs::read_dir("/usr/lib/x86_64-linux-gnu").into_iter().flatten().flatten();
    let libc = libc.map(|entry| entry.path()).find(|path| path.ends_with("libm.so.6"));
    if let Some(libm) = libc {
        std::fs::copy(libm, desk.path("libm.so")).unwrap();
        let line = refused(&desk, &plan("libm.so"));
        assert!(line.contains("libm.so") && line.contains("note"), "{line}");
    }
}

#[test]
fn a_library_of_several_attacks_says_which_and_one_is_picked_by_id() {
    let desk = Desk::new();
    let library = crate::program::library("seraph_gradient");
    let plugin = format!("plugin = \"{}\"", library.display());
    let plan = |id: &str| linear_plan(&["pgd"]).replace("plugin = \"pgd\"", &format!("{plugin}\n{id}"));
    let line = refused(&desk, &plan(""));
    assert!(line.contains("id = \"") && line.contains("pgd") && line.contains("fgsm"), "{line}");
    let line = refused(&desk, &plan("id = \"nonesuch\""));
    assert!(line.contains("'nonesuch'") && line.contains("pgd"), "{line}");
    desk.write("plan.toml", plan("id = \"pgd\""));
    let ran = desk.run(&["run", "plan.toml", "--out", "out", "--limit", "4"]).ended(0);
    assert!(ran.stdout.contains(" pgd "), "{}", ran.stdout);
}

#[test]
fn a_library_that_was_cut_off_is_damaged() {
    let desk = Desk::new();
    let bytes = std::fs::read(crate::program::library("seraph_gradient")).unwrap();
    desk.write("cut.so", &bytes[..100_000]);
    for command in ["describe", "check"] {
        let ran = desk.run(&[command, "cut.so"]).ended(2);
        assert!(ran.last_words().contains("cut.so is damaged"), "{}", ran.stderr);
    }
}

#[test]
fn no_output_is_written_over_its_input() {
    let desk = Desk::new();
    let model = desk.write("m.onnx", "a model");
    std::os::unix::fs::symlink(&model, desk.path("soft.onnx")).unwrap();
    std::fs::hard_link(&model, desk.path("hard.onnx")).unwrap();
    for output in ["m.onnx", "./m.onnx", "soft.onnx", "hard.onnx"] {
        for args in [["grad", "m.onnx", "--output", output], ["check", "m.onnx", "--junit", output]] {
            let ran = desk.run(&args).ended(2);
            assert!(ran.last_words().contains("would overwrite the input m.onnx"), "{}", ran.stderr);
        }
    }
    assert_eq!(std::fs::read(model).unwrap(), b"a model");
}

fn wav(sample_rate_hz: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + data.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend(1u16.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(sample_rate_hz.to_le_bytes());
    bytes.extend((sample_rate_hz * u32::from(channels) * 2).to_le_bytes());
    bytes.extend((channels * 2).to_le_bytes());
    bytes.extend(16u16.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes
}

/// A folder corpus with four emotions, one of whose files is `odd`.
fn folder_plan(desk: &Desk, odd: &[u8], manifest: impl Fn(String) -> String) -> String {
    let mut rows = "path,speaker,gender,language,emotion\n".to_owned();
    for (i, emotion) in ["anger", "happiness", "neutral", "sadness"].iter().enumerate() {
        desk.write(&format!("corpus/{i}.wav"), wav(16_000, 1, &[100 * (i as i16 + 1); 1600]));
        rows += &format!("{i}.wav,s{},female,en,{emotion}\n", i % 2);
    }
    desk.write("corpus/3.wav", odd);
    desk.write("corpus/manifest.csv", manifest(rows));
    linear_plan(&["null"])
        .replace("id = \"synthetic\"\nsplit = \"test\"\nlimit = 12", "id = \"folder\"\npath = \"corpus\"")
}

#[test]
fn audio_that_is_none_is_named() {
    let header = wav(16_000, 1, &[1; 400]);
    for (odd, what) in [
        (vec![], "empty"),
        (wav(16_000, 1, &[]), "without samples"),
        (wav(16_000, 2, &[1; 400]), "stereo"),
        (header[..30].to_vec(), "cut in its header"),
        (b"OggS".repeat(100), "of another format"),
    ] {
        let desk = Desk::new();
        let plan = folder_plan(&desk, &odd, |rows| rows);
        desk.write("plan.toml", plan);
        let ran = desk.run(&["run", "plan.toml", "--out", "out"]).ended(2);
        assert!(ran.last_words().contains("3.wav"), "{what}: {}", ran.stderr);
    }
}

#[test]
fn audio_at_another_rate_is_resampled() {
    for rate in [8_000, 44_100, 96_000] {
        let desk = Desk::new();
        let plan = folder_plan(&desk, &wav(rate, 1, &[1000; 9600]), |rows| rows);
        desk.write("plan.toml", plan);
        desk.run(&["run", "plan.toml", "--out", "out"]).ended(0);
    }
}

#[test]
fn manifests_that_cannot_be_used_are_named_by_line() {
    let good = wav(16_000, 1, &[1; 1600]);
    for (from, to, expected) in [
        ("3.wav", "absent.wav", "absent.wav"),
        ("sadness", "sadnes", "sadness"),
        ("3.wav,", "2.wav,", "2.wav"),
        ("speaker", "speeker", "speaker"),
    ] {
        let desk = Desk::new();
        let plan = folder_plan(&desk, &good, |rows| rows.replacen(from, to, 1));
        let line = refused(&desk, &plan);
        assert!(line.contains("manifest.csv") && line.contains(expected), "{line}");
    }
}

#[test]
fn usage_errors_are_exit_2() {
    let desk = Desk::new();
    for args in [
        &["run"][..],
        &["run", "absent.toml", "--out", "x"],
        &["run", "p", "--out", "x", "--jobs", "0"],
        &["frobnicate"],
        &["recompute", "absent"],
        &["describe", "absent.so"],
        &["render", "absent", "--out", "x"],
        &["grad", "absent.onnx", "--output", "g.onnx"],
        &["grad", "absent.onnx", "--output", "g.onnx", "--shape", "nonsense"],
        &["list", "attacks", "--plugin-dir", "absent"],
    ] {
        let ran = desk.run(args).ended(2);
        assert!(!ran.stderr.is_empty() && ran.stdout.is_empty(), "{args:?}");
    }
}
