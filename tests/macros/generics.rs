//! Type parameters, lifetimes, constants and `impl Trait`.

use std::fmt::Display;

use idempotent::{Error, effect, idempotent};
use serde::{Serialize, de::DeserializeOwned};

use crate::world::{Fault, World, once};

#[idempotent(key = id, skip(world, value), store = world.handle)]
fn echo<T>(world: &World, id: u8, value: T) -> Result<T, Fault>
where
    T: Serialize + DeserializeOwned,
{
    world.act(id);
    Ok(value)
}

// Fails when `.generic::<T>()` is left out: the second call would be given the first one's value.
#[test]
fn s64_two_types_have_two_records() {
    let world = World::new();
    once!(world, echo(&world, 1, 5_u8), 5_u8);
    once!(world, echo(&world, 1, "5".to_owned()), "5".to_owned());
    once!(world, echo(&world, 1, 5_u64), 5_u64);
}

#[idempotent(key = id, skip(world), store = world.handle)]
fn zeros<const N: usize>(world: &World, id: u8, of: Many<N>) -> Result<Many<N>, Fault> {
    world.act(id);
    Ok(of)
}

#[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
struct Many<const N: usize>(Vec<u8>);

// Fails when a constant of the result's type is not part of the key.
#[test]
fn s64_two_constants_have_two_records() {
    let world = World::new();
    once!(world, zeros(&world, 1, Many::<2>(vec![1, 2])), Many::<2>(vec![1, 2]));
    once!(world, zeros(&world, 1, Many::<1>(vec![3])), Many::<1>(vec![3]));
}

struct Drawer<T>(T);

impl<T: Clone + Serialize + DeserializeOwned> Drawer<T> {
    #[idempotent(key = id, name = "generics.drawer", skip(world), store = world.handle)]
    fn take(&self, world: &World, id: u8) -> Result<T, Fault> {
        world.act(id);
        Ok(self.0.clone())
    }
}

// Fails when an operation may return two types: the number would be read from the other's text, or the other
// way round. The attribute cannot see the `T` of an `impl`.
#[test]
fn s64_one_method_with_two_results_fails_closed() {
    let world = World::new();
    once!(world, Drawer(5_u8).take(&world, 1), 5_u8);
    let refused = Drawer("five".to_owned()).take(&world, 2).unwrap_err();
    assert!(matches!(&refused, Fault::Ours(Error::Key(_))), "{refused}");
    assert!(refused.to_string().contains("under one name"), "{refused}");
    assert_eq!(world.runs(), 1);
}

#[idempotent(key = (key, shown), skip(world, done), store = world.handle)]
async fn many<'a, K>(
    world: &'a World,
    key: &'a K,
    shown: impl Display + Serialize + Send,
    done: impl FnOnce(&str) + Send,
) -> Result<String, Fault>
where
    K: Serialize + Sync + ?Sized,
{
    effect!(world.act(&shown));
    done("done");
    Ok(shown.to_string())
}

#[tokio::test]
async fn lifetimes_unsized_types_and_impl_trait_arguments() {
    let world = World::new();
    once!(async world, many(&world, "k", 1, |_| ()), "1".to_owned());
    once!(async world, many(&world, [1, 2].as_slice(), 2, |_| ()), "2".to_owned());
}

struct Shelf<'a, T> {
    world: &'a World,
    value: T,
}

impl<T: Serialize + Display> Shelf<'_, T> {
    #[idempotent(key = &self.value, name = "shelf.take", store = self.world.handle)]
    fn take(&self) -> Result<String, Fault> {
        self.world.act(&self.value);
        Ok(self.value.to_string())
    }
}

#[test]
fn a_method_of_a_generic_type() {
    let world = World::new();
    once!(world, Shelf { world: &world, value: 1 }.take(), "1".to_owned());
    once!(world, Shelf { world: &world, value: "a" }.take(), "a".to_owned());
}

#[idempotent(key = id, skip(world), store = world.handle)]
fn no_error_yet<E>(world: &World, id: u8, fail: Option<E>) -> Result<u8, E>
where
    E: From<idempotent::Error> + Serialize,
{
    world.act(id);
    fail.map_or(Ok(id), Err)
}

#[derive(Debug, Serialize)]
struct Plain;

impl From<idempotent::Error> for Plain {
    fn from(_: idempotent::Error) -> Plain {
        Plain
    }
}

#[idempotent(key = id, skip(world), store = world.handle)]
fn any_error<E: From<idempotent::Error>>(world: &World, id: u8) -> Result<u8, E> {
    world.act(id);
    Ok(id)
}

#[test]
fn an_error_type_may_be_a_parameter() {
    let world = World::new();
    once!(world, no_error_yet::<Plain>(&world, 1, None), 1);
    once!(world, any_error::<Plain>(&world, 1), 1);
}

trait Portal {
    const NAME: &'static str;
}

struct North;
struct South;

impl Portal for North {
    const NAME: &'static str = "north";
}

impl Portal for South {
    const NAME: &'static str = "south";
}

#[idempotent(key = (id, P::NAME, N), skip(world), store = world.handle)]
fn through<P, const N: usize>(world: &World, id: u8) -> Result<String, Fault>
where
    P: Portal,
{
    world.act(id);
    Ok(format!("{} {N}", P::NAME))
}

#[idempotent(key = "{id}", scope = P::NAME, skip(world), store = world.handle)]
async fn through_async<P: Portal>(world: &World, id: u8) -> Result<String, Fault> {
    effect!(world.act(id));
    Ok(P::NAME.to_owned())
}

#[idempotent(key = items, skip(world), store = world.handle)]
fn summed<I, T>(world: &World, items: I) -> Result<u64, Fault>
where
    I: IntoIterator<Item = T> + Serialize,
    T: Into<u64>,
{
    world.act("sum");
    Ok(items.into_iter().map(Into::into).sum())
}

// Fails when a parameter that no argument shows, but the key, is refused, or one that another decides.
#[tokio::test]
async fn s64_a_parameter_that_no_argument_shows_is_in_the_key() {
    let world = World::new();
    once!(world, through::<North, 1>(&world, 1), "north 1".to_owned());
    once!(world, through::<South, 1>(&world, 1), "south 1".to_owned());
    once!(world, through::<South, 2>(&world, 1), "south 2".to_owned());
    once!(async world, through_async::<North>(&world, 1), "north".to_owned());
    once!(async world, through_async::<South>(&world, 1), "south".to_owned());
    once!(world, summed(&world, [1_u32, 2]), 3);
}
