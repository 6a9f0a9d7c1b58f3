//! One login: the client's first message, the challenge, the proof, the server's signature.

use std::fmt;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    message::{First, read_final, read_first},
    verifier::{KEY_BYTES, SaltKey, ScramVerifier, keyed, keyed_parts},
};

/// Random bytes of a server's part of a nonce.
pub const NONCE_RANDOM_BYTES: usize = 18;

/// The login is over and nobody is let in. What was wrong is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the login was refused")]
pub struct ScramRefused;

/// A client's first message, read: says who wants to log in.
#[derive(Debug)]
pub struct ScramFirst<'a>(First<'a>);

impl<'a> ScramFirst<'a> {
    /// Reads the message.
    ///
    /// # Errors
    /// [`ScramRefused`]: it is malformed or longer than [`super::MAX_SCRAM_BYTES`], asks for channel binding, an extension
    /// that has to be understood, or another one's name.
    pub fn read(message: &'a [u8]) -> Result<Self, ScramRefused> {
        read_first(message).map(Self).ok_or(ScramRefused)
    }

    /// Name of the user, there or not.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.0.user
    }
}

/// A login that waits for its proof.
pub struct ScramLogin {
    /// What the last message has to say about the header of the first.
    binding: String,
    /// Both parts.
    nonce: String,
    /// `client-first-message-bare,server-first-message,`: what is signed starts so.
    signed: String,
    verifier: ScramVerifier,
    /// Nobody's proof counts: the verifier stands in for one that is not there.
    is_decoy: Choice,
}

impl fmt::Debug for ScramLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScramLogin")
    }
}

impl ScramLogin {
    /// Begins a login; answers the challenge to send. A name without a verifier gets one that looks and costs the same (S2).
    ///
    /// `random` must be fresh.
    #[must_use]
    pub fn begin(
        first: &ScramFirst<'_>,
        verifier: Option<ScramVerifier>,
        key: &SaltKey,
        random: &[u8; NONCE_RANDOM_BYTES],
    ) -> (Self, String) {
        Self::begin_with(&first.0, verifier, key, &STANDARD.encode(random))
    }

    fn begin_with(
        first: &First<'_>,
        verifier: Option<ScramVerifier>,
        key: &SaltKey,
        own_nonce: &str,
    ) -> (Self, String) {
        // Made for each name, so that none is slower to answer.
        let decoy = key.decoy_of(&first.user);
        let is_decoy = Choice::from(u8::from(verifier.is_none()));
        let verifier = verifier.unwrap_or(decoy);
        let nonce = format!("{}{own_nonce}", first.nonce);
        let salt = STANDARD.encode(&verifier.salt);
        let challenge = format!("r={nonce},s={salt},i={}", verifier.iterations);
        let signed = format!("{},{challenge},", first.bare);
        (Self { binding: STANDARD.encode(first.header), nonce, signed, verifier, is_decoy }, challenge)
    }

