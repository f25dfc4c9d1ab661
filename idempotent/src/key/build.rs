//! From parts to a key, and from a key to the request ids made of it.

use serde::Serialize;
use uuid::{Builder, Uuid};

use super::Key;
use super::display::KeyDisplay;
use super::encode::{Encoder, Purpose};
use super::error::KeyError;
use super::format::Piece;

/// Makes a [`Key`] and its readable form from the parts of a key, by reference.
///
/// Where the readable form is not wanted, [`KeyHasher`] does half the work and allocates nothing.
#[derive(Debug)]
pub struct KeyBuilder {
    hasher: KeyHasher,
    display: KeyDisplay,
}

impl KeyBuilder {
    /// A key of no parts so far. An empty `scope` is the scope of calls that name none.
    pub fn new(scope: &str, operation: &str) -> Self {
        Self { hasher: KeyHasher::new(scope, operation), display: KeyDisplay::new() }
    }

    /// Adds a part. Its name serves the readable form only: it can change without changing the key.
    ///
    /// # Errors
    /// When the value contains a floating-point number or a repeated map key, or its `Serialize` implementation
    /// fails. The first error stands: it is given again for every further part, and by [`Self::finish`].
    pub fn part<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) -> Result<(), KeyError> {
        self.hasher.part(name, value)?;
        self.display.part(name, value);
        Ok(())
    }

    /// Adds a part that is never shown, and that is hashed with the [pepper](crate::install_pepper) if there is one.
    ///
    /// # Errors
    /// As [`Self::part`], without the text that a failing `Serialize` implementation gave.
    pub fn secret_part<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) -> Result<(), KeyError> {
        self.hasher.secret_part(name, value)?;
        self.display.secret_part(name);
        Ok(())
    }

    /// Adds a format string as one part. Its literal pieces count: `"{a}:{b}"` and `"{a}/{b}"` are different keys, and
    /// `"{id}"` is another one than `id`.
    ///
    /// # Errors
    /// When the value in a hole is a floating-point number, or its `Display` implementation fails.
    pub fn format(&mut self, pieces: &[Piece<'_>]) -> Result<(), KeyError> {
        self.hasher.format(pieces)?;
        self.display.format(pieces);
        Ok(())
    }

    /// The key of the parts added, and its readable form of at most [`DISPLAY_LIMIT`](super::DISPLAY_LIMIT)
    /// characters.
    ///
    /// # Errors
    /// The first error of [`Self::part`], so that its result need not be looked at before.
    pub fn finish(self) -> Result<(Key, String), KeyError> {
        Ok((self.hasher.finish()?, self.display.finish()))
    }
}

/// Makes a [`Key`] alone. Nothing is allocated as long as no struct or map in the parts has more than 16 entries or
/// more than about 500 bytes.
#[derive(Debug)]
pub struct KeyHasher(Encoder);

impl KeyHasher {
    /// A key of no parts so far. An empty `scope` is the scope of calls that name none.
    pub fn new(scope: &str, operation: &str) -> Self {
        let mut encoder = Encoder::new(Purpose::Key);
        encoder.text(scope);
        encoder.text(operation);
        Self(encoder)
    }

    /// Adds a part. Its name serves error messages only.
    ///
    /// # Errors
    /// As [`KeyBuilder::part`].
    pub fn part<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) -> Result<(), KeyError> {
        self.0.part(name, value)
    }

    /// Adds a part as [`KeyBuilder::secret_part`] does.
    ///
    /// # Errors
    /// As [`KeyBuilder::secret_part`].
    pub fn secret_part<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) -> Result<(), KeyError> {
        self.0.secret(name, value)
    }

    /// Adds a format string as [`KeyBuilder::format`] does.
    ///
    /// # Errors
    /// As [`KeyBuilder::format`].
    pub fn format(&mut self, pieces: &[Piece<'_>]) -> Result<(), KeyError> {
        self.0.format(pieces)
    }

    /// The key of the parts added.
    ///
    /// # Errors
    /// The first error of [`Self::part`], so that its result need not be looked at before.
    pub fn finish(self) -> Result<Key, KeyError> {
        self.0.finish().map(Key)
    }
}

pub(super) fn request_id(key: &Key, label: Option<&str>) -> Uuid {
    let mut encoder = Encoder::new(Purpose::RequestId);
    encoder.put(key.as_bytes());
    if let Some(label) = label {
        encoder.text(label);
    }
    let [bytes @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = encoder.hash();
    Builder::from_custom_bytes(bytes).into_uuid()
}
