//! The client's side of a login by SCRAM-SHA-256 (RFC 5802), as an application's library has it.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::{Engine, engine::general_purpose::STANDARD};

/// A client that has sent its first message.
pub struct ScramClient {
    bare: String,
    signature: String,
}

impl ScramClient {
    /// A client of this name; answers its first message.
    #[must_use]
    pub fn begin(user: &str) -> (Self, String) {
        let bare = format!("n={user},r=theclient");
        let first = format!("n,,{bare}");
        (Self { bare, signature: String::new() }, first)
    }

    /// The last message, for a challenge that has come.
    ///
    /// # Panics
    /// It is no challenge.
    #[must_use]
    pub fn prove(&mut self, challenge: &str, password: &str) -> String {
        let mut parts = challenge.splitn(3, ',');
        let mut part = |prefix| parts.next().unwrap().strip_prefix(prefix).unwrap();
        let (nonce, salt, iterations) = (part("r="), STANDARD.decode(part("s=")).unwrap(), part("i="));
        let mut salted = [0; digest::SHA256_OUTPUT_LEN];
        let rounds = NonZeroU32::new(iterations.parse().unwrap()).unwrap();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, password.as_bytes(), &mut salted);
        let keyed =
            |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
        let signed = format!("{},{challenge},c=biws,r={nonce}", self.bare);
        let client_key = keyed(&salted, "Client Key");
        let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
        let signature = keyed(stored_key.as_ref(), &signed);
        let proof: Vec<u8> = client_key.as_ref().iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        let server_key = keyed(&salted, "Server Key");
        self.signature = format!("v={}", STANDARD.encode(keyed(server_key.as_ref(), &signed)));
        format!("c=biws,r={nonce},p={}", STANDARD.encode(proof))
    }

    /// Whether this is what the server signs who knows the password.
    #[must_use]
    pub fn is_server(&self, signature: &str) -> bool {
        self.signature == signature
    }
}
