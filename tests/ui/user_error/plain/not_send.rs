use std::rc::Rc;

use idempotent::Error;

// (without the attribute)
async fn book(id: u32) -> Result<u32, Error> {
    let shared = Rc::new(id);
    std::future::ready(()).await;
    Ok(*shared)
}

fn send(_: impl Future + Send) {}

fn main() {
    send(book(1));
}
