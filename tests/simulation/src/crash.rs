//! Crashes: the handler is dropped at one of its requests, as a killed process would stop there.

use std::future::Future;

use crate::Probe;

/// The request at which an invocation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashAt {
    /// Which request of the invocation, from 1; AWS and vendors alike, each try of the SDK is one.
    pub n: usize,
    /// Before it leaves, or after it took effect.
    pub when: When,
}

/// The two moments of a request at which a crash leaves different worlds behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nothing was sent.
    Before,
    /// The other side did it; the answer never came back.
    After,
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It ran to its end and gave this.
    Finished(T),
    /// It was dropped at the planned request.
    Crashed,
}

/// Runs `future` until it ends or `probe` reaches its planned crash, and drops it then.
///
/// No request of the same probe leaves after the crash, not even from a branch that ran beside the crashed one; one that
/// is under way at that moment is lost with it.
pub fn run_until_crash<T>(probe: &Probe, future: impl Future<Output = T>) -> impl Future<Output = Outcome<T>> {
    // On the heap at once: a handler's future with the SDK in it is tens of kilobytes.
    let future = Box::pin(future);
    async move {
        tokio::select! {
            biased;
            () = probe.crashed() => Outcome::Crashed,
            out = future => Outcome::Finished(out),
        }
    }
}
