//! One argument of the attribute: its name, where it was written, and its value if that could be read.

use proc_macro2::Ident;

use crate::{errors::Errors, texts};

/// A place for one argument. It refuses to be filled twice.
pub(crate) struct Slot<T> {
    written: Option<Ident>,
    value: Option<T>,
}

impl<T> Slot<T> {
    pub(crate) fn empty() -> Self {
        Self { written: None, value: None }
    }

    /// Fills the slot. A value that could not be read (`None`) counts as written, so that nobody
    /// reports the argument as missing on top.
    pub(crate) fn fill(&mut self, name: Ident, value: Option<T>, errors: &Errors) {
        if self.written.is_some() {
            errors.push(&name, texts::written_twice(&name));
            return;
        }
        self.written = Some(name);
        self.value = value;
    }

    /// The argument's name where the user wrote it.
    pub(crate) fn written(&self) -> Option<&Ident> {
        self.written.as_ref()
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }
}
