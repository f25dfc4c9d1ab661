//! Keys written as format strings, scopes and secrets.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::sync::Mutex;

use idempotent::{Error, Filter, Key, effect, idempotent, inspect, inspect_async};
use serde::Serialize;

use crate::world::{Fault, World, once};

struct Order {
    id: u32,
    place: (u8, &'static str),
    note: &'static str,
}

const ORDER: Order = Order { id: 7, place: (1, "north"), note: "first" };

#[idempotent(key = "{a}:{b}", skip(world), store = world.handle)]
fn joined(world: &World, a: &str, b: &str) -> Result<String, Fault> {
    world.act(a);
    Ok(format!("{a}-{b}"))
}

// Fails when the string is filled in before it is hashed.
#[test]
fn s02_pieces_of_a_format_string_do_not_run_together() {
    let world = World::new();
    once!(world, joined(&world, "a:b", "c"), "a:b-c".to_owned());
    once!(world, joined(&world, "a", "b:c"), "a-b:c".to_owned());
    once!(world, joined(&world, "", ""), "-".to_owned());
}

#[idempotent(key = "{id}", name = "keys.one", skip(world), store = world.handle)]
fn hole(world: &World, id: &str) -> Result<u8, Fault> {
    world.act(id);
    Ok(1)
}

// Fails when a format string is a text like any other, or its literal pieces do not count.
#[test]
fn a_format_string_is_another_key_than_its_argument() {
    static ONE: idempotent::Operation = idempotent::Operation::new("keys.other");
    let world = World::new();
    let key = |parts: fn(idempotent::operation::Parts) -> idempotent::operation::Parts| -> Key {
        let call = || parts(ONE.call()).store(&world.handle).returns::<Result<u8, Fault>>();
        inspect(|| call().run_blocking(|_| Ok(1))).unwrap()
    };
    use idempotent::key::Piece;
    let keys = [
        key(|parts| parts.key("id", "a")),
        key(|parts| parts.key_format(&[Piece::hole("id", &"a")])),
        key(|parts| parts.key_format(&[Piece::text("a")])),
        key(|parts| parts.key_format(&[Piece::text(":"), Piece::hole("id", &"a")])),
        key(|parts| parts.key_format(&[Piece::hole("id", &"a"), Piece::text(":")])),
        key(|parts| parts.key("", &("", "a", ""))),
    ];
    let different: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(different.len(), keys.len());
    once!(world, hole(&world, "a"), 1);
}

#[idempotent(key = "{{{order.id}}}/{order.place.1}", skip(world, order), store = world.handle)]
async fn fields(world: &World, order: &Order) -> Result<u32, Fault> {
    effect!(world.act(order.note));
    Ok(order.id)
}

struct Desk {
    world: World,
    name: String,
}

impl Desk {
    #[idempotent(key = ("{self.name}:{r#type}", "v1", n), name = "keys.desk", store = self.world.handle)]
    fn of_self(&self, r#type: u8, n: u8) -> Result<u8, Fault> {
        self.world.act(n);
        Ok(r#type)
    }
}

#[async_trait::async_trait]
trait Books {
    async fn book(&self, patient: &str) -> Result<usize, Fault>;
}

#[async_trait::async_trait]
impl Books for Desk {
    #[idempotent(key = "{self.name}:{patient}", scope = self.name, name = "keys.books", store = self.world.handle)]
    async fn book(&self, patient: &str) -> Result<usize, Fault> {
        effect!(self.world.act(patient));
        Ok(patient.len())
    }
}

/// What an operator reads of the only record.
fn only(world: &World) -> (String, String) {
    let entries = world.handle.list(&Filter::default()).wait().unwrap();
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    (entry.subject.call.to_string(), entry.subject.scope.to_string())
}

// Fails when a field, a brace, `self` or the parts beside a format string are lost.
#[tokio::test]
async fn holes_are_arguments_and_fields_of_them() {
    let world = World::new();
    once!(async world, fields(&world, &ORDER), 7);
    once!(async world, fields(&world, &Order { place: (1, "south"), ..ORDER }), 7);
    once!(async world, fields(&world, &Order { id: 8, ..ORDER }), 8);
    let other = Order { note: "other", place: (9, "north"), ..ORDER };
    assert_eq!(fields(&world, &other).await.unwrap(), 7, "the rest of a skipped argument may differ");

    let desk = Desk { world: World::new(), name: "front".to_owned() };
    once!(desk.world, desk.of_self(3, 1), 3);
    once!(desk.world, desk.of_self(3, 2), 3);
    let desk = Desk { world: World::new(), name: "front".to_owned() };
    once!(desk.world, desk.of_self(3, 1), 3);
    assert_eq!(only(&desk.world), (r#""front:3", "v1", n=1"#.to_owned(), String::new()));

    let desk = Desk { world: World::new(), name: "front".to_owned() };
    once!(async desk.world, desk.book("ann"), 3);
    assert_eq!(only(&desk.world), (r#""front:ann""#.to_owned(), "front".to_owned()));
}

/// Shows less than it holds, and is not `Serialize`.
struct Patient {
    id: u8,
    name: &'static str,
}

impl fmt::Display for Patient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "patient {}", self.id)
    }
}

#[idempotent(key = "{patient}", skip(world, patient), store = world.handle)]
fn shown(world: &World, patient: &Patient) -> Result<u8, Fault> {
    world.act(patient.name);
    Ok(patient.id)
}

#[derive(Serialize)]
struct Dose(u8, u8);

impl fmt::Display for Dose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[idempotent(key = "{dose}/{count}/{by}", skip(world), store = world.handle)]
fn dosed(world: &World, dose: Dose, count: &&u64, by: std::borrow::Cow<'_, str>) -> Result<u8, Fault> {
    world.act(count);
    Ok(dose.1 + u8::try_from(by.len()).unwrap())
}

// Fails when a hole takes an argument of any type out of the fingerprint: what it shows may be less than it is.
#[test]
fn an_argument_in_a_hole_stays_in_the_fingerprint_unless_it_is_a_text() {
    let world = World::new();
    once!(world, dosed(&world, Dose(1, 2), &&3, "ab".into()), 4);
    let other = dosed(&world, Dose(1, 9), &&3, "ab".into());
    assert!(matches!(other, Err(Fault::Ours(Error::KeyReused(_)))), "{other:?}");
    once!(world, shown(&world, &Patient { id: 1, name: "ann" }), 1);
    assert_eq!(shown(&world, &Patient { id: 1, name: "bob" }).unwrap(), 1);
}

#[idempotent(key = "{n}:{of}", skip(world), store = world.handle)]
fn generic<T: fmt::Display + Serialize>(world: &World, n: u8, of: &T) -> Result<u8, Fault> {
    world.act(of);
    Ok(n)
}

// Fails when only the compiler looks for floats: it cannot see what a type parameter stands for.
#[test]
fn a_float_behind_a_type_parameter_is_refused_at_the_call() {
    let world = World::new();
    once!(world, generic(&world, 1, &"a"), 1);
    let refused = generic(&world, 1, &1.5).unwrap_err();
    assert!(matches!(&refused, Fault::Ours(Error::Key(_))), "{refused}");
    assert!(refused.to_string().contains("`of` cannot be part of a key"), "{refused}");
    assert_eq!(world.runs(), 1);
}

#[idempotent(key = n, scope = tenant, skip(world), store = world.handle)]
fn scoped(world: &World, tenant: &str, n: u8) -> Result<u8, Fault> {
    world.act(tenant);
    Ok(n)
}

#[idempotent(key = "{n}", scope = order.place.1, skip(world, order), store = world.handle)]
async fn scoped_by_part(world: &World, order: &Order, n: u8) -> Result<u8, Fault> {
    world.act(n);
    Ok(n)
}

#[idempotent(key = n, scope = of, skip(world), store = world.handle)]
fn scoped_by<T: fmt::Display + Serialize>(world: &World, of: T, n: u8) -> Result<u8, Fault> {
    world.act(of);
    Ok(n)
}

#[idempotent(key = n, scope = dose, skip(world), store = world.handle)]
fn scoped_by_type(world: &World, dose: &Dose, n: u8) -> Result<u8, Fault> {
    world.act(dose);
    Ok(n)
}

// Fails when the scope is not part of the key, is not its own column, or is in the fingerprint as well.
#[tokio::test]
async fn s03_two_scopes_have_two_records() {
    let world = World::new();
    once!(world, scoped(&world, "north", 1), 1);
    once!(world, scoped(&world, "south", 1), 1);
    once!(world, scoped(&world, "", 1), 1);
    let of = |scope: &str| {
        let filter = Filter { scope: Some(scope.into()), ..Filter::default() };
        world.handle.list(&filter).wait().unwrap().len()
    };
    assert_eq!([of("north"), of("south"), of(""), of("west")], [1, 1, 1, 0]);

    let world = World::new();
    once!(async world, scoped_by_part(&world, &ORDER, 1), 1);
    once!(async world, scoped_by_part(&world, &Order { place: (1, "south"), ..ORDER }, 1), 1);

    let world = World::new();
    once!(world, scoped_by(&world, 'x', 1), 1);
    assert_eq!(only(&world), ("n=1".to_owned(), "x".to_owned()));
    let refused = scoped_by(&world, 1.5, 1).unwrap_err();
    assert!(refused.to_string().contains("`scope` cannot be part of a key"), "{refused}");
    assert_eq!(world.runs(), 1);

    once!(world, scoped_by_type(&world, &Dose(1, 2), 1), 1);
    let other = scoped_by_type(&world, &Dose(1, 3), 1);
    assert!(matches!(other, Err(Fault::Ours(Error::KeyReused(_)))), "its text is not the whole: {other:?}");
}

#[derive(Serialize)]
struct Card {
    number: &'static str,
    month: u8,
}

#[idempotent(key = (card.number, n, "{pin}!"), secret(card, pin, by), skip(world), store = world.handle)]
fn secret(world: &World, card: &Card, pin: u16, n: u8, by: &str) -> Result<usize, Fault> {
    world.act(n);
    Ok(card.number.len() + by.len() + usize::from(pin))
}

#[idempotent(key = all, secret(pin), skip(world), store = world.handle)]
async fn all_secret(world: &World, pin: u16, n: u8) -> Result<u16, Fault> {
    world.act(n);
    Ok(pin)
}

#[idempotent(key = (n, format!("{pin}"), pin), secret(pin), skip(world), store = world.handle)]
fn secret_in_an_expression(world: &World, pin: u16, n: u8) -> Result<u16, Fault> {
    world.act(n);
    Ok(pin)
}

// Fails when a secret is shown, or when it does not count.
#[tokio::test]
async fn a_secret_counts_and_is_not_shown() {
    const CARD: Card = Card { number: "4711", month: 12 };
    let world = World::new();
    once!(world, secret(&world, &CARD, 1234, 1, "me"), 1240);
    assert_eq!(only(&world).0, r#"card.number=(secret), n=1, "(secret)!""#);
    let key = |card: Card, pin: u16| inspect(|| secret(&world, &card, pin, 1, "me")).unwrap();
    assert_ne!(key(CARD, 1234), key(CARD, 1235));
    assert_ne!(key(CARD, 1234), key(Card { number: "4712", ..CARD }, 1234));
    for (card, by) in [(Card { month: 11, ..CARD }, "me"), (CARD, "you")] {
        let other = secret(&world, &card, 1234, 1, by);
        assert!(matches!(other, Err(Fault::Ours(Error::KeyReused(_)))), "{other:?}");
    }

    let world = World::new();
    once!(async world, all_secret(&world, 1234, 1), 1234);
    assert_eq!(only(&world).0, "pin=(secret), n=1");
    assert_ne!(
        inspect_async(all_secret(&world, 1, 1)).await.unwrap(),
        inspect_async(all_secret(&world, 2, 1)).await.unwrap()
    );

    let world = World::new();
    once!(world, secret_in_an_expression(&world, 1234, 1), 1234);
    assert_eq!(only(&world).0, r#"n=1, format!(\"{pin}\")=(secret), pin=(secret)"#);
}

#[idempotent(key = n, scope = tenant.lock().unwrap(), skip(world, tenant), store = world.handle)]
async fn locked(world: &World, tenant: &Mutex<String>, n: u8) -> Result<u8, Fault> {
    effect!(world.act(n));
    tokio::task::yield_now().await;
    tenant.lock().unwrap().push('!');
    Ok(n)
}

// Fails when what the scope locks is held across an await: the future is not `Send` then, or hangs.
#[tokio::test]
async fn s65_a_lock_in_the_scope_is_let_go_at_once() {
    fn sendable<F: Future + Send>(future: F) -> F {
        future
    }
    let world = World::new();
    let tenant = Mutex::new("north".to_owned());
    assert_eq!(sendable(locked(&world, &tenant, 1)).await.unwrap(), 1);
    assert_eq!(only(&world).1, "north");
    assert_eq!(*tenant.lock().unwrap(), "north!");
}

/// Panics the first time that it is shown.
struct Shy(Cell<bool>);

impl fmt::Display for Shy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        assert!(self.0.replace(true), "not now");
        f.write_str("shy")
    }
}

#[idempotent(key = "{shy}", scope = tenant, skip(world, shy, tenant), store = world.handle)]
fn shown_at_last(world: &World, shy: &Shy, tenant: &Shy) -> Result<u8, Fault> {
    effect!(world.act("shown"));
    Ok(1)
}

// Fails when a panic in a hole or in the scope leaves a claim, or a key of half of it.
#[test]
fn s76_a_panic_in_a_hole_or_in_the_scope_leaves_nothing() {
    let world = World::new();
    let (shy, tenant) = (Shy(Cell::new(false)), Shy(Cell::new(false)));
    for _ in 0..2 {
        let call = || shown_at_last(&world, &shy, &tenant);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err());
    }
    assert_eq!(world.handle.list(&Filter::default()).wait().unwrap().len(), 0);
    once!(world, shown_at_last(&world, &shy, &tenant), 1);
    assert_eq!(only(&world), (r#""shy""#.to_owned(), "shy".to_owned()));
}
