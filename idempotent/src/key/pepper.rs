//! Secrets in keys and fingerprints, and the pepper that keeps them from being guessed.

use std::fmt;
use std::sync::OnceLock;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::encode::{Encoder, Purpose};
use super::error::KeyError;

/// The pepper of the process; `None` for good once a secret was hashed without one.
static PEPPER: OnceLock<Option<Pepper>> = OnceLock::new();

/// The fewest bytes of a pepper.
const SHORTEST: usize = 16;

/// The block of SHA-256, to which HMAC fills its key.
const BLOCK: usize = 64;

/// Installs the pepper of this process: bytes that only your programs know, with which every `secret(..)` argument is
/// hashed.
///
/// A key is a hash, and of a short secret (a card number, a date of birth) all that there can be are soon tried. Who has
/// the records and not the pepper cannot try. Every program that shares records needs the same pepper, for good: with
/// another one, or without, secrets make other keys, and what is done runs again. So keep it beside your other
/// credentials, and install it at the start of `main`, before the first call.
///
/// ```no_run
/// let pepper = std::fs::read("/run/secrets/idempotent-pepper").expect("a pepper is there");
/// idempotent::install_pepper(&pepper).expect("installed once");
/// ```
///
/// # Errors
/// [`PepperError`] if it has fewer than 16 bytes, if one is installed already, or if a secret was already hashed without
/// it.
pub fn install_pepper(pepper: impl AsRef<[u8]>) -> Result<(), PepperError> {
    let pepper = pepper.as_ref();
    if pepper.len() < SHORTEST {
        return Err(PepperError::TooShort);
    }
    PEPPER.set(Some(Pepper::new(pepper))).map_err(|_| match PEPPER.get() {
        Some(Some(_)) => PepperError::Installed,
        Some(None) | None => PepperError::TooLate,
    })
}

/// The installed pepper. After the first question there is one or there is none, and that stays.
pub(super) fn pepper() -> Option<&'static Pepper> {
    PEPPER.get_or_init(|| None).as_ref()
}

/// Why a pepper was not installed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PepperError {
    /// It has fewer than 16 bytes.
    TooShort,
    /// One is installed already.
    Installed,
    /// A secret was already hashed without it: its key would change while the program runs.
    TooLate,
}

impl PepperError {
    /// What to do next.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            PepperError::TooShort => "take 16 random bytes or more, and keep them for as long as the records",
            PepperError::Installed | PepperError::TooLate => {
                "call `install_pepper` once, at the start of `main`, before the first idempotent call"
            }
        }
    }
}

impl fmt::Display for PepperError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PepperError::TooShort => "the pepper has fewer than 16 bytes",
            PepperError::Installed => "a pepper is installed already",
            PepperError::TooLate => "a secret was already hashed without the pepper",
        })
    }
}

impl std::error::Error for PepperError {}

/// HMAC-SHA-256 (RFC 2104) with a key already taken in.
pub(super) struct Pepper {
    inner: Sha256,
    outer: Sha256,
}

impl Pepper {
    fn new(pepper: &[u8]) -> Self {
        let mut block = [0; BLOCK];
        if pepper.len() > BLOCK {
            block[..32].copy_from_slice(&Sha256::digest(pepper));
        } else {
            block[..pepper.len()].copy_from_slice(pepper);
        }
        let begun = |pad: u8| Sha256::new().chain_update(block.map(|byte| byte ^ pad));
        Self { inner: begun(0x36), outer: begun(0x5c) }
    }

    /// Takes the value that is to be sealed.
    pub(super) fn encoder(&self) -> Encoder {
        Encoder::after(self.inner.clone(), Purpose::Secret)
    }

    /// The code of the value that `encoder` took.
    pub(super) fn seal(&self, encoder: Encoder) -> Result<[u8; 32], KeyError> {
        let inner = encoder.finish()?;
        Ok(self.outer.clone().chain_update(inner).finalize().into())
    }
}

impl Encoder {
    /// Adds a value that nobody may learn, at the outermost level: as it is, or under the pepper if there is one. The
    /// error's text says nothing that the value said.
    pub(super) fn secret<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) -> Result<(), KeyError> {
        let Some(pepper) = pepper() else {
            let written = self.part(name, value).map_err(KeyError::withheld);
            return written.map_err(|error| self.refuse(error));
        };
        self.outermost(|this| {
            let mut inner = pepper.encoder();
            let sealed = inner.part(name, value).and_then(|()| pepper.seal(inner));
            match sealed {
                Ok(code) => this.sealed(&code),
                Err(error) => return Err(this.refuse(error.withheld())),
            }
            Ok(())
        })
    }
}
