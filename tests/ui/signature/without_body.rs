use idempotent::{Error, idempotent};

trait Book {
    #[idempotent(key = id, name = "book")]
    fn book(&self, id: u32) -> Result<u32, Error>;
}

fn main() {}
