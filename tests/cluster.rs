//! In: the operator as its own process under the account of the chart, a real API server, the simulator over HTTP.
//! Out: proof that users get what the manual says. It looks at both sides from outside and knows nothing of the inside.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests play the user of the API server and of the platform"
)]
#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]
#![expect(clippy::panic, reason = "what fails here fails a test")]

mod cluster {
    mod harness;

    mod answers;
    mod certificates;
    mod changes;
    mod claims;
    mod deletion;
    mod drift;
    mod leadership;
    mod neighbours;
    mod outage;
    mod ready;
    mod refresh;
    mod rights;
    mod secrets;
    mod shared;
    mod switch;
    mod unfit_platform;
    mod unfit_spec;
    mod unreadable;
}
