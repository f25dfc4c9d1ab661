//! A generic function has a record for each of its types, so nothing looked at what else its result depends on. A
//! generic method of a generic `impl` read the record of one `T` as another `T`.

use idempotent::{Error, Handle, MemoryStore, idempotent};
use serde::{Serialize, de::DeserializeOwned};

struct Meter<T>(T);

impl<T: Copy + Serialize + DeserializeOwned> Meter<T> {
    #[idempotent(key = id, name = "regression.meter", skip(handle), store = handle)]
    fn read<U: Serialize + DeserializeOwned>(
        &self,
        handle: &Handle,
        id: u32,
        unit: U,
    ) -> Result<(T, U), Error> {
        Ok((self.0, unit))
    }
}

/// Fails when a generic operation may return two types for the same parameters.
#[test]
fn the_type_of_the_impl_counts_too() {
    let handle = Handle::new(MemoryStore::new());
    let unit = || "kWh".to_owned();
    assert_eq!(Meter(5_u8).read(&handle, 1, unit()).unwrap().0, 5);
    // Another type parameter is another record, and no reason to refuse.
    assert_eq!(Meter(5_u8).read(&handle, 1, 'm').unwrap(), (5, 'm'));
    let refused = Meter(7_i64).read(&handle, 1, unit());
    assert!(matches!(&refused, Err(Error::Key(_))), "{refused:?}");
    assert_eq!(Meter(5_u8).read(&handle, 1, unit()).unwrap().0, 5);
}
