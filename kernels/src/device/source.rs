//! The kernels' sources, and the signatures that they declare.

use crate::Error;
use std::collections::HashMap;
use std::sync::LazyLock;

/// One CUDA source file.
#[derive(Debug)]
pub struct Program {
    /// Name of the file, `sign_step.cu`.
    pub name: &'static str,
    pub(super) text: &'static str,
}

macro_rules! programs {
    ($($name:literal),* $(,)?) => {
        /// Every source, one per operation.
        pub static PROGRAMS: &[Program] =
            &[$(Program { name: $name, text: include_str!(concat!("../../cu/", $name)) }),*];
    };
}

programs![
    "apply_mask.cu",
    "axpy.cu",
    "clip.cu",
    "finite_check.cu",
    "l2_step.cu",
    "norms.cu",
    "pcm16_round.cu",
    "project_l0.cu",
    "project_l1.cu",
    "project_l2.cu",
    "project_linf.cu",
    "quantise.cu",
    "sign_step.cu",
    "top_k_mask.cu",
];

const COMMON: Program = Program { name: "common.cuh", text: include_str!("../../cu/common.cuh") };

impl Program {
    /// The source with its includes in place: what a compiler is given.
    pub fn source(&self) -> String {
        let mut source = String::new();
        self.append(&mut source, &mut Vec::new());
        source
    }

    fn append(&self, source: &mut String, seen: &mut Vec<&'static str>) {
        if seen.contains(&self.name) {
            return;
        }
        seen.push(self.name);
        for (number, line) in (1..).zip(self.text.lines()) {
            let included = line.strip_prefix("#include \"").and_then(|rest| rest.strip_suffix('"'));
            match included
                .and_then(|name| PROGRAMS.iter().chain([&COMMON]).find(|program| program.name == name))
            {
                Some(program) => {
                    program.append(source, seen);
                    source.push_str(&format!("#line {} \"{}\"\n", number + 1, self.name));
                }
                None if line == "#pragma once" => source.push('\n'),
                None => {
                    source.push_str(line);
                    source.push('\n');
                }
            }
        }
    }
}

/// A kernel: where it is and what it takes.
#[derive(Debug)]
pub(crate) struct Kernel {
    pub(crate) program: &'static Program,
    pub(crate) parameters: Vec<Parameter>,
}

/// One parameter of a kernel, as its signature has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parameter {
    /// A pointer to elements that the kernel only reads.
    Read(Element),
    /// A pointer to elements that the kernel may write.
    Write(Element),
    /// A number.
    Value(Element),
}

/// Type of a number in a kernel's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `float`
    F32,
    /// `double`
    F64,
    /// `u32`
    U32,
    /// `u64`
    U64,
}

/// The kernel of this name.
pub(crate) fn find(name: &str) -> Result<&'static Kernel, Error> {
    static KERNELS: LazyLock<HashMap<&'static str, Kernel>> =
        LazyLock::new(|| PROGRAMS.iter().flat_map(kernels_of).collect());
    let missing = || Error::Launch { kernel: name.into(), problem: "no source declares it".into() };
    KERNELS.get(name).ok_or_else(missing)
}

fn kernels_of(program: &'static Program) -> impl Iterator<Item = (&'static str, Kernel)> {
    program.text.split("\nKERNEL ").skip(1).filter_map(move |text| {
        let (name, rest) = text.split_once('(')?;
        let (parameters, _) = rest.split_once(')')?;
        let parameters = parameters.split(',').map(parse_parameter).collect::<Option<_>>()?;
        Some((name, Kernel { program, parameters }))
    })
}

/// `const float *__restrict__ x` or `u64 n`.
fn parse_parameter(text: &str) -> Option<Parameter> {
    let text = text.trim();
    let (constant, text) = match text.strip_prefix("const ") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let element = match text.split_whitespace().next()? {
        "float" => Element::F32,
        "double" => Element::F64,
        "u32" => Element::U32,
        "u64" => Element::U64,
        _ => return None,
    };
    Some(match (text.contains('*'), constant) {
        (true, true) => Parameter::Read(element),
        (true, false) => Parameter::Write(element),
        (false, _) => Parameter::Value(element),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_has_a_signature() {
        for program in PROGRAMS {
            let declared = program.text.matches("\nKERNEL ").count();
            assert!(declared > 0, "{} declares no kernel", program.name);
            assert_eq!(
                kernels_of(program).count(),
                declared,
                "{}: a signature is not understood",
                program.name
            );
        }
    }

    #[test]
    fn signatures_are_read_from_the_source() {
        use Parameter::{Read, Value, Write};
        let pointers = [Write(Element::F32), Read(Element::F32), Read(Element::F32)];
        let values = [Element::F32, Element::F32, Element::F32, Element::F32, Element::U64].map(Value);
        let found = find("sign_step").expect("it is there");
        assert_eq!(found.parameters, [&pointers[..], &values].concat());
        assert_eq!(
            find("sgn_step").expect_err("a typing error").to_string(),
            "kernel sgn_step: no source declares it"
        );
    }

    #[test]
    fn sources_stand_alone() {
        for program in PROGRAMS {
            assert!(!program.source().contains("#include"), "{}", program.name);
        }
    }
}
