//! A float that survives JSON: non-finite values are the strings `"inf"`, `"-inf"` and `"nan"`.
//!
//! JSON has no infinity, and `serde_json` writes it as `null`; but an SNR of a zero perturbation is infinite, which is
//! not the same as missing. Missing is `Option<Number>::None`, hence `null`.

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use std::fmt;

/// An `f64` that keeps infinities and NaN apart from "missing" when serialised.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Number(pub f64);

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Number(value)
    }
}

impl From<Number> for f64 {
    fn from(value: Number) -> Self {
        value.0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match tag(self.0) {
            Some(tag) => f.write_str(tag),
            None => self.0.fmt(f),
        }
    }
}

fn tag(value: f64) -> Option<&'static str> {
    match value {
        v if v.is_nan() => Some("nan"),
        f64::INFINITY => Some("inf"),
        f64::NEG_INFINITY => Some("-inf"),
        _ => None,
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match tag(self.0) {
            Some(tag) => serializer.serialize_str(tag),
            None => serializer.serialize_f64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor).map(Number)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or \"inf\", \"-inf\" or \"nan\"")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<f64, E> {
        match value {
            "inf" => Ok(f64::INFINITY),
            "-inf" => Ok(f64::NEG_INFINITY),
            "nan" => Ok(f64::NAN),
            other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn non_finite_values_are_tagged_and_missing_is_null() {
        let values = [Some(1.5), Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(f64::NAN), None];
        let json = serde_json::to_string(&values.map(|v| v.map(Number))).unwrap();
        assert_eq!(json, r#"[1.5,"inf","-inf","nan",null]"#);
        let back: Vec<Option<Number>> = serde_json::from_str(&json).unwrap();
        assert_eq!(back[1], Some(Number(f64::INFINITY)));
        assert!(back[3].unwrap().0.is_nan());
        assert_eq!(back[4], None);
    }

    #[test]
    fn a_tag_that_is_no_number_is_refused() {
        assert!(serde_json::from_str::<Number>("\"1.5\"").is_err());
    }

    proptest::proptest! {
        #[test]
        fn every_finite_value_survives_json(bits: u64) {
            let value = f64::from_bits(bits);
            let back: Number = serde_json::from_str(&serde_json::to_string(&Number(value)).unwrap()).unwrap();
            if value.is_nan() {
                assert!(back.0.is_nan());
            } else {
                assert_eq!(back.0.to_bits(), value.to_bits());
            }
        }
    }
}
