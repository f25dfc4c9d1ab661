//! What went wrong in drafts of the expansion.

use std::sync::{Arc, Mutex};

use idempotent::{Error, effect, idempotent};

use crate::world::{Fault, World, once};

fn send<F: std::future::Future + Send>(future: F) -> F {
    future
}

#[idempotent(key = *counter.lock().unwrap(), skip(world, counter), store = world.handle)]
async fn locked(world: &World, counter: &Mutex<u32>) -> Result<u32, Fault> {
    tokio::task::yield_now().await;
    world.act("ran");
    Ok(*counter.lock().unwrap())
}

// Fails when the key is not a statement of its own: the guard would live across an await, so that the future
// is not `Send` and the body waits for it for ever.
#[tokio::test]
async fn s65_the_key_expression_locks_a_mutex() {
    let world = World::new();
    let counter = Mutex::new(3);
    once!(async world, send(locked(&world, &counter)), 3);
}

#[idempotent(key = id, skip(world, moved), store = world.handle)]
async fn moves(world: &World, id: u8, moved: Vec<String>) -> Result<usize, Fault> {
    let held: Box<dyn Fn() -> usize + Send> = Box::new(move || moved.len());
    tokio::task::yield_now().await;
    world.act(id);
    Ok(held())
}

// Fails when the body is not an `async move` block: what it moves would be borrowed.
#[tokio::test]
async fn a_body_that_moves_its_arguments_is_send() {
    let world = World::new();
    once!(async world, send(moves(&world, 1, vec!["a".to_owned()])), 1);
}

#[idempotent(key = names.len(), skip(world), store = world.handle)]
fn mutated(world: &World, mut names: Vec<String>) -> Result<usize, Fault> {
    names.push("more".to_owned());
    world.act(names.len());
    Ok(names.len())
}

// Fails when key or fingerprint are taken after the body began.
#[test]
fn the_key_is_from_before_the_body() {
    let world = World::new();
    once!(world, mutated(&world, vec!["a".to_owned()]), 2);
}

struct Left;
struct Right;

trait Side {
    fn book(&self, world: &World, n: u8) -> Result<&'static str, Fault>;
}

impl Left {
    #[idempotent(key = n, name = "left.book", skip(world), store = world.handle)]
    fn go(&self, world: &World, n: u8) -> Result<String, Fault> {
        world.act("left");
        Ok("left".to_owned())
    }
}

impl Right {
    #[idempotent(key = n, name = "right.book", skip(world), store = world.handle)]
    fn go(&self, world: &World, n: u8) -> Result<String, Fault> {
        world.act("right");
        Ok("right".to_owned())
    }
}

impl Side for Left {
    fn book(&self, world: &World, n: u8) -> Result<&'static str, Fault> {
        self.go(world, n).map(|_| "left")
    }
}

impl Side for Right {
    fn book(&self, world: &World, n: u8) -> Result<&'static str, Fault> {
        self.go(world, n).map(|_| "right")
    }
}

// Fails when the name is not part of the key.
#[test]
fn s63_two_impls_with_names_have_two_records() {
    let world = World::new();
    assert_eq!(Left.book(&world, 1).unwrap(), "left");
    assert_eq!(Right.book(&world, 1).unwrap(), "right");
    assert_eq!(world.done(), ["left", "right"]);
}

#[idempotent(key = n, name = "traps.one_name", skip(world), store = world.handle)]
fn first(world: &World, n: u8) -> Result<u8, Fault> {
    world.act(n);
    Ok(1)
}

#[idempotent(key = n, name = "traps.one_name", skip(world), store = world.handle)]
fn second(world: &World, n: u8) -> Result<u8, Fault> {
    world.act(n);
    Ok(2)
}

// Fails when the operation does not say where it stands: the second would be given the first one's result.
#[test]
fn s63_two_operations_of_one_name_fail_closed() {
    let world = World::new();
    once!(world, first(&world, 1), 1);
    let refused = second(&world, 1);
    assert!(matches!(refused, Err(Fault::Ours(Error::Key(_)))), "{refused:?}");
    assert_eq!(world.runs(), 1);
}

