//! Reads the headers and the mirror as text, and runs the compilers that are there.
#![allow(dead_code)] // each test file uses its part

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The headers of the ABI, without the conveniences (`tensor.h`, `rng.h`) and the umbrella.
pub const ABI_HEADERS: [&str; 7] = ["base", "host", "oracle", "param", "attack", "victim", "plugin"];

/// A field of a struct and its type, spelled as in C; a slot as `fn(arguments) -> result`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub ctype: String,
}

/// A struct and its fields in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struct {
    pub name: String,
    pub fields: Vec<Field>,
}

pub fn include_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../include")
}

pub fn header(stem: &str) -> String {
    read(&include_folder().join("seraph").join(format!("{stem}.h")))
}

pub fn mirror(stem: &str) -> String {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(format!("{stem}.rs")))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// C text with each comment replaced by a blank.
pub fn without_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        kept.push(' ');
        rest = after.split_once("*/").expect("comments of a header that compiles end").1;
    }
    kept + rest
}

/// The structs of a header that have a body.
pub fn structs_of_header(text: &str) -> Vec<Struct> {
    let text = without_comments(text);
    let mut structs = Vec::new();
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once("typedef struct ") {
        let (name, body) = after.split_once(|c: char| c.is_whitespace()).expect("a struct has a name");
        rest = after;
        if let Some(body) = body.trim_start().strip_prefix('{') {
            let body = body.split_once('}').expect("a struct of a header that compiles ends").0;
            let fields = body.split(';').map(str::trim).filter(|field| !field.is_empty());
            structs.push(Struct { name: name.to_owned(), fields: fields.map(c_field).collect() });
        }
    }
    structs
}

/// `const void *(SERAPH_CALL *name)(int a)`, `int64_t name[N]` or `const char *name`.
fn c_field(text: &str) -> Field {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((result, rest)) = text.split_once("(SERAPH_CALL *") {
        let (name, arguments) = rest.split_once(")(").expect("a slot has arguments");
        let arguments = arguments.trim_end_matches(')');
        let arguments = arguments.split(',').map(str::trim).filter(|argument| *argument != "void");
        let types: Vec<String> = arguments.map(|argument| split_name(argument).1).collect();
        let ctype = format!("fn({}) -> {}", types.join(", "), spaced(result));
        return Field { name: name.to_owned(), ctype };
    }
    let (name, ctype) = split_name(&text);
    match name.split_once('[') {
        Some((name, extent)) => Field { name: name.to_owned(), ctype: format!("{ctype}[{extent}") },
        None => Field { name, ctype },
    }
}

/// `const char *ptr` -> (`ptr`, `const char *`).
fn split_name(declaration: &str) -> (String, String) {
    let at = declaration.rfind([' ', '*']).expect("a declaration has a type and a name") + 1;
    (declaration[at..].to_owned(), spaced(&declaration[..at]))
}

/// One space before the first `*`, none around the others; without `struct`.
fn spaced(ctype: &str) -> String {
    let ctype = ctype.replace("struct ", "").replace('*', " * ");
    let words = ctype.split_whitespace().collect::<Vec<_>>().join(" ");
    words.replace("* const *", "*const *").replace("* *", "**")
}

/// The structs of a mirror file that have named, public fields.
pub fn structs_of_mirror(text: &str) -> Vec<Struct> {
    let mut structs = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("pub struct ") {
        let (name, after) = after.split_once(" {").expect("a struct of the mirror has a body");
        let (body, after) = after.split_once("\n}").expect("a struct of the mirror ends");
        rest = after;
        let body = body.split_whitespace().collect::<Vec<_>>().join(" ");
        let fields: Vec<Field> = body.split("pub ").filter_map(rust_field).collect();
        if !fields.is_empty() {
            structs.push(Struct { name: name.to_owned(), fields });
        }
    }
    structs
}

fn rust_field(text: &str) -> Option<Field> {
    let (name, rust) = text.trim().trim_end_matches(',').split_once(": ")?;
    (!name.starts_with('_')).then(|| Field { name: name.to_owned(), ctype: c_type(rust) })
}

/// A type of the mirror, spelled in C.
fn c_type(rust: &str) -> String {
    let rust = rust.trim();
    if let Some(signature) = rust.strip_prefix("unsafe extern \"C\" fn(") {
        let (arguments, result) = signature.split_once(')').expect("a function type has an end");
        let result = result.trim().strip_prefix("-> ").map_or("void".to_owned(), c_type);
        let arguments = arguments.trim().trim_end_matches(',').split(", ").filter(|text| !text.is_empty());
        let types: Vec<String> =
            arguments.map(|text| c_type(text.split_once(": ").map_or(text, |(_, rust)| rust))).collect();
        return format!("fn({}) -> {result}", types.join(", "));
    }
    if let Some(rust) = rust.strip_prefix("*const ") {
        let to = c_type(rust);
        return if to.ends_with('*') { format!("{to}const *") } else { format!("const {to} *") };
    }
    if let Some(rust) = rust.strip_prefix("*mut ") {
        let to = c_type(rust);
        return if to.ends_with('*') { format!("{to}*") } else { format!("{to} *") };
    }
    if let Some((of, extent)) = rust.strip_prefix('[').and_then(|rust| rust.split_once("; ")) {
        return format!("{}[{}]", c_type(of), extent.trim_end_matches(']').trim_end_matches(" as usize"));
    }
    let names = [
        ("u8", "uint8_t"),
        ("u16", "uint16_t"),
        ("u32", "uint32_t"),
        ("u64", "uint64_t"),
        ("i32", "int32_t"),
        ("i64", "int64_t"),
        ("f32", "float"),
        ("f64", "double"),
        ("c_char", "char"),
        ("c_void", "void"),
    ];
    names.iter().find(|(name, _)| *name == rust).map_or(rust, |(_, c)| c).to_owned()
}

/// Those of `names` that run here; says which do not.
pub fn compilers(names: &[&'static str]) -> Vec<&'static str> {
    let runs =
        |name: &str| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success());
    let (there, absent): (Vec<_>, Vec<_>) = names.iter().copied().partition(|name| runs(name));
    if !absent.is_empty() {
        println!("not installed, so not tried: {}", absent.join(", "));
    }
    there
}

/// Runs a compiler with the headers in reach; panics with what it said if it refuses.
pub fn compile(compiler: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(compiler);
    command.args(arguments).arg("-I").arg(include_folder());
    let output = command.output().unwrap_or_else(|error| panic!("{compiler}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{compiler} {}\n{said}", arguments.join(" "));
    output
}
