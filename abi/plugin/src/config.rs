//! What an instance is created with: typed values by name.

use seraph_sys as sys;

use crate::param::{self, ParamKind};
use crate::{Error, Param, tensor};

/// The values of the declared parameters, each within its bounds.
pub struct Config<'a> {
    declared: &'static [Param],
    values: &'a [sys::seraph_param],
}

impl<'a> Config<'a> {
    /// Checks that the host gave every declared parameter, in order and of its kind.
    ///
    /// # Safety
    /// `raw.params` points to `raw.n_params` values, and their blobs to their bytes, for as long as `'a`.
    pub(crate) unsafe fn new(
        declared: &'static [Param],
        raw: &'a sys::seraph_config,
    ) -> Result<Config<'a>, Error> {
        // SAFETY: the caller promises pointer and count.
        let values = unsafe { tensor::slice(raw.params, raw.n_params as usize) }?;
        if values.len() != declared.len() {
            let (found, expected) = (values.len(), declared.len());
            return Err(Error::argument(format!("config has {found} parameters, {expected} are declared")));
        }
        for (param, value) in declared.iter().zip(values) {
            if param.id() != value.id || param.code() != value.kind {
                return Err(Error::argument(format!(
                    "config has another parameter where '{}' is",
                    param.name
                )));
            }
        }
        Ok(Config { declared, values })
    }

    /// A real number.
    pub fn f64(&self, name: &str) -> Result<f64, Error> {
        self.value(name, sys::SERAPH_PARAM_F64).map(|(_, value)| value.f64)
    }

    /// A whole number.
    pub fn i64(&self, name: &str) -> Result<i64, Error> {
        self.value(name, sys::SERAPH_PARAM_I64).map(|(_, value)| value.i64)
    }

    /// A whole number that is a size.
    pub fn usize(&self, name: &str) -> Result<usize, Error> {
        let value = self.i64(name)?;
        usize::try_from(value).map_err(|_| Error::argument(format!("'{name}' is {value}, not a size")))
    }

    /// Yes or no.
    pub fn bool(&self, name: &str) -> Result<bool, Error> {
        self.value(name, sys::SERAPH_PARAM_BOOL).map(|(_, value)| value.i64 != 0)
    }

    /// The chosen word.
    pub fn choice(&self, name: &str) -> Result<&'static str, Error> {
        let (param, value) = self.value(name, sys::SERAPH_PARAM_ENUM)?;
        let ParamKind::Choice { choices, .. } = param.kind else { return Err(not_declared(name)) };
        let chosen = usize::try_from(value.i64).ok().and_then(|index| choices.get(index));
        chosen.copied().ok_or_else(|| Error::argument(format!("'{name}' has no choice {}", value.i64)))
    }

    /// The bytes of a file; empty if the plan named none.
    pub fn blob(&self, name: &str) -> Result<&'a [u8], Error> {
        let (_, value) = self.value(name, sys::SERAPH_PARAM_BLOB)?;
        // SAFETY: `new`'s caller promised that a blob points to its bytes for as long as `'a`.
        unsafe { tensor::slice(value.data.cast::<u8>(), value.data_len as usize) }
    }

    fn value(&self, name: &str, kind: i32) -> Result<(&'static Param, &'a sys::seraph_param), Error> {
        let (index, param) = param::find(self.declared, name).ok_or_else(|| not_declared(name))?;
        if param.code() == kind { Ok((param, &self.values[index])) } else { Err(not_declared(name)) }
    }
}

fn not_declared(name: &str) -> Error {
    Error::argument(format!("no parameter '{name}' of this kind is declared"))
}
