//! A request and an answer, apart from any HTTP library.

/// A request as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Method, upper case.
    pub method: String,
    /// Path as sent, not decoded.
    pub path: String,
    /// Query as sent, without the question mark.
    pub query: String,
    /// Headers in their order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body, at most [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES).
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that name, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Headers besides those of the connection.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Vec<u8>,
}
