//! The arguments that are neither key nor skipped: the same key with other ones is another call under a used key.

use std::fmt;

use serde::Serialize;

use super::encode::{Encoder, Purpose};
use super::error::KeyError;
use super::hex::Hex;

/// A hash of the arguments that are neither in the key nor skipped, and a hash of their names.
///
/// Two calls with one key and different fingerprints are not the same operation. When only the values differ, the
/// payload is another one; when the shape differs too, the function's arguments were changed since the record was
/// written, which an error has to tell apart.
///
/// ```
/// use idempotent::key::FingerprintBuilder;
///
/// let fingerprint = |amount: u32| {
///     let mut arguments = FingerprintBuilder::new();
///     arguments.part("amount", &amount)?;
///     arguments.finish()
/// };
/// let (a, b) = (fingerprint(5)?, fingerprint(6)?);
/// assert_ne!(a, b);
/// assert!(a.same_shape(&b));
/// # Ok::<(), idempotent::key::KeyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    hash: [u8; 32],
    shape: [u8; 32],
}

impl Fingerprint {
    /// Whether both were made from arguments of the same names in the same order.
    pub fn same_shape(&self, other: &Self) -> bool {
        self.shape == other.shape
    }

    /// The hash of the values, in the order of the arguments.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// The hash of the names, in the order of the arguments.
    pub fn shape(&self) -> &[u8; 32] {
        &self.shape
    }

    /// As bytes for a store: the hash, then the shape.
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&self.hash);
        bytes[32..].copy_from_slice(&self.shape);
        bytes
    }

    /// From the bytes that [`Fingerprint::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8; 64]) -> Self {
        let (mut hash, mut shape) = ([0; 32], [0; 32]);
        hash.copy_from_slice(&bytes[..32]);
        shape.copy_from_slice(&bytes[32..]);
        Self { hash, shape }
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({}, shape {})", Hex(&self.hash), Hex(&self.shape))
    }
}

/// Makes a [`Fingerprint`] from arguments, by reference.
#[derive(Debug)]
pub struct FingerprintBuilder {
    values: Encoder,
    names: Encoder,
}

impl FingerprintBuilder {
    /// A fingerprint of no arguments so far.
    pub fn new() -> Self {
        Self { values: Encoder::new(Purpose::Fingerprint), names: Encoder::new(Purpose::Shape) }
    }

    /// Adds an argument.
    ///
    /// # Errors
    /// When the value contains a floating-point number or a repeated map key, or its `Serialize` implementation
    /// fails. The first error stands: it is given again for every further part, and by [`Self::finish`].
    pub fn part<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) -> Result<(), KeyError> {
        self.names.text(name);
        self.values.part(name, value)
    }

    /// Adds an argument that nobody may learn, hashed with the [pepper](crate::install_pepper) if there is one.
    ///
    /// # Errors
    /// As [`Self::part`], without the text that a failing `Serialize` implementation gave.
    pub fn secret_part<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) -> Result<(), KeyError> {
        self.names.text(name);
        self.values.secret(name, value)
    }

    /// The fingerprint of the arguments added.
    ///
    /// # Errors
    /// The first error of [`Self::part`], so that its result need not be looked at before.
    pub fn finish(self) -> Result<Fingerprint, KeyError> {
        Ok(Fingerprint { hash: self.values.finish()?, shape: self.names.hash() })
    }
}

impl Default for FingerprintBuilder {
    fn default() -> Self {
        Self::new()
    }
}
