//! Two operations of one name in a process fail closed: the second would replay the first's results.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use once_cell::sync::Lazy;

use super::{Operation, Place};
use crate::error::Error;
use crate::key::Key;

/// Where an operation is written, and its address if there is one static of it.
type Known = (Place, Option<usize>);

static NAMES: Lazy<Mutex<HashMap<&'static str, Known>>> = Lazy::new(Mutex::default);

impl Operation {
    /// The operation's name, if it is the only one of that name.
    pub(super) fn registered(&'static self) -> Result<&'static Arc<str>, Error> {
        self.registered.get_or_try_init(|| {
            let place = self.place;
            let known = (place, self.is_sole.then(|| std::ptr::from_ref(self).addr()));
            // Each change is a single insert, so a poisoned lock holds nothing half done.
            let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
            let first = *names.entry(self.name).or_insert(known);
            if first == known {
                Ok(self.name.into())
            } else {
                Err(Error::bad_key(
                    self.name,
                    format!(
                        "two operations have this name, one at {} (line {}) and one at {} (line {})",
                        first.0.0, first.0.1, place.0, place.1
                    ),
                    "give each its own `name = \"..\"`: with one name, each would be answered with the other's results",
                ))
            }
        })
    }

    /// One operation returns one type for the same type and constant parameters of its own. A method in a generic
    /// `impl` or a default method of a trait is one operation for all types that it is called on: with two results
    /// it would replay one as the other.
    pub(super) fn returns_one_type(
        &'static self,
        generics: Option<Key>,
        returned: &'static str,
    ) -> Result<(), Error> {
        let first = match generics {
            None => *self.returned.get_or_init(|| returned),
            // Each change is a single insert, so a poisoned lock holds nothing half done.
            Some(generics) => *self
                .returned_for
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(generics)
                .or_insert(returned),
        };
        if first == returned {
            return Ok(());
        }
        Err(Error::bad_key(
            self.name,
            format!("it returns `{first}` in one place and `{returned}` in another, under one name"),
            "write it once for each type, each with its own `name = \"..\"`: with one name, each would be answered \
             with the other's results",
        ))
    }
}
