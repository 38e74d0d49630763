//! `seraph/rng.h` in C and C++: the paper's known answers, and the streams that the Rust side draws.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::process::Command;

use support::{compile, compilers};

/// Prints the three known answers, then eight words of stream 0x1_0000_0005 of the seed 0, 1, .. 31, then a float.
const PROBE: &str = r#"
#include <seraph/rng.h>
#include <stdio.h>
static void known(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t k0, uint32_t k1) {
  uint32_t counter[4], key[2], out[4];
  counter[0] = a; counter[1] = b; counter[2] = c; counter[3] = d; key[0] = k0; key[1] = k1;
  seraph_philox4x32_10(counter, key, out);
  printf("%08x %08x %08x %08x\n", (unsigned)out[0], (unsigned)out[1], (unsigned)out[2], (unsigned)out[3]);
}
int main(void) {
  uint8_t seed[32];
  seraph_rng rng;
  int i;
  known(0, 0, 0, 0, 0, 0);
  known(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu);
  known(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u);
  for (i = 0; i < 32; i++) seed[i] = (uint8_t)i;
  seraph_rng_init(&rng, seed, ((uint64_t)1 << 32) + 5);
  for (i = 0; i < 8; i++) printf("%08x%c", (unsigned)seraph_rng_u32(&rng), i == 7 ? '\n' : ' ');
  printf("%.9g\n", (double)seraph_rng_f32(&rng));
  return 0;
}
"#;

/// Random123's `kat_vectors` for philox4x32 with 10 rounds, then what `seraph-plugin`'s test of the same name expects.
const EXPECTED: &str = include_str!("rng.expected");

#[test]
fn known_answers_and_streams_agree_in_c_and_cpp() {
    let folder = tempfile::tempdir().unwrap();
    for (compiler, file, standard) in [
        ("gcc", "probe.c", "-std=c89"),
        ("clang", "probe.c", "-std=c89"),
        ("g++", "probe.cc", "-std=c++98"),
        ("clang++", "probe.cc", "-std=c++98"),
    ] {
        for compiler in compilers(&[compiler]) {
            let (source, program) = (folder.path().join(file), folder.path().join("probe"));
            std::fs::write(&source, PROBE).unwrap();
            compile(compiler, &[standard, source.to_str().unwrap(), "-o", program.to_str().unwrap()]);
            let output = Command::new(&program).output().unwrap().stdout;
            assert_eq!(String::from_utf8(output).unwrap(), EXPECTED, "{compiler}");
        }
    }
}
