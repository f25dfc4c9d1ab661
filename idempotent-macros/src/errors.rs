//! The collector of misuses: every one is kept, so that a user sees all of them at once.

use std::cell::RefCell;

use quote::ToTokens;

/// Collects errors while the attribute is read and checked.
///
/// Somebody has to ask for them: dropping a collector that nobody asked panics, because an error
/// that is found and never told would turn into code that does something else than what was written.
pub(crate) struct Errors {
    found: RefCell<Option<Vec<syn::Error>>>,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Self { found: RefCell::new(Some(Vec::new())) }
    }

    /// Keeps one misuse, shown on `tokens`.
    pub(crate) fn push(&self, tokens: impl ToTokens, text: impl std::fmt::Display) {
        self.keep(syn::Error::new_spanned(tokens, text));
    }

    /// Keeps one misuse whose place is already known.
    pub(crate) fn keep(&self, error: syn::Error) {
        if let Some(found) = self.found.borrow_mut().as_mut() {
            found.push(error);
        }
    }

    /// Hands out what was found, in the order in which it was found.
    pub(crate) fn take(self) -> Vec<syn::Error> {
        self.found.borrow_mut().take().unwrap_or_default()
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        assert!(
            self.found.borrow().is_none() || std::thread::panicking(),
            "nobody asked the collector for its errors"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::Errors;

    // Fails when the check in `Drop` is taken away.
    #[test]
    #[should_panic(expected = "nobody asked the collector")]
    fn a_collector_that_nobody_asks_panics() {
        drop(Errors::new());
    }
}
