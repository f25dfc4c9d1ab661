//! Structs and maps: entries sorted by their encoded keys, so that neither the order of fields nor the order of
//! insertion counts, and a struct is the map of its fields' names.

use serde::ser::{self, Serialize};
use smallvec::SmallVec;

use super::encode::{END, Encoder, INLINE};
use super::error::{KeyError, Reason, Step};

/// Entries whose places are noted on the stack. A struct or map that has more goes to the heap.
const INLINE_ENTRIES: usize = 16;

/// A struct or map being written. Its entries wait in the encoder's pending bytes, in the order in which they
/// come, until [`Entries::close`] sorts them there.
pub(super) struct Entries<'a> {
    encoder: &'a mut Encoder,
    places: SmallVec<[Place; INLINE_ENTRIES]>,
    key_without_value: bool,
}

/// Where one entry lies in the pending bytes.
#[derive(Clone, Copy)]
struct Place {
    key: usize,
    value: usize,
    end: usize,
}

impl<'a> Entries<'a> {
    pub(super) fn open(encoder: &'a mut Encoder) -> Self {
        encoder.open_maps += 1;
        Self { encoder, places: SmallVec::new(), key_without_value: false }
    }

    fn field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), KeyError> {
        let key = self.encoder.pending.len();
        self.encoder.text(name);
        let start = self.encoder.pending.len();
        self.encoder.nested(Step::Field(name), value)?;
        self.places.push(Place { key, value: start, end: self.encoder.pending.len() });
        Ok(())
    }

    fn out_of_step(&mut self) -> KeyError {
        self.encoder.refuse(KeyError::new(Reason::MapOutOfStep))
    }

    /// Sorts the entries, which are the last of the pending bytes.
    fn close(mut self) -> Result<(), KeyError> {
        if self.key_without_value {
            return Err(self.out_of_step());
        }
        let pending = &mut self.encoder.pending;
        let start = self.places.first().map_or(pending.len(), |first| first.key);
        let key_of = |place: &Place| &pending[place.key..place.value];
        if !self.places.is_sorted_by(|a, b| key_of(a) < key_of(b)) {
            self.places.sort_unstable_by(|a, b| key_of(a).cmp(key_of(b)));
            if self.places.windows(2).any(|pair| key_of(&pair[0]) == key_of(&pair[1])) {
                return Err(KeyError::new(Reason::RepeatedMapKey));
            }
            let unsorted = SmallVec::<[u8; INLINE]>::from_slice(&pending[start..]);
            pending.truncate(start);
            for place in &self.places {
                pending.extend_from_slice(&unsorted[place.key - start..place.end - start]);
            }
        }
        self.encoder.open_maps -= 1;
        self.encoder.put(&[END]);
        Ok(())
    }
}

impl ser::SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = KeyError;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), KeyError> {
        if self.key_without_value {
            return Err(self.out_of_step());
        }
        let start = self.encoder.pending.len();
        self.encoder.nested(Step::Entry, key)?;
        let end = self.encoder.pending.len();
        self.places.push(Place { key: start, value: end, end });
        self.key_without_value = true;
        Ok(())
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), KeyError> {
        let (true, Some(last)) = (self.key_without_value, self.places.last_mut()) else {
            return Err(self.out_of_step());
        };
        self.encoder.nested(Step::Entry, value)?;
        last.end = self.encoder.pending.len();
        self.key_without_value = false;
        Ok(())
    }

    fn end(self) -> Result<(), KeyError> {
        self.close()
    }
}

macro_rules! fields {
    ($($compound:ident)*) => {$(
        impl ser::$compound for Entries<'_> {
            type Ok = ();
            type Error = KeyError;

            fn serialize_field<T: ?Sized + Serialize>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), KeyError> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), KeyError> {
                self.close()
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }
