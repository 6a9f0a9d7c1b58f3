//! Frames of the security layer (AMQP 1.0 5.3).

use super::{
    descriptor::code,
    error::DecodeError,
    fields::{Fields, required},
    value::{Value, check, read},
    write::{ListWriter, put_binary, put_string, put_symbol, put_symbols, put_ubyte},
};

/// How a login ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaslCode {
    /// Let in.
    Ok,
    /// Not let in.
    Auth,
    /// The broker can't tell now.
    System,
}

/// What a frame of the security layer says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SaslFrame<'a> {
    /// Ways to log in.
    Mechanisms(&'a [&'a str]),
    /// The way that the client has chosen.
    Init {
        /// Its name.
        mechanism: &'a str,
        /// What it begins with.
        initial_response: Option<&'a [u8]>,
        /// Host that the client means.
        hostname: Option<&'a str>,
    },
    /// The server's next word.
    Challenge(&'a [u8]),
    /// The client's.
    Response(&'a [u8]),
    /// The end.
    Outcome(SaslCode, Option<&'a [u8]>),
}

impl<'a> SaslFrame<'a> {
    /// Reads what a client may send: its choice and its answers.
    ///
    /// # Errors
    /// It is something else, or one of its fields is wrong.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        check(body)?;
        let Value::Described(described) = read(body)?.0 else { return Err(DecodeError::UnknownDescriptor) };
        let mut fields = Fields::of(described.value(), "SASL frame")?;
        match described.code() {
            Some(code::SASL_INIT) => Ok(Self::Init {
                mechanism: required(fields.symbol("mechanism")?, "mechanism")?,
                initial_response: fields.binary("initial-response")?,
                hostname: fields.string("hostname")?,
            }),
            Some(code::SASL_RESPONSE) => required(fields.binary("response")?, "response").map(Self::Response),
            _ => Err(DecodeError::UnknownDescriptor),
        }
    }

    /// Appends it.
    pub fn put(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Mechanisms(names) => {
                ListWriter::described(out, code::SASL_MECHANISMS).field(Some(names), put_symbols).end();
            }
            Self::Init { mechanism, initial_response, hostname } => {
                ListWriter::described(out, code::SASL_INIT)
                    .field(Some(mechanism), put_symbol)
                    .field(initial_response, put_binary)
                    .field(hostname, put_string)
                    .end();
            }
            Self::Challenge(bytes) => {
                ListWriter::described(out, code::SASL_CHALLENGE).field(Some(bytes), put_binary).end();
            }
            Self::Response(bytes) => {
                ListWriter::described(out, code::SASL_RESPONSE).field(Some(bytes), put_binary).end();
            }
            Self::Outcome(outcome, data) => {
                let number = match outcome {
                    SaslCode::Ok => 0,
                    SaslCode::Auth => 1,
                    SaslCode::System => 2,
                };
                ListWriter::described(out, code::SASL_OUTCOME)
                    .field(Some(number), put_ubyte)
                    .field(data, put_binary)
                    .end();
            }
        }
    }
}
