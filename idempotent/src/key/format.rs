//! A format string as a part of a key: its literal pieces and its holes, apart, so that `a:b` and `c` never meet `a`
//! and `b:c`.

use std::any::type_name;
use std::fmt::{self, Display};

use serde::Serializer as _;

use super::encode::{END, Encoder, FORMAT, TEXT, TEXT_END};
use super::error::{KeyError, Reason, Step};
use super::pepper::pepper;

/// A value that can be a text in a key: in a hole of a format string, or as the scope. Anything that is `Display` and
/// no float.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a text in a key",
    label = "it does not implement `std::fmt::Display`",
    note = "a hole of a format string and the scope are texts: name a field that can be shown, or make the key a tuple, \
            `key = (a, b)`, whose parts are `Serialize`"
)]
pub trait TextPart: Display {}

#[diagnostic::do_not_recommend]
impl<T: Display + ?Sized> TextPart for T {}

/// A piece of a format string: `"order {id}"` is a text and a hole.
///
/// ```
/// use idempotent::key::{KeyBuilder, Piece};
///
/// let mut key = KeyBuilder::new("", "orders.ship");
/// key.format(&[Piece::text("order "), Piece::hole("id", &17)])?;
/// assert_eq!(key.finish()?.1, r#""order 17""#);
/// # Ok::<(), idempotent::key::KeyError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Piece<'a>(Kind<'a>);

#[derive(Clone, Copy)]
enum Kind<'a> {
    Text(&'a str),
    Hole(Hole<'a>),
}

#[derive(Clone, Copy)]
struct Hole<'a> {
    name: &'a str,
    value: &'a dyn Display,
    is_float: bool,
    is_secret: bool,
}

impl<'a> Piece<'a> {
    /// A piece that is the same in every key. Where it is cut does not count.
    pub fn text(text: &'a str) -> Self {
        Self(Kind::Text(text))
    }

    /// A hole, and the value whose text fills it. Its name serves error messages only.
    pub fn hole<T: TextPart>(name: &'a str, value: &'a T) -> Self {
        Self(Kind::Hole(Hole { name, value, is_float: is_float::<T>(), is_secret: false }))
    }

    /// A hole whose value is never shown; see [`install_pepper`](crate::install_pepper).
    pub fn secret<T: TextPart>(name: &'a str, value: &'a T) -> Self {
        Self(Kind::Hole(Hole { name, value, is_float: is_float::<T>(), is_secret: true }))
    }

    pub(crate) fn is_secret(&self) -> bool {
        matches!(self.0, Kind::Hole(Hole { is_secret: true, .. }))
    }

    pub(super) fn write_display(&self, f: &mut impl fmt::Write) -> fmt::Result {
        match self.0 {
            Kind::Text(text) => f.write_str(text),
            Kind::Hole(Hole { is_secret: true, .. }) => f.write_str(SECRET_SHOWN),
            Kind::Hole(Hole { value, .. }) => write!(f, "{value}"),
        }
    }
}

/// What the readable form of a key shows of a secret.
pub(super) const SECRET_SHOWN: &str = "(secret)";

/// Without the value, which may be a secret.
impl fmt::Debug for Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Text(text) => f.debug_tuple("Text").field(&text).finish(),
            Kind::Hole(hole) => f.debug_tuple("Hole").field(&hole.name).finish(),
        }
    }
}

/// Whether a float is in the type's name: `f64`, `&f32`, `Box<f64>`. A type of one's own decides itself how it is shown.
fn is_float<T: ?Sized>() -> bool {
    type_name::<T>()
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .any(|word| matches!(word, "f16" | "f32" | "f64" | "f128"))
}

/// The text of a scope.
pub(crate) fn scope_text<T: TextPart + ?Sized>(scope: &T) -> Result<String, KeyError> {
    let refused = |reason| KeyError::new(reason).within(Step::Part("scope"));
    if is_float::<T>() {
        return Err(refused(Reason::Float));
    }
    let mut text = String::new();
    fmt::write(&mut text, format_args!("{scope}")).map_err(|_| refused(Reason::Display))?;
    Ok(text)
}

impl Encoder {
    /// Adds a format string at the outermost level: text and hole in turn, beginning and ending with a text.
    pub(super) fn format(&mut self, pieces: &[Piece<'_>]) -> Result<(), KeyError> {
        self.outermost(|this| {
            this.put(&[FORMAT, TEXT]);
            for piece in pieces {
                match &piece.0 {
                    Kind::Text(text) => this.put(text.as_bytes()),
                    Kind::Hole(hole) => {
                        this.put(&[TEXT_END]);
                        this.hole(hole).map_err(|error| this.refuse(error.within(Step::Part(hole.name))))?;
                        this.put(&[TEXT]);
                    }
                }
            }
            this.put(&[TEXT_END, END]);
            Ok(())
        })
    }

    fn hole(&mut self, hole: &Hole<'_>) -> Result<(), KeyError> {
        match pepper() {
            _ if hole.is_float => Err(KeyError::new(Reason::Float)),
            Some(pepper) if hole.is_secret => {
                let mut inner = pepper.encoder();
                inner.collect_str(hole.value)?;
                self.sealed(&pepper.seal(inner)?);
                Ok(())
            }
            _ => self.collect_str(hole.value),
        }
    }
}