    /// Checks the proof; answers the server's signature, by which the client knows that the server has the verifier.
    ///
    /// # Errors
    /// [`ScramRefused`]: the proof is wrong, the message is malformed, or there is no such user.
    pub fn finish(self, message: &[u8]) -> Result<String, ScramRefused> {
        let last = read_final(message).ok_or(ScramRefused)?;
        let parts = [self.signed.as_bytes(), last.signed.as_bytes()];
        let signature = keyed_parts(self.verifier.stored_key.expose(), &parts);
        let mut client_key = Zeroizing::new([0; KEY_BYTES]);
        for ((to, proof), signed) in client_key.iter_mut().zip(last.proof).zip(signature.expose()) {
            *to = proof ^ signed;
        }
        let found = digest::digest(&digest::SHA256, &*client_key);
        let is_proven = found.as_ref().ct_eq(self.verifier.stored_key.expose());
        let is_bound = last.binding.as_bytes().ct_eq(self.binding.as_bytes());
        let is_answer = last.nonce.as_bytes().ct_eq(self.nonce.as_bytes());
        if !bool::from(is_proven & is_bound & is_answer & !self.is_decoy) {
            return Err(ScramRefused);
        }
        let all = [self.signed.as_bytes(), last.signed.as_bytes()].concat();
        let signature = keyed(self.verifier.server_key.expose(), &all);
        Ok(format!("v={}", STANDARD.encode(signature.expose())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BadScramVerifier;

    const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";
    const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const PROOF: &str = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    fn pencil() -> ScramVerifier {
        ScramVerifier::compute(b"pencil", &STANDARD.decode(SALT).unwrap(), 4_096).unwrap()
    }

    fn begin(first: &str, verifier: Option<ScramVerifier>) -> (ScramLogin, String) {
        let first = ScramFirst::read(first.as_bytes()).unwrap();
        ScramLogin::begin_with(&first.0, verifier, &SaltKey::new([5; 32]), SERVER_NONCE)
    }

    #[test]
    fn the_example_of_rfc_7677_goes_as_written() {
        let (login, challenge) = begin(FIRST, Some(pencil()));
        assert_eq!(challenge, format!("r={NONCE},s={SALT},i=4096"));
        let answer = login.finish(format!("c=biws,r={NONCE},p={PROOF}").as_bytes());
        assert_eq!(answer.as_deref(), Ok("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
    }

    /// Whether the proof of RFC 7677 is taken in another last message.
    fn check_final(message: &str) {
        let (login, _) = begin(FIRST, Some(pencil()));
        assert_eq!(login.finish(message.as_bytes()), Err(ScramRefused), "{message}");
    }

    #[test]
    fn what_is_not_the_proof_is_refused() {
        let other_proof = PROOF.replace("dHzb", "dHzc");
        for message in [
            format!("c=biws,r={NONCE},p={other_proof}"),
            // Another header, one of channel binding, another nonce, only the client's.
            format!("c=eSws,r={NONCE},p={PROOF}"),
            format!("c=cD10bHMtdW5pcXVlLCw=,r={NONCE},p={PROOF}"),
            format!("c=biws,r={NONCE}x,p={PROOF}"),
            format!("c=biws,r=rOprNGfwEbeRWgbNEkqO,p={PROOF}"),
            // What is signed is another thing.
            format!("c=biws,r={NONCE},x=1,p={PROOF}"),
            // Not of the form.
            format!("c=biws,r={NONCE},p=*{PROOF}"),
            format!("c=biws,r={NONCE},p="),
            format!("c=biws,r={NONCE},p=dHzb"),
            format!("c=biws,r={NONCE}"),
            format!("r={NONCE},c=biws,p={PROOF}"),
            format!("c=biws,,r={NONCE},p={PROOF}"),
            format!("c=biws,r={NONCE},,p={PROOF}"),
            format!("c=biws,r={NONCE},p={PROOF},x=1"),
            String::new(),
        ] {
            check_final(&message);
        }
        let (login, _) = begin(FIRST, Some(pencil()));
        assert_eq!(login.finish(b"c=biws,r=\xff,p="), Err(ScramRefused));
    }

    #[test]
    fn b2_a_message_is_taken_at_its_longest_and_not_past_it() {
        // A name and an identity of 255 bytes that are all escaped, the longest nonce, and extensions up to the end.
        let (name, nonce) = ("=3D".repeat(255), "n".repeat(256));
        let first = format!("n,a={name},n={name},r={nonce},x=");
        let fill = "x".repeat(crate::MAX_SCRAM_BYTES - first.len());
        let read = ScramFirst::read(first.as_bytes());
        assert!(read.is_err(), "an extension has a value");
        let longest = format!("{first}{fill}");
        assert_eq!(ScramFirst::read(longest.as_bytes()).unwrap().user(), "=".repeat(255));
        assert!(ScramFirst::read(format!("{longest}x").as_bytes()).is_err());
        assert!(ScramFirst::read(format!("n,,n={}x,r=1", "=3D".repeat(255)).as_bytes()).is_err());
        assert!(ScramFirst::read(format!("n,,n=u,r={nonce}n").as_bytes()).is_err());
        let (login, _) = begin(FIRST, Some(pencil()));
        let last = format!("c=biws,r={NONCE},x={},p={PROOF}", "x".repeat(crate::MAX_SCRAM_BYTES));
        assert_eq!(login.finish(last.as_bytes()), Err(ScramRefused));
    }

    #[test]
    fn first_messages() {
        let user =
            |message: &str| ScramFirst::read(message.as_bytes()).ok().map(|first| first.user().to_owned());
        assert_eq!(user("n,,n=a=2Cb=3Dc,r=1").as_deref(), Some("a,b=c"));
        assert_eq!(user("y,a=u,n=u,r=1,x=later").as_deref(), Some("u"), "n and y alike");
        assert_eq!(user("n,,n=ann\u{e9},r=1").as_deref(), Some("ann\u{e9}"));
        for bad in [
            "p=tls-exporter,,n=u,r=1",
            "n,a=other,n=u,r=1",
            "n,u,n=u,r=1",
            "x,,n=u,r=1",
            "n,,m=1,n=u,r=1",
            "n,,n=,r=1",
            "n,,n=u,r=",
            "n,,n=u",
            "n,,r=1,n=u",
            "n,,n=u,r=1,",
            "n,,n=u,r=1,x",
            "n,,n=u,r= ",
            "n,,n=u,r=\u{e9}",
            "n,,n=a=2cb,r=1",
            "n,,n=a=,r=1",
            "n,,n=a\0,r=1",
            "n,",
            "",
        ] {
            assert_eq!(user(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn s2_a_name_without_a_verifier_looks_like_one_with_it_and_never_gets_in() {
        let key = SaltKey::new([5; 32]);
        let first = ScramFirst::read(b"n,,n=ann,r=1").unwrap();
        let known = ScramVerifier::make(&"secret".into(), &key.salt_of("ann")).unwrap();
        let random = [1; NONCE_RANDOM_BYTES];
        let (_, of_known) = ScramLogin::begin(&first, Some(known), &key, &random);
        let (unknown, of_unknown) = ScramLogin::begin(&first, None, &key, &random);
        assert_eq!(of_known, of_unknown, "the salt and the iterations tell nothing");
        let other = SaltKey::new([6; 32]);
        assert_ne!(other.salt_of("ann"), key.salt_of("ann"));
        assert_ne!(key.salt_of("bob"), key.salt_of("ann"));
        // The proof of who has stolen the key and knows the decoy's stored key would need what it is the digest of.
        let zero = STANDARD.encode([0; KEY_BYTES]);
        let last = format!("c=biws,r=1{},p={zero}", STANDARD.encode(random));
        assert_eq!(unknown.finish(last.as_bytes()), Err(ScramRefused));
    }

    #[test]
    fn verifiers_keep_their_text_form() {
        let made = ScramVerifier::make(&"pencil".into(), &[7; 16]).unwrap();
        let text = made.to_text();
        assert!(text.starts_with("SCRAM-SHA-256$60000:BwcHBwcHBwcHBwcHBwcHBw==$"), "{text}");
        assert_eq!(ScramVerifier::import(&text), Ok(made.clone()));
        assert!(!made.needs_renewal() && pencil().needs_renewal());
        assert_eq!(format!("{made:?}"), "ScramVerifier", "S11");
        let with = |from: &str, to: &str| ScramVerifier::import(&text.replacen(from, to, 1));
        assert!(with("60000", "4096").is_ok() && with("60000", "1000000").is_ok());
        for (from, to) in [
            ("60000", "4095"),
            ("60000", "1000001"),
            ("60000", "+60000"),
            ("60000", ""),
            ("SCRAM-SHA-256$", "SCRAM-SHA-1$"),
            ("BwcHBwcHBwcHBwcHBwcHBw==", "BwcHBwcH"),
            ("BwcHBwcHBwcHBwcHBwcHBw==", "*"),
            (":", ""),
            ("==$", "==$AA"),
        ] {
            assert_eq!(with(from, to), Err(BadScramVerifier), "{from} to {to}");
        }
    }

    #[test]
    fn passwords_beyond_printable_ascii_have_no_verifier() {
        let make = |password: &str| ScramVerifier::make(&password.into(), &[7; 16]);
        assert!(make(" ~").is_some());
        for password in ["", "caf\u{e9}", "a\tb", "a\u{7f}", &"x".repeat(1_025)] {
            assert!(make(password).is_none(), "{password:?}");
        }
    }
}
