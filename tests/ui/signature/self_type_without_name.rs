use idempotent::{Error, idempotent};

struct Robot;

impl Robot {
    #[idempotent(key = id)]
    fn made(id: u32, like: Option<&Self>) -> Result<u32, Error> {
        Ok(id)
    }
}

fn main() {}
