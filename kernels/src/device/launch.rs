//! The only way to start a kernel: arguments are checked against the signature in the kernel's own source.

use super::Device;
use super::backend::Grid;
use super::buffer::{Buffer, Scalar};
use super::source::{self, Element, Parameter};
use crate::Error;
use std::ffi::c_void;

// Arguments are passed as the first bytes of 64-bit slots.
const _: () = assert!(cfg!(target_endian = "little"));

/// How the threads of a device are spread. Results do not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Threads in a block, at most 1024.
    pub block: u32,
    /// Values that one thread takes, as long as there are blocks left.
    pub per_thread: u32,
    /// Blocks over the samples of a row, or over a flat tensor, at most.
    pub max_blocks: u32,
}

impl Default for Geometry {
    fn default() -> Self {
        Self { block: 256, per_thread: 4, max_blocks: 1 << 20 }
    }
}

/// What a kernel has to go over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    /// Rows, spread over `gridDim.y`.
    pub(crate) n_rows: u64,
    /// Things in a row, spread over `gridDim.x` and threads.
    pub(crate) n_each: u64,
}

impl Work {
    pub(crate) fn flat(n_each: u64) -> Self {
        Self { n_rows: 1, n_each }
    }

    fn grid(self, geometry: Geometry) -> Grid {
        const MAX_Y: u64 = 65_535; // CUDA's limit on gridDim.y
        let block = geometry.block.clamp(1, 1024);
        let per_block = u64::from(block) * u64::from(geometry.per_thread.max(1));
        let blocks = self.n_each.div_ceil(per_block).clamp(1, geometry.max_blocks.max(1).into());
        Grid { x: blocks as u32, y: self.n_rows.clamp(1, MAX_Y) as u32, block }
    }
}

/// One argument of a launch.
#[derive(Clone, Copy)]
pub(crate) enum Arg {
    Read(Span),
    Write(Span),
    Value(Element, u64),
}

/// Device memory that an argument points to.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    element: Element,
    address: u64,
    n_bytes: u64,
}

impl Span {
    fn of<T: Scalar>(buffer: &Buffer<T>) -> Self {
        Self { element: T::ELEMENT, address: buffer.address(), n_bytes: buffer.n_bytes() as u64 }
    }

    fn overlaps(&self, other: &Span) -> bool {
        self.address < other.address + other.n_bytes && other.address < self.address + self.n_bytes
    }
}

impl<T: Scalar> From<&Buffer<T>> for Arg {
    fn from(buffer: &Buffer<T>) -> Self {
        Self::Read(Span::of(buffer))
    }
}

impl<T: Scalar> From<&mut Buffer<T>> for Arg {
    fn from(buffer: &mut Buffer<T>) -> Self {
        Self::Write(Span::of(buffer))
    }
}

impl From<f32> for Arg {
    fn from(value: f32) -> Self {
        Self::Value(Element::F32, value.to_bits().into())
    }
}

impl From<u32> for Arg {
    fn from(value: u32) -> Self {
        Self::Value(Element::U32, value.into())
    }
}

impl From<u64> for Arg {
    fn from(value: u64) -> Self {
        Self::Value(Element::U64, value)
    }
}

impl Arg {
    fn parameter(&self) -> Parameter {
        match self {
            Self::Read(span) => Parameter::Read(span.element),
            Self::Write(span) => Parameter::Write(span.element),
            Self::Value(element, _) => Parameter::Value(*element),
        }
    }

    fn slot(&self) -> u64 {
        match self {
            Self::Read(span) | Self::Write(span) => span.address,
            Self::Value(_, bits) => *bits,
        }
    }

    fn span(&self) -> Option<&Span> {
        match self {
            Self::Read(span) | Self::Write(span) => Some(span),
            Self::Value(..) => None,
        }
    }
}

impl Device {
    /// Starts `kernel` over `work`. Does nothing when there is nothing to go over.
    ///
    /// Callers have checked that each buffer is as long as the kernel takes it to be; this checks the rest.
    pub(crate) fn launch(&self, kernel: &str, work: Work, arguments: &[Arg]) -> Result<(), Error> {
        if work.n_rows == 0 || work.n_each == 0 {
            return Ok(());
        }
        let found = source::find(kernel)?;
        check(&found.parameters, arguments)
            .map_err(|problem| Error::Launch { kernel: kernel.into(), problem })?;
        let mut slots: Vec<u64> = arguments.iter().map(Arg::slot).collect();
        let mut pointers: Vec<*mut c_void> =
            slots.iter_mut().map(|slot| std::ptr::from_mut(slot).cast()).collect();
        // SAFETY: `check` compared number, types and overlap of the arguments with the kernel's own signature; the
        // operations checked the buffers' lengths; `slots` outlives the call, which copies the values.
        unsafe { self.backend().launch(found.program, kernel, work.grid(self.geometry()), &mut pointers) }
    }
}

fn check(parameters: &[Parameter], arguments: &[Arg]) -> Result<(), String> {
    if parameters.len() != arguments.len() {
        return Err(format!("it takes {} arguments, {} were given", parameters.len(), arguments.len()));
    }
    for (i, (parameter, argument)) in parameters.iter().zip(arguments).enumerate() {
        if argument.parameter() != *parameter {
            return Err(format!("argument {i} is {:?}, it takes {parameter:?}", argument.parameter()));
        }
        let clash = |(j, other): (usize, &Arg)| {
            let overlap = argument.span().zip(other.span()).is_some_and(|(a, b)| a.overlaps(b));
            (i != j && overlap && matches!(argument, Arg::Write(_))).then_some(j)
        };
        if let Some(j) = arguments.iter().enumerate().find_map(clash) {
            return Err(format!("argument {i} is written and overlaps argument {j}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_do_not_fit_are_refused() {
        let span = |address| Span { element: Element::F32, address, n_bytes: 16 };
        let write_read = [Parameter::Write(Element::F32), Parameter::Read(Element::F32)];
        for (arguments, problem) in [
            (vec![Arg::Write(span(64))], "it takes 2 arguments, 1 were given"),
            (vec![Arg::Write(span(64)), Arg::from(1.0)], "argument 1 is Value(F32), it takes Read(F32)"),
            (vec![Arg::Read(span(64)), Arg::Read(span(0))], "argument 0 is Read(F32), it takes Write(F32)"),
            (
                vec![Arg::Write(span(64)), Arg::Read(span(72))],
                "argument 0 is written and overlaps argument 1",
            ),
        ] {
            assert_eq!(check(&write_read, &arguments).expect_err("it must be refused"), problem);
        }
        assert_eq!(check(&write_read, &[Arg::Write(span(64)), Arg::Read(span(80))]), Ok(()));
        assert_eq!(check(&[write_read[1]; 2], &[Arg::Read(span(64)); 2]), Ok(()), "two may read one");
    }

    #[test]
    fn grids_stay_within_what_a_device_takes() {
        let geometry = Geometry::default();
        for (n_rows, n_each) in [(1, 1), (64, 96_000), (1 << 40, 1 << 40)] {
            let grid = Work { n_rows, n_each }.grid(geometry);
            assert!((1..=1 << 20).contains(&grid.x) && (1..=65_535).contains(&grid.y) && grid.block == 256);
        }
    }
}
