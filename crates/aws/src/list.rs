//! Reads a list to its end, whatever its pages do: a page that comes again is thrown away, a token that expires begins
//! the list anew, and rows that come twice count once.

use std::collections::HashSet;
use std::future::Future;

use aws_sdk_config::error::{ProvideErrorMetadata, SdkError};
use compliance::ports::{PortError, PortErrorKind};

use crate::caller::Caller;
use crate::failure::Failure;

/// How often a list whose token expires is begun anew.
const RESTARTS: u32 = 3;

/// One page of a list.
pub(crate) struct Page<T> {
    /// What is on it.
    pub(crate) rows: Vec<T>,
    /// Leads to the next; absent or empty on the last.
    pub(crate) token: Option<String>,
}

/// What is listed where, for counts and messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listing {
    /// The service, as error codes name it.
    pub(crate) service: &'static str,
    /// The operation.
    pub(crate) operation: &'static str,
}

/// A call that failed or an answer that is refused.
pub(crate) enum Failed {
    Call(Failure),
    Answer(PortError),
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self::Call(failure)
    }
}

impl From<PortError> for Failed {
    fn from(error: PortError) -> Self {
        Self::Answer(error)
    }
}

impl Failed {
    /// As an error of a port; see [`Failure::port_error`].
    pub(crate) fn port_error(self, service: &'static str, doing: &str, action: &str) -> PortError {
        match self {
            Self::Call(failure) => failure.port_error(service, doing, action),
            Self::Answer(error) => error,
        }
    }
}

impl Caller {
    /// Every row of a list, each once, sorted. `ask` sends the call for a page, `read` takes its answer.
    ///
    /// # Errors
    /// When a call fails in the end, `read` refuses an answer, the same page comes for ever, or the token expires
    /// before the list is at its end however often it is begun.
    pub(crate) async fn list<T, O, E, F>(
        &self,
        listing: Listing,
        ask: impl Fn(Option<String>) -> F + Send + Sync,
        read: impl Fn(O) -> Result<Page<T>, PortError> + Send + Sync,
    ) -> Result<Vec<T>, Failed>
    where
        T: Ord + Send,
        O: Send,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = Result<O, SdkError<E>>> + Send,
    {
        let mut rows = self.list_until(listing, ask, read, |_| false).await?;
        let all = rows.len();
        rows.sort();
        rows.dedup();
        let twice = (all - rows.len()) as u64;
        self.count(listing.operation, |count| count.duplicate_rows += twice);
        Ok(rows)
    }

    /// Rows of a list as they come, until there are no more or `enough` says so.
    pub(crate) async fn list_until<T, O, E, F>(
        &self,
        listing: Listing,
        ask: impl Fn(Option<String>) -> F + Send + Sync,
        read: impl Fn(O) -> Result<Page<T>, PortError> + Send + Sync,
        enough: impl Fn(&[T]) -> bool + Send + Sync,
    ) -> Result<Vec<T>, Failed>
    where
        T: Send,
        O: Send,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = Result<O, SdkError<E>>> + Send,
    {
        for _ in 0..=RESTARTS {
            if let Some(rows) = self.walk(listing, &ask, &read, &enough).await? {
                return Ok(rows);
            }
            self.count(listing.operation, |count| count.restarts += 1);
        }
        let operation = listing.operation;
        Err(Failed::Answer(PortError::new(
            listing.service,
            PortErrorKind::Unavailable,
            format!(
                "{operation} refused its own NextToken each of {} times that the list was begun; run again later",
                RESTARTS + 1
            ),
        )))
    }

    /// One walk from the first page on; `None` when the token expired on the way.
    async fn walk<T, O, E, F>(
        &self,
        listing: Listing,
        ask: &(impl Fn(Option<String>) -> F + Send + Sync),
        read: &(impl Fn(O) -> Result<Page<T>, PortError> + Send + Sync),
        enough: &(impl Fn(&[T]) -> bool + Send + Sync),
    ) -> Result<Option<Vec<T>>, Failed>
    where
        T: Send,
        O: Send,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = Result<O, SdkError<E>>> + Send,
    {
        let mut rows = Vec::new();
        let mut pages = Pages::default();
        let mut again = 0;
        loop {
            let answer = match self.call(listing.operation, || ask(pages.token())).await {
                // The first page was given for the same input, so what is refused is the token.
                Err(failure) if pages.begun() && failure.kind == PortErrorKind::InvalidRequest => {
                    return Ok(None);
                }
                answer => answer?,
            };
            let page = read(answer)?;
            let turn = pages.turn(page.token.as_deref());
            if turn == Turn::Again {
                self.count(listing.operation, |count| count.repeated_pages += 1);
                again += 1;
                if again >= self.max_attempts() {
                    return Err(endless(listing).into());
                }
                self.wait(again).await;
                continue;
            }
            again = 0;
            rows.extend(page.rows);
            if turn == Turn::End || enough(&rows) {
                return Ok(Some(rows));
            }
        }
    }
}

fn endless(listing: Listing) -> PortError {
    let operation = listing.operation;
    PortError::new(
        listing.service,
        PortErrorKind::InvalidAnswer,
        format!(
            "{operation} gave the same NextToken again and again, so its pages would never end; run again, and if it stays, report it"
        ),
    )
}

/// What follows a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Another page.
    Next,
    /// Nothing: it was the last.
    End,
    /// The same page: this one came before.
    Again,
}

/// The token of the page to ask for, and those that led to a page before.
#[derive(Debug, Default)]
struct Pages {
    token: Option<String>,
    seen: HashSet<String>,
}

impl Pages {
    /// The token to send; `None` for the first page.
    fn token(&self) -> Option<String> {
        self.token.clone()
    }

    /// A page was given already.
    fn begun(&self) -> bool {
        self.token.is_some()
    }

    /// Takes a page's token. An absent or empty one ends the pages; an empty page does not. One that came before
    /// means that the page did, too: going on from it would never end.
    fn turn(&mut self, token: Option<&str>) -> Turn {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Turn::End;
        };
        if !self.seen.insert(token.to_owned()) {
            return Turn::Again;
        }
        self.token = Some(token.to_owned());
        Turn::Next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_absent_or_empty_token_ends_the_pages() {
        let mut pages = Pages::default();
        assert_eq!((pages.token(), pages.begun()), (None, false));
        assert_eq!(pages.turn(Some("a")), Turn::Next);
        assert_eq!((pages.token().as_deref(), pages.begun()), (Some("a"), true));
        assert_eq!(pages.turn(Some("b")), Turn::Next);
        assert_eq!(pages.turn(Some("")), Turn::End);
        assert_eq!(Pages::default().turn(None), Turn::End);
    }

    #[test]
    fn a_page_that_came_before_is_asked_for_again() {
        let mut pages = Pages::default();
        for token in ["a", "b"] {
            assert_eq!(pages.turn(Some(token)), Turn::Next);
        }
        for token in ["a", "b"] {
            assert_eq!(pages.turn(Some(token)), Turn::Again);
            assert_eq!(
                pages.token().as_deref(),
                Some("b"),
                "the page that is still to come"
            );
        }
    }
}
