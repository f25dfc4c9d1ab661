//! Why a value cannot be part of a key.

use std::fmt;

use serde::ser;

/// A value that cannot identify a call: what was refused, why, and what to do about it.
///
/// ```
/// use idempotent::key::KeyBuilder;
///
/// let mut key = KeyBuilder::new("", "prices.set");
/// let error = key.part("price", &9.99).unwrap_err();
/// assert_eq!(error.argument(), "price");
/// assert_eq!(
///     error.to_string(),
///     "`price` cannot be part of a key or fingerprint: it is a floating-point number, and numbers that read \
///      alike can differ in their bits (use an integer, a decimal text, or `skip(..)`)"
/// );
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct KeyError(Box<Refusal>);

#[derive(Clone, PartialEq, Eq)]
struct Refusal {
    argument: String,
    reason: Reason,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Reason {
    Float,
    RepeatedMapKey,
    MapOutOfStep,
    Unfinished,
    Display,
    Serialize(String),
    /// `Serialize` failed on a secret, and its text might hold it.
    Withheld,
}

/// How a value is reached from the one around it.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Part(&'a str),
    Field(&'a str),
    Element,
    Entry,
    /// What `Some`, a newtype or a variant holds.
    Inside,
}

impl KeyError {
    pub(super) fn new(reason: Reason) -> Self {
        Self(Box::new(Refusal { argument: String::new(), reason }))
    }

    /// Puts the way from the outside in front of what is known so far: `order` before `.price`.
    pub(super) fn within(mut self, step: Step<'_>) -> Self {
        let argument = &mut self.0.argument;
        match step {
            Step::Part(name) => argument.insert_str(0, name),
            Step::Field(name) => argument.insert_str(0, &format!(".{name}")),
            Step::Element => argument.insert_str(0, "[]"),
            Step::Entry => argument.insert_str(0, "{}"),
            Step::Inside => {}
        }
        self
    }

    /// Without what the refused value said itself.
    pub(super) fn withheld(mut self) -> Self {
        if let Reason::Serialize(_) = self.0.reason {
            self.0.reason = Reason::Withheld;
        }
        self
    }

    /// The refused value and the way to it: `order.items[].price`. `[]` is an element of a sequence, `{}` a key
    /// or value of a map. Empty for a part without a name.
    pub fn argument(&self) -> &str {
        &self.0.argument
    }

    /// Why it was refused, as the end of a sentence that begins with the argument's name.
    pub fn reason(&self) -> String {
        match &self.0.reason {
            Reason::Float => {
                "it is a floating-point number, and numbers that read alike can differ in their bits".to_owned()
            }
            Reason::RepeatedMapKey => {
                "it is a map or struct in which one key occurs twice, so that its meaning depends on the reader"
                    .to_owned()
            }
            Reason::MapOutOfStep => {
                "its `Serialize` implementation writes map keys and map values that do not alternate".to_owned()
            }
            Reason::Unfinished => "its `Serialize` implementation panicked before the value was whole".to_owned(),
            Reason::Display => "its `Display` implementation returned an error".to_owned(),
            Reason::Serialize(text) => format!("its `Serialize` implementation failed: {text}"),
            Reason::Withheld => {
                "its `Serialize` implementation failed (with a text that is withheld, because the value is secret)"
                    .to_owned()
            }
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match &self.0.reason {
            Reason::Float => "use an integer, a decimal text, or `skip(..)`",
            Reason::RepeatedMapKey => {
                "rename one of the two, look for a `flatten` that repeats a field, or `skip(..)`"
            }
            Reason::MapOutOfStep
            | Reason::Unfinished
            | Reason::Display
            | Reason::Serialize(_)
            | Reason::Withheld => "mend that implementation, make the key from another value, or `skip(..)`",
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.argument() {
            "" => f.write_str("a value")?,
            argument => write!(f, "`{argument}`")?,
        }
        write!(f, " cannot be part of a key or fingerprint: {} ({})", self.reason(), self.advice())
    }
}

impl fmt::Debug for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyError({self})")
    }
}

impl std::error::Error for KeyError {}

impl ser::Error for KeyError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(Reason::Serialize(text.to_string()))
    }
}
