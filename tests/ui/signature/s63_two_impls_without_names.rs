use idempotent::{Error, idempotent};

trait Book {
    async fn book(&self, id: u32) -> Result<u32, Error>;
}

struct Left;
struct Right;

impl Book for Left {
    #[idempotent(key = id)]
    async fn book(&self, id: u32) -> Result<u32, Error> {
        Ok(id)
    }
}

impl Book for Right {
    #[idempotent(key = id)]
    async fn book(&self, id: u32) -> Result<u32, Error> {
        Ok(id + 1)
    }
}

fn main() {}
