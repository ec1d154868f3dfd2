//! Where the table engine runs.

/// Runs the engine's work on a thread of its own, and waits for it. The engine starts an asynchronous runtime, which
/// panics when it is entered from a thread that already drives one, as a command line or a Lambda does.
pub(crate) fn outside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        scope
            .spawn(work)
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
