//! The thread that watches a file wakes a task, and the executor drops the task there, with the last handle of the
//! store in it. The store waited for that very thread to end, panicked, and left its other thread running and its
//! lock file locked.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use idempotent::protocol::Fence;
use idempotent::{Key, SqliteStore, Store as _};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A task of an executor that has ended: waking it drops it.
struct Ended {
    task: Mutex<Option<Task>>,
    told: Mutex<Sender<()>>,
}

impl Wake for Ended {
    fn wake(self: Arc<Self>) {
        let task = self.task.lock().unwrap().take();
        drop(task);
        self.told.lock().unwrap().send(()).unwrap();
    }
}

/// Fails when `Watch::close` waits for the thread that it runs on.
#[test]
fn the_watching_thread_may_drop_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("robot.db");
    let store = SqliteStore::open(&file).unwrap();
    let (told, heard) = channel();
    let ended = Arc::new(Ended { task: Mutex::new(None), told: Mutex::new(told) });
    // There is no such record, so the wait is over as soon as the thread has looked.
    let mut task: Task = Box::pin(async move {
        let key = Key::from_bytes([7; 32]);
        if let Some(changed) = store.changed(&key, Fence(1)) {
            changed.await;
        }
    });
    {
        // Held until the task lies there: the thread may be quicker.
        let mut place = ended.task.lock().unwrap();
        let waker = Waker::from(Arc::clone(&ended));
        assert!(task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        *place = Some(task);
    }
    heard.recv_timeout(Duration::from_secs(20)).expect("the store is dropped without a panic");
}
