//! Why bytes are not a structure.

/// Bytes that can't be taken: what is wrong, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A field, a list or a length goes past the end of its frame.
    #[error("the frame ends inside a field")]
    Truncated,
    /// Bytes follow the last field.
    #[error("the frame goes on behind its last field")]
    Trailing,
    /// A frame is longer than what may come.
    #[error("a frame of {size} bytes is longer than the {max} bytes that are taken")]
    TooLong {
        /// Bytes that it says it has.
        size: u64,
        /// Most bytes.
        max: u32,
    },
    /// A length or a number of elements is negative.
    #[error("a length is negative")]
    Negative,
    /// There is no structure of this code in this version.
    #[error("there is no structure with code {code} in version {version}")]
    UnknownKind {
        /// The code.
        code: u8,
        /// Version that was agreed on.
        version: u8,
    },
    /// A structure stands where another kind is expected.
    #[error("a structure with code {code} is in the place of another")]
    WrongKind {
        /// The code of what is there.
        code: u8,
    },
    /// More structures within each other than are read (B4).
    #[error("structures are nested deeper than {max}")]
    TooDeep {
        /// Most levels.
        max: u8,
    },
    /// More elements than are read.
    #[error("there are more than {max} elements in lists or maps")]
    TooMany {
        /// Most elements of a frame.
        max: u32,
    },
    /// An index of the cache that is out of range, or at which nothing was put.
    #[error("nothing is remembered at {index}")]
    NotCached {
        /// The index.
        index: i16,
    },
    /// Objects to remember hold more bytes than are kept.
    #[error("objects to remember have more than {max} bytes")]
    CacheFull {
        /// Most bytes of one object, or of all together.
        max: usize,
    },
    /// Text that is none.
    #[error("text is not valid UTF-8")]
    NotText,
    /// A primitive value of an unknown type.
    #[error("there is no primitive type {code}")]
    UnknownPrimitive {
        /// The code.
        code: u8,
    },
    /// A message in the middle of a frame that says it is a frame by itself: no client sends that.
    #[error("a structure with a frame of its own inside another")]
    Reframed,
}
