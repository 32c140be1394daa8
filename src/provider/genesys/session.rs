//! Our own session: the token of the managing client, minted when needed and before it ends.
//!
//! Enters: the managing credential. Leaves: a token that was good a moment ago, or the fault of the last mint.
//! Concurrent callers share one mint, and a failed one is not repeated for a few seconds.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::model::{Fault, SecretText, Token};

/// How long the fault of a mint answers for further ones.
const FAULT_LASTS: Duration = Duration::from_secs(5);

/// The session and whoever mints in it, one at a time.
#[derive(Debug, Default)]
pub(super) struct Session {
    state: Mutex<State>,
}

/// A token of the session, with a number that tells it from the one before.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) access_token: SecretText,
    number: u64,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Held>,
    failed: Option<(Instant, Fault)>,
    minted: u64,
}

#[derive(Debug)]
struct Held {
    ticket: Ticket,
    /// When it should be replaced: at 66 % of its life.
    refresh_at: Instant,
    ends_at: Instant,
}

impl Session {
    /// The session's token. Mints one with `mint` when there is none, or when the one there is nears its end.
    pub(super) async fn ticket<M>(&self, mint: impl FnOnce() -> M) -> Result<Ticket, Fault>
    where
        M: Future<Output = Result<Token, Fault>>,
    {
        let mut state = self.state.lock().await;
        let usable = state.current.as_ref().filter(|held| Instant::now() < held.ends_at);
        let usable = usable.map(|held| (held.ticket.clone(), held.refresh_at));
        if let Some((ticket, refresh_at)) = &usable
            && Instant::now() < *refresh_at
        {
            return Ok(ticket.clone());
        }
        let failed = state.failed.as_ref().filter(|(at, _)| at.elapsed() < FAULT_LASTS);
        let fault = match failed {
            Some((_, fault)) => fault.clone(),
            None => match state.mint(mint).await {
                Ok(ticket) => return Ok(ticket),
                Err(fault) => fault,
            },
        };
        // A token that nears its end still serves.
        usable.map(|(ticket, _)| ticket).ok_or(fault)
    }

    /// Forgets a token that the platform no longer accepts, unless a newer one is there already.
    pub(super) async fn forget(&self, ticket: &Ticket) {
        let mut state = self.state.lock().await;
        state.current.take_if(|held| held.ticket.number == ticket.number);
    }
}

impl State {
    async fn mint<M>(&mut self, mint: impl FnOnce() -> M) -> Result<Ticket, Fault>
    where
        M: Future<Output = Result<Token, Fault>>,
    {
        // From before the request: the token's life begins somewhere in between.
        let begun = Instant::now();
        match mint().await {
            Ok(Token { access_token, expires_in, .. }) => {
                self.minted += 1;
                let ticket = Ticket { access_token, number: self.minted };
                let life = expires_in.unsigned_abs();
                self.failed = None;
                self.current = Some(Held {
                    ticket: ticket.clone(),
                    refresh_at: begun + life * 66 / 100,
                    ends_at: begun + life,
                });
                Ok(ticket)
            }
            Err(fault) => {
                self.failed = Some((Instant::now(), fault.clone()));
                Err(fault)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use jiff::SignedDuration;

    use super::*;
    use crate::model::{Trouble, TroubleKind};

    #[derive(Default)]
    struct Endpoint {
        asked: AtomicU32,
    }

    impl Endpoint {
        async fn mint(&self, life: Duration) -> Result<Token, Fault> {
            let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            tokio::task::yield_now().await;
            Ok(Token {
                access_token: SecretText::new(format!("token-{number}")),
                token_type: "bearer".into(),
                expires_in: SignedDuration::try_from(life).unwrap(),
            })
        }

        async fn fail(&self) -> Result<Token, Fault> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            let text = "down".to_owned();
            Err(Fault::NotSent(Trouble { kind: TroubleKind::Connect, text }))
        }

        fn asked(&self) -> u32 {
            self.asked.load(Ordering::SeqCst)
        }
    }

    const DAY: Duration = Duration::from_hours(24);

    #[tokio::test]
    async fn concurrent_callers_share_one_mint() {
        let (session, endpoint) = (Session::default(), Endpoint::default());
        let callers = (0..20).map(|_| session.ticket(|| endpoint.mint(DAY)));
        for ticket in futures::future::join_all(callers).await {
            assert_eq!(ticket.unwrap().access_token.reveal(), "token-1");
        }
        assert_eq!(endpoint.asked(), 1);
    }

    #[tokio::test]
    async fn a_failing_mint_is_not_hammered() {
        let (session, endpoint) = (Session::default(), Endpoint::default());
        for _ in 0..20 {
            session.ticket(|| endpoint.fail()).await.unwrap_err();
        }
        assert_eq!(endpoint.asked(), 1);
    }

    #[tokio::test]
    async fn a_forgotten_token_is_replaced_once() {
        let (session, endpoint) = (Session::default(), Endpoint::default());
        let first = session.ticket(|| endpoint.mint(DAY)).await.unwrap();
        session.forget(&first).await;
        let second = session.ticket(|| endpoint.mint(DAY)).await.unwrap();
        session.forget(&first).await;
        let third = session.ticket(|| endpoint.mint(DAY)).await.unwrap();
        assert_eq!(second.access_token, third.access_token);
        assert_eq!(endpoint.asked(), 2);
    }

    #[tokio::test]
    async fn a_token_past_two_thirds_is_replaced_and_serves_while_that_fails() {
        let (session, endpoint) = (Session::default(), Endpoint::default());
        let life = Duration::from_secs(3);
        let first = session.ticket(|| endpoint.mint(life)).await.unwrap();
        session.state.lock().await.current.as_mut().unwrap().refresh_at = Instant::now();
        let again = session.ticket(|| endpoint.fail()).await.unwrap();
        assert_eq!(again.access_token, first.access_token);
        session.state.lock().await.failed = None;
        let next = session.ticket(|| endpoint.mint(life)).await.unwrap();
        assert_eq!(next.access_token.reveal(), "token-3");
    }

    #[tokio::test]
    async fn a_token_at_its_end_does_not_serve() {
        let (session, endpoint) = (Session::default(), Endpoint::default());
        session.ticket(|| endpoint.mint(Duration::ZERO)).await.unwrap();
        session.ticket(|| endpoint.fail()).await.unwrap_err();
    }
}
