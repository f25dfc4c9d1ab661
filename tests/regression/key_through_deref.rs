//! `key = *order` counted as the whole of `order`, also where `*order` is what a `Deref` of the user's gives: the
//! rest of the argument was then in neither the key nor the fingerprint, and another payload was answered with the
//! first one's result.

use std::ops::Deref;

use idempotent::{Error, Handle, MemoryStore, idempotent};
use serde::Serialize;

#[derive(Serialize)]
struct Order {
    id: u32,
    amount: u32,
}

impl Deref for Order {
    type Target = u32;

    fn deref(&self) -> &u32 {
        &self.id
    }
}

#[idempotent(key = *order, name = "regression.deref", skip(handle), store = handle)]
fn charge(handle: &Handle, order: Order) -> Result<u32, Error> {
    Ok(order.amount)
}

#[idempotent(key = **order, name = "regression.deref_twice", skip(handle), store = handle)]
fn charge_by_reference(handle: &Handle, order: &Order) -> Result<u32, Error> {
    Ok(order.amount)
}

/// What only `&` hides is the argument itself: nothing is left of it for the fingerprint, not even what could not be
/// in one.
#[idempotent(key = *price, name = "regression.reference", skip(handle), store = handle)]
fn look_up(handle: &Handle, price: &u32) -> Result<u32, Error> {
    Ok(*price)
}

/// Fails when an argument that is not visibly a reference or a box counts as in the key by its `*`.
#[test]
fn what_deref_hides_is_in_the_fingerprint() {
    let handle = Handle::new(MemoryStore::new());
    assert_eq!(charge(&handle, Order { id: 1, amount: 10 }).unwrap(), 10);
    let other = charge(&handle, Order { id: 1, amount: 99 });
    assert!(matches!(&other, Err(Error::KeyReused(_))), "{other:?}");

    assert_eq!(charge_by_reference(&handle, &Order { id: 1, amount: 10 }).unwrap(), 10);
    let other = charge_by_reference(&handle, &Order { id: 1, amount: 99 });
    assert!(matches!(&other, Err(Error::KeyReused(_))), "{other:?}");

    assert_eq!(look_up(&handle, &3).unwrap(), 3);
}
