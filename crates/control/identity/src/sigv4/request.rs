//! A request as the signature sees it.

/// The parts of a request that a signature covers, exactly as they came.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST`, ...
    pub method: &'a str,
    /// Path as sent, percent-encoded.
    pub path: &'a str,
    /// Query as sent, without the question mark.
    pub query: &'a str,
    /// Names in any case and values, in the order in which they came.
    pub headers: &'a [(&'a str, &'a str)],
    /// The whole body.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Values of all headers of this name, in order.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let headers = self.headers;
        headers.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// The value of a header that may come once at most: `Err` when it comes again.
    pub(super) fn single(&self, name: &str) -> Result<Option<&'a str>, Repeated> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Repeated),
            (first, None) => Ok(first),
        }
    }
}

/// It is there more than once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repeated;
