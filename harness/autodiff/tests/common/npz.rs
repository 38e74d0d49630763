//! Reads NumPy's .npz: a zip archive of .npy arrays, stored or deflated.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use seraph_autodiff::{DataType, Tensor};

/// All numeric arrays of an archive, by name.
pub fn read(path: &Path) -> BTreeMap<String, Tensor> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let end = bytes.windows(4).rposition(|w| w == b"PK\x05\x06").expect("the end of a zip archive");
    let count = u16_at(&bytes, end + 10);
    let mut at = u32_at(&bytes, end + 16) as usize;
    let mut arrays = BTreeMap::new();
    for _ in 0..count {
        let (method, packed) = (u16_at(&bytes, at + 10), u32_at(&bytes, at + 20) as usize);
        let lengths = [28, 30, 32].map(|offset| usize::from(u16_at(&bytes, at + offset)));
        let name = std::str::from_utf8(&bytes[at + 46..at + 46 + lengths[0]]).unwrap();
        let local = u32_at(&bytes, at + 42) as usize;
        let start =
            local + 30 + usize::from(u16_at(&bytes, local + 26)) + usize::from(u16_at(&bytes, local + 28));
        let body = inflate(&bytes[start..start + packed], method);
        if let Some(tensor) = array(&body) {
            arrays.insert(name.trim_end_matches(".npy").to_owned(), tensor);
        }
        at += 46 + lengths.iter().sum::<usize>();
    }
    arrays
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn inflate(packed: &[u8], method: u16) -> Vec<u8> {
    let mut body = Vec::new();
    match method {
        0 => body.extend_from_slice(packed),
        8 => {
            flate2::read::DeflateDecoder::new(packed).read_to_end(&mut body).unwrap();
        }
        other => panic!("compression method {other}"),
    }
    body
}

/// A .npy array; `None` for strings and objects.
fn array(body: &[u8]) -> Option<Tensor> {
    let (start, length) = match body[6] {
        1 => (10, usize::from(u16_at(body, 8))),
        _ => (12, u32_at(body, 8) as usize),
    };
    let header = std::str::from_utf8(&body[start..start + length]).unwrap();
    let field = |name: &str| header.split(&format!("'{name}': ")).nth(1).unwrap();
    assert!(field("fortran_order").starts_with("False"));
    let shape = field("shape").trim_start_matches('(').split(')').next().unwrap();
    let shape: Vec<usize> = shape.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    let data = &body[start + length..];
    let kind = field("descr").trim_start_matches('\'').split('\'').next().unwrap();
    Some(match kind {
        "<f4" => Tensor::f32(&shape, data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()))),
        "<f8" => {
            let floats = data.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
            Tensor::floats(DataType::F64, &shape, floats)
        }
        "<i8" => Tensor::i64(
            &shape,
            data.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap())).collect(),
        ),
        "|b1" => Tensor::bools(&shape, data.iter().map(|&b| b != 0).collect()),
        _ => return None,
    })
}
