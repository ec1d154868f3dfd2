//! Where work on tables runs.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};

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

/// Cores there are to work on.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Works on every core on what `feed` hands over, as it comes; what each worker has summed, in no order. `feed` waits
/// when the workers are behind.
pub(crate) fn spread<Job: Send, Sum: Send + Default, Error>(
    feed: impl FnOnce(&mut dyn FnMut(Job)) -> Result<(), Error>,
    work: impl Fn(Job, &mut Sum) + Sync,
) -> Result<Vec<Sum>, Error> {
    let (sender, receiver) = sync_channel::<Job>(2 * cores());
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        let worker = || {
            let mut sum = Sum::default();
            while let Some(job) = next(&receiver) {
                work(job, &mut sum);
            }
            sum
        };
        let workers: Vec<_> = (0..cores()).map(|_| scope.spawn(worker)).collect();
        // Sending fails when every worker has panicked, which joining them shows.
        let fed = feed(&mut |job| _ = sender.send(job));
        drop(sender);
        let sums = workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect();
        fed.map(|()| sums)
    })
}

fn next<Job>(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}
