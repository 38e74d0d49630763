//! How a value becomes bytes and back: little-endian, no padding, lengths before contents.

/// Why bytes are not a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside a value.
    #[error("message ends {missing} bytes early")]
    Truncated {
        /// Bytes that the value still needed.
        missing: u64,
    },
    /// Bytes are left over after the last value.
    #[error("{extra} bytes after the end of the message")]
    Trailing {
        /// How many.
        extra: u64,
    },
    /// A value is none of those that its type has.
    #[error("{value} is no {what}")]
    Invalid {
        /// The type.
        what: &'static str,
        /// The value read.
        value: u64,
    },
    /// A span does not lie in its area, or is not aligned to its elements.
    #[error("span of {len} bytes at {offset} does not fit an area of {area} bytes")]
    Span {
        /// Bytes from the area's start.
        offset: u64,
        /// Bytes.
        len: u64,
        /// Bytes of the area.
        area: u64,
    },
    /// The header has another magic number or protocol version.
    #[error("not a message header")]
    Magic,
}

/// A cursor over the bytes of a body.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(n) {
            Some((head, tail)) => {
                self.rest = tail;
                Ok(head)
            }
            None => Err(DecodeError::Truncated { missing: (n - self.rest.len()) as u64 }),
        }
    }

    /// Bytes not yet read.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// Fails if bytes are left.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            extra => Err(DecodeError::Trailing { extra: extra as u64 }),
        }
    }
}

/// A value that has a form in bytes.
pub trait Field: Sized {
    /// The fewest bytes that a value of this type takes: bounds the length of a vector before it is allocated.
    const MIN_BYTES: usize;

    /// Appends the value.
    fn put(&self, out: &mut Vec<u8>);

    /// Reads a value.
    fn take(from: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// The bytes of the value alone.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }

    /// A value from exactly these bytes.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = Self::take(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }
}

macro_rules! numbers {
    ($($t:ty),*) => {$(
        impl Field for $t {
            const MIN_BYTES: usize = size_of::<$t>();
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn take(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let bytes = from.take(size_of::<$t>())?;
                Ok(<$t>::from_le_bytes(bytes.try_into().expect("take returns what was asked for")))
            }
        }
    )*};
}
numbers!(u8, u16, u32, u64, i32, i64, f32, f64);

impl Field for bool {
    const MIN_BYTES: usize = 1;
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::take(from)? {
            0 => Ok(false),
            1 => Ok(true),
            value => Err(DecodeError::Invalid { what: "truth value", value: value.into() }),
        }
    }
}

impl Field for String {
    const MIN_BYTES: usize = 4;
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u32).put(out);
        out.extend_from_slice(self.as_bytes());
    }
    // Text from a worker is shown to people only, so bytes that are no UTF-8 are replaced, not refused.
    fn take(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let len = u32::take(from)? as usize;
        Ok(Self::from_utf8_lossy(from.take(len)?).into_owned())
    }
}

impl<T: Field> Field for Vec<T> {
    const MIN_BYTES: usize = 4;
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u32).put(out);
        self.iter().for_each(|item| item.put(out));
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let n = u32::take(from)? as usize;
        let needed = n.saturating_mul(T::MIN_BYTES.max(1));
        if needed > from.left() {
            return Err(DecodeError::Truncated { missing: (needed - from.left()) as u64 });
        }
        (0..n).map(|_| T::take(from)).collect()
    }
}

impl<T: Field> Field for Option<T> {
    const MIN_BYTES: usize = 1;
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(if bool::take(from)? { Some(T::take(from)?) } else { None })
    }
}

impl<A: Field, B: Field> Field for (A, B) {
    const MIN_BYTES: usize = A::MIN_BYTES + B::MIN_BYTES;
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok((A::take(from)?, B::take(from)?))
    }
}

impl Field for [u8; 32] {
    const MIN_BYTES: usize = 32;
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(from.take(32)?.try_into().expect("take returns what was asked for"))
    }
}

/// Declares a struct and how it becomes bytes: its fields, in order.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $t:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $t,)* }

        impl $crate::field::Field for $name {
            const MIN_BYTES: usize = 0 $(+ <$t as $crate::field::Field>::MIN_BYTES)*;
            fn put(&self, out: &mut Vec<u8>) {
                let _ = &out; // a record without fields
                $(self.$field.put(out);)*
            }
            fn take(from: &mut $crate::field::Reader<'_>) -> Result<Self, $crate::field::DecodeError> {
                let _ = &from;
                Ok(Self { $($field: $crate::field::Field::take(from)?,)* })
            }
        }
    };
}

/// Declares an enum without contents and how it becomes one byte.
macro_rules! choice {
    ($(#[$meta:meta])* pub enum $name:ident as $what:literal {
        $($(#[$variant_meta:meta])* $variant:ident = $code:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_meta])* $variant,)* }

        impl $crate::field::Field for $name {
            const MIN_BYTES: usize = 1;
            fn put(&self, out: &mut Vec<u8>) {
                out.push(match self { $(Self::$variant => $code,)* });
            }
            fn take(from: &mut $crate::field::Reader<'_>) -> Result<Self, $crate::field::DecodeError> {
                match u8::take(from)? {
                    $($code => Ok(Self::$variant),)*
                    value => Err($crate::field::DecodeError::Invalid { what: $what, value: value.into() }),
                }
            }
        }
    };
}

pub(crate) use {choice, record};
