//! Declared parameters and named presets: constants beside the attack that they belong to.

use seraph_sys as sys;

/// A parameter: its name in a plan, kind, bounds, default and meaning.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// The key in a plan: lower case, digits, underscore. Never renamed: the ABI's numeric id is its hash.
    pub name: &'static str,
    /// Kind, bounds and default.
    pub kind: ParamKind,
    /// Eg "eps", "dB", "samples"; empty: a pure number.
    pub unit: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// `SERAPH_PARAM_*` flags.
    pub flags: u32,
}

/// Kind, bounds and default of a parameter.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)] // the fields are what their names say; bounds are inclusive
pub enum ParamKind {
    /// A real number.
    F64 { default: f64, min: f64, max: f64 },
    /// A whole number.
    I64 { default: i64, min: i64, max: i64 },
    /// Yes or no.
    Bool { default: bool },
    /// One of a list; `default` is an index into it.
    Choice { choices: &'static [&'static str], default: usize },
    /// The bytes of a file that the plan names.
    Blob,
}

impl Param {
    /// A real number in `min..=max`.
    pub const fn f64(name: &'static str, default: f64, min: f64, max: f64, doc: &'static str) -> Param {
        Param::new(name, ParamKind::F64 { default, min, max }, doc)
    }

    /// A whole number in `min..=max`.
    pub const fn i64(name: &'static str, default: i64, min: i64, max: i64, doc: &'static str) -> Param {
        Param::new(name, ParamKind::I64 { default, min, max }, doc)
    }

    /// Yes or no.
    pub const fn bool(name: &'static str, default: bool, doc: &'static str) -> Param {
        Param::new(name, ParamKind::Bool { default }, doc)
    }

    /// One of `choices`; the first is the default.
    pub const fn choice(name: &'static str, choices: &'static [&'static str], doc: &'static str) -> Param {
        Param::new(name, ParamKind::Choice { choices, default: 0 }, doc)
    }

    /// The bytes of a file; empty if the plan names none.
    pub const fn blob(name: &'static str, doc: &'static str) -> Param {
        Param::new(name, ParamKind::Blob, doc)
    }

    const fn new(name: &'static str, kind: ParamKind, doc: &'static str) -> Param {
        Param { name, kind, unit: "", doc, flags: 0 }
    }

    /// With a unit.
    pub const fn unit(mut self, unit: &'static str) -> Param {
        self.unit = unit;
        self
    }

    /// Best varied on a logarithmic scale.
    pub const fn log_scale(mut self) -> Param {
        self.flags |= sys::SERAPH_PARAM_LOG_SCALE;
        self
    }

    /// A larger value asks the oracle more.
    pub const fn affects_budget(mut self) -> Param {
        self.flags |= sys::SERAPH_PARAM_AFFECTS_BUDGET;
        self
    }

    /// Has no default: the plan must give it.
    pub const fn required(mut self) -> Param {
        self.flags |= sys::SERAPH_PARAM_REQUIRED;
        self
    }

    /// The numeric id across the ABI: FNV-1a of the name, so stable as long as the name is.
    pub const fn id(&self) -> u32 {
        let bytes = self.name.as_bytes();
        let mut hash = 0x811C_9DC5_u32;
        let mut at = 0;
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
            at += 1;
        }
        hash
    }

    /// Its `SERAPH_PARAM_*` kind.
    pub(crate) fn code(&self) -> i32 {
        match self.kind {
            ParamKind::F64 { .. } => sys::SERAPH_PARAM_F64,
            ParamKind::I64 { .. } => sys::SERAPH_PARAM_I64,
            ParamKind::Bool { .. } => sys::SERAPH_PARAM_BOOL,
            ParamKind::Choice { .. } => sys::SERAPH_PARAM_ENUM,
            ParamKind::Blob => sys::SERAPH_PARAM_BLOB,
        }
    }

    /// What stands in a config when nobody says otherwise.
    pub(crate) fn default_raw(&self) -> sys::seraph_param {
        match self.kind {
            ParamKind::F64 { default, .. } => self.raw(default, 0),
            ParamKind::I64 { default, .. } => self.raw(0.0, default),
            ParamKind::Bool { default } => self.raw(0.0, i64::from(default)),
            ParamKind::Choice { default, .. } => self.raw(0.0, default as i64),
            ParamKind::Blob => self.raw(0.0, 0),
        }
    }

    /// `value` as the ABI has it, or what is wrong with it.
    pub(crate) fn raw_of(&self, value: Value) -> Result<sys::seraph_param, String> {
        let name = self.name;
        match (self.kind, value) {
            (ParamKind::F64 { min, max, .. }, Value::F64(v)) if (min..=max).contains(&v) => {
                Ok(self.raw(v, 0))
            }
            (ParamKind::I64 { min, max, .. }, Value::I64(v)) if (min..=max).contains(&v) => {
                Ok(self.raw(0.0, v))
            }
            (ParamKind::Bool { .. }, Value::Bool(v)) => Ok(self.raw(0.0, i64::from(v))),
            (ParamKind::Choice { choices, .. }, Value::Choice(v)) => {
                let index = choices.iter().position(|choice| *choice == v);
                let index = index.ok_or_else(|| format!("{name}: '{v}' is not one of {choices:?}"))?;
                Ok(self.raw(0.0, index as i64))
            }
            (kind, value) => Err(format!("{name}: {value:?} does not fit {kind:?}")),
        }
    }

    fn raw(&self, f64: f64, i64: i64) -> sys::seraph_param {
        sys::seraph_param { id: self.id(), kind: self.code(), f64, i64, data: std::ptr::null(), data_len: 0 }
    }
}

/// The value of a parameter, in a preset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Of a real number.
    F64(f64),
    /// Of a whole number.
    I64(i64),
    /// Of a yes or no.
    Bool(bool),
    /// One of the choices.
    Choice(&'static str),
}

/// A named set of values; what it leaves out has its default.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Eg "paper-default", "strong".
    pub name: &'static str,
    /// Where the values come from: paper, section, table.
    pub doc: &'static str,
    /// Parameter name and value.
    pub values: &'static [(&'static str, Value)],
}

/// The parameter of that name.
pub(crate) fn find(params: &'static [Param], name: &str) -> Option<(usize, &'static Param)> {
    params.iter().enumerate().find(|(_, param)| param.name == name)
}
