use idempotent::idempotent;

#[idempotent(key = id)]
trait Robot {
    fn book(&self, id: u32) -> Result<u32, idempotent::Error>;
}

fn main() {}
