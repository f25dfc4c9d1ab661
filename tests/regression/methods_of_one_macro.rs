//! A `macro_rules!` that writes one method for several types gave all of them one name, one line, one column and
//! one module. The registry took them for one operation, and the second type was answered with the first one's
//! result.

use idempotent::{Error, Handle, MemoryStore, idempotent};

struct Visit;
struct Invoice;

macro_rules! saves {
    ($($record:ident)*) => {$(
        impl $record {
            #[idempotent(key = id, name = "regression.save", skip(handle), store = handle)]
            fn save(&self, handle: &Handle, id: u32) -> Result<String, Error> {
                Ok(format!("{} {id}", stringify!($record)))
            }
        }
    )*};
}

saves!(Visit Invoice);

/// Fails when the registry goes by the place in the code alone.
#[test]
fn methods_that_one_macro_writes_are_several_operations() {
    let handle = Handle::new(MemoryStore::new());
    assert_eq!(Visit.save(&handle, 7).unwrap(), "Visit 7");
    let refused = Invoice.save(&handle, 7);
    assert!(matches!(&refused, Err(Error::Key(_))), "{refused:?}");
    assert_eq!(Visit.save(&handle, 7).unwrap(), "Visit 7");
}
