//! One thread a core.

use std::sync::Mutex;

/// How many threads work.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Does a piece of work on each core until none is left. The last pieces come first.
pub(crate) fn on_each_core<T: Send, R: Send>(left: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let (left, done) = (Mutex::new(left), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..cores() {
            scope.spawn(|| {
                while let Some(next) = left.lock().ok().and_then(|mut left| left.pop()) {
                    let result = work(next);
                    if let Ok(mut done) = done.lock() {
                        done.push(result);
                    }
                }
            });
        }
    });
    done.into_inner().unwrap_or_default()
}
