//! Run it twice: the second run replays the first one's answer.

use idempotent::{effect, idempotent};

#[idempotent(key = name, name = "hello.greet")]
fn greet(name: &str) -> Result<String, idempotent::Error> {
    effect!(println!("  the effect: a greeting goes out to {name}"));
    Ok(format!("Hello, {name}!"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    idempotent::install(idempotent::open("sqlite:hello.db")?)?;
    let seen = idempotent::observe(|| greet("world"));
    println!("{} ({:?})", seen.result?, seen.outcome.map(|outcome| outcome.how));
    Ok(())
}
