//! The sliding window that convolutions and pools share: kernel, strides, dilations, pads, and the sizes they give.

use crate::attribute::Attributes;
use crate::dim::{Arith, Dim, Symbols};

/// Largest kernel, stride, dilation or pad along one axis, and most positions of a kernel.
const WIDEST: u64 = 1 << 20;
const MOST_TAPS: i64 = 1 << 22;

/// One window over the spatial axes, pads explicit.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pub kernel: Vec<i64>,
    pub strides: Vec<i64>,
    pub dilations: Vec<i64>,
    /// Pads before each axis, then after each.
    pub pads: Vec<i64>,
    pub ceil: bool,
}

impl Window {
    /// Reads the attributes; `auto_pad` SAME needs the input's sizes where the stride is not 1.
    pub fn new(attributes: &Attributes, kernel: Vec<i64>, space: &[Dim]) -> Result<Window, String> {
        let n = kernel.len();
        if space.len() != n {
            return Err(format!("a kernel of {n} axes slides over {} axes", space.len()));
        }
        let mut window = Window {
            strides: attributes.ints_or("strides", n, 1),
            dilations: attributes.ints_or("dilations", n, 1),
            pads: attributes.ints_or("pads", 2 * n, 0),
            ceil: attributes.int_or("ceil_mode", 0) == 1,
            kernel,
        };
        let lengths = [window.strides.len(), window.dilations.len(), window.pads.len() / 2];
        let positive = |list: &[i64]| list.iter().all(|&v| v > 0);
        if lengths != [n; 3]
            || !positive(&window.kernel)
            || !positive(&window.strides)
            || !positive(&window.dilations)
        {
            return Err("has strides, dilations or pads that do not fit the kernel".into());
        }
        let all = [&window.kernel, &window.strides, &window.dilations, &window.pads];
        let area = window.kernel.iter().fold(1i64, |n, &k| n.saturating_mul(k));
        if all.iter().any(|list| list.iter().any(|v| v.unsigned_abs() > WIDEST)) || area > MOST_TAPS {
            return Err(format!(
                "has a kernel {:?} (or strides, dilations, pads) beyond all use",
                window.kernel
            ));
        }
        match attributes.text_or("auto_pad", "NOTSET") {
            "VALID" => window.pads = vec![0; 2 * n],
            "SAME_UPPER" => window.same(space, false)?,
            "SAME_LOWER" => window.same(space, true)?,
            _ => {}
        }
        Ok(window)
    }

    /// Pads so that the output has ceil(size / stride) elements; the odd one goes after (upper) or before (lower).
    fn same(&mut self, space: &[Dim], lower: bool) -> Result<(), String> {
        let n = self.kernel.len();
        for (i, &size) in space.iter().enumerate() {
            let reach = self.reach(i);
            let total = match (size, self.strides[i]) {
                (_, 1) => reach - 1,
                (Dim::Known(size), stride) => ((size + stride - 1) / stride - 1) * stride + reach - size,
                _ => {
                    return Err(
                        "auto_pad with strides on an axis that only a run knows: pin the input shapes".into(),
                    );
                }
            };
            let total = total.max(0);
            let before = if lower { total - total / 2 } else { total / 2 };
            (self.pads[i], self.pads[n + i]) = (before, total - before);
        }
        Ok(())
    }

    /// Elements that the kernel spans on axis `i`.
    pub fn reach(&self, i: usize) -> i64 {
        (self.kernel[i] - 1) * self.dilations[i] + 1
    }

    pub fn before(&self, i: usize) -> i64 {
        self.pads[i]
    }

    pub fn after(&self, i: usize) -> i64 {
        self.pads[self.kernel.len() + i]
    }

    /// Output size on axis `i` of a known input size.
    pub fn count(&self, i: usize, size: i64) -> i64 {
        let (before, stride) = (self.before(i), self.strides[i]);
        let room = size + before + self.after(i) - self.reach(i);
        if room < 0 {
            return 0;
        }
        let count = if self.ceil { (room + stride - 1) / stride + 1 } else { room / stride + 1 };
        // A window that would start in the padding after the end is dropped.
        if self.ceil && (count - 1) * stride >= size + before { count - 1 } else { count }
    }

    /// Output sizes.
    pub fn output(&self, symbols: &mut Symbols, space: &[Dim]) -> Vec<Dim> {
        (0..space.len())
            .map(|i| match space[i] {
                Dim::Known(size) => Dim::Known(self.count(i, size)),
                symbol if self.ceil => {
                    let key = self.before(i) + self.after(i) - self.reach(i) + self.strides[i] - 1;
                    self.steps(symbols, symbol, key, i)
                }
                symbol => self.steps(symbols, symbol, self.before(i) + self.after(i) - self.reach(i), i),
            })
            .collect()
    }

    fn steps(&self, symbols: &mut Symbols, size: Dim, offset: i64, i: usize) -> Dim {
        let stride = self.strides[i];
        // floor((size + offset) / stride) + 1; at stride 1 this is one addition.
        if stride == 1 {
            return symbols.arith(Arith::Add, size, Dim::Known(offset + 1));
        }
        let room = symbols.arith(Arith::Add, size, Dim::Known(offset));
        let steps = symbols.arith(Arith::Div, room, Dim::Known(stride));
        symbols.arith(Arith::Add, steps, Dim::Known(1))
    }

    /// Attributes of a node with this window.
    pub fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("strides", self.strides.clone())
            .with("dilations", self.dilations.clone())
            .with("pads", self.pads.clone())
    }

    /// For each output position and kernel offset along every axis: the input position, or `None` in the padding.
    pub fn source(&self, at: &[usize], offset: &[usize], space: &[usize]) -> Option<Vec<usize>> {
        (0..space.len())
            .map(|i| {
                let from =
                    at[i] as i64 * self.strides[i] + offset[i] as i64 * self.dilations[i] - self.before(i);
                usize::try_from(from).ok().filter(|&from| from < space[i])
            })
            .collect()
    }
}
