//! Ships orders, each of them once: `custom_store <folder> <order>..`.
//!
//! Run it as often and as many times at once as you like, and kill it when you like. The file `shipped` in the folder
//! counts what has really gone out.

use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use custom_store::Files;
use idempotent::store::{Blocking, CasStore};
use idempotent::{Handle, effect, idempotent};

#[idempotent(key = order, name = "orders.ship", skip(shipped))]
fn ship(order: &str, shipped: &Path) -> Result<String, Box<dyn Error + Send + Sync>> {
    let mut shipped = OpenOptions::new().create(true).append(true).open(shipped)?;
    effect!(writeln!(shipped, "{order}")?);
    Ok(format!("{order}: shipped by process {}", std::process::id()))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: custom_store <folder> <order>..")?);
    fs::create_dir_all(folder.join("records"))?;
    // A short lease, so that nobody waits long for one that was killed.
    let store = CasStore::new(Blocking::new(Files(folder.join("records")))).lease_of(Duration::from_secs(1));
    idempotent::install(Handle::new(store))?;
    for order in arguments {
        match ship(&order, &folder.join("shipped")) {
            Ok(told) => println!("{told}"),
            Err(error) => println!("{order}: {error}"),
        }
    }
    Ok(())
}