macro_rules! declare {
    ($($name:ident $text:literal),*) => {
        $(
            #[idempotent(key = n, name = $text, skip(world), store = world.handle)]
            fn $name(world: &World, n: u8) -> Result<String, Fault> {
                effect!(world.act(n));
                Ok(stringify!($name).to_owned())
            }
        )*
    };
}

declare!(made_one "traps.made_one", made_two "traps.made_two");

// Fails when tokens that come out of a macro are not understood.
#[test]
fn functions_that_a_macro_makes() {
    let world = World::new();
    once!(world, made_one(&world, 1), "made_one".to_owned());
    once!(world, made_two(&world, 1), "made_two".to_owned());
}

#[idempotent(key = n, skip(world), store = world.handle)]
async fn not_send(world: &World, n: u8, shared: std::rc::Rc<u8>) -> Result<u8, Fault> {
    let held = std::rc::Rc::clone(&shared);
    tokio::task::yield_now().await;
    world.act(n);
    Ok(*held)
}

// Fails when the expansion demands `Send` of a body that its user does not send.
#[tokio::test]
async fn a_body_that_is_not_send_runs_where_it_is() {
    let world = World::new();
    once!(async world, not_send(&world, 1, std::rc::Rc::new(4)), 4);
}

struct Unshared(std::cell::Cell<u8>);

#[idempotent(key = n, skip(world, cell), store = world.handle)]
async fn result_is_not_sync(world: &World, n: u8, cell: Unshared) -> Result<std::cell::Cell<u8>, Fault> {
    effect!(world.act(n));
    Ok(cell.0)
}

// Fails when the claim passes on what the result is not: a `Cell` is not `Sync`, and the future is `Send`.
#[tokio::test]
async fn a_result_that_is_not_sync_leaves_the_future_send() {
    let world = World::new();
    let cell = || Unshared(std::cell::Cell::new(3));
    once!(async world, send(result_is_not_sync(&world, 1, cell())), std::cell::Cell::new(3));
}

#[idempotent(key = n, skip(world), store = world.handle)]
async fn inner(world: &World, n: u8) -> Result<u8, Fault> {
    effect!(world.act(format!("inner {n}")));
    Ok(n)
}

#[idempotent(key = n, skip(world), store = world.handle)]
async fn outer(world: &World, n: u8) -> Result<u8, Fault> {
    let n = inner(world, n).await?;
    effect!(world.act(format!("outer {n}")));
    Ok(n)
}

// Fails when locals of two expansions meet.
#[tokio::test]
async fn an_operation_inside_another() {
    let world = World::new();
    assert_eq!(outer(&world, 1).await.unwrap(), 1);
    assert_eq!(outer(&world, 1).await.unwrap(), 1);
    assert_eq!(world.done(), ["inner 1", "outer 1"]);
}

#[idempotent(key = n, skip(world), store = world.handle)]
fn recursive(world: &Arc<World>, n: u8) -> Result<u8, Fault> {
    let below = if n == 0 { 0 } else { recursive(world, n - 1)? };
    world.act(n);
    Ok(below + n)
}

#[test]
fn an_operation_that_calls_itself_with_another_key() {
    let world = Arc::new(World::new());
    assert_eq!(recursive(&world, 3).unwrap(), 6);
    assert_eq!(recursive(&world, 3).unwrap(), 6);
    assert_eq!(world.runs(), 4);
}

async fn found_later(world: &World, n: u8) -> Result<Option<u8>, String> {
    let guard = Mutex::new(n);
    let answer = *guard.lock().unwrap();
    tokio::task::yield_now().await;
    Ok((world.runs() > 1).then_some(answer))
}

#[idempotent(key = n, skip(world), store = world.handle, check(found_later, after = "0s"))]
async fn loops_until_it_knows(world: &World, n: u8) -> Result<u8, Fault> {
    effect!(world.act(n));
    Err(Fault::own("no answer"))
}

// Fails when the loop around `check` moves its arguments, or its future is not `Send`.
#[tokio::test]
async fn check_may_be_asked_on_every_call() {
    let world = World::new();
    assert!(send(loops_until_it_knows(&world, 1)).await.is_err());
    assert!(loops_until_it_knows(&world, 1).await.is_err(), "it did not happen, so it ran again");
    assert_eq!(loops_until_it_knows(&world, 1).await.unwrap(), 1);
    assert_eq!(world.runs(), 2);
}
