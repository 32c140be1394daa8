//! The operator's core against a world in memory: whatever answer is lost and wherever the process dies, it ends with
//! one account, one credential, and that credential in the Secret.

#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it was told to be")]
#![expect(
    clippy::await_holding_lock,
    reason = "each look at the world is dropped by hand before time goes on"
)]

#[path = "converge/deeds.rs"]
mod deeds;
#[path = "converge/endings.rs"]
mod endings;
#[path = "converge/etcd.rs"]
mod etcd;
#[path = "converge/faults.rs"]
mod faults;
#[path = "converge/judge.rs"]
mod judge;
#[path = "converge/laws.rs"]
mod laws;
#[path = "converge/operator.rs"]
mod operator;
#[path = "converge/scenes.rs"]
mod scenes;
#[path = "converge/seams.rs"]
mod seams;
#[path = "converge/stories.rs"]
mod stories;
#[path = "converge/story.rs"]
mod story;
#[path = "converge/takeovers.rs"]
mod takeovers;
#[path = "converge/tenant.rs"]
mod tenant;
#[path = "converge/tokens.rs"]
mod tokens;
#[path = "converge/world.rs"]
mod world;

use faults::{Mishap, Plan};
use story::Story;

#[tokio::test(start_paused = true)]
async fn every_story_ends_well() {
    let mut failed = Failed::default();
    for story in stories::all() {
        failed.note(&story, "", story.told(Plan::none()).await);
    }
    failed.none_of();
}

/// What went wrong, told in full for the first few.
#[derive(Default)]
struct Failed {
    told: usize,
    stories: Vec<String>,
}

impl Failed {
    fn note(&mut self, story: &Story, how: &str, told: Result<u64, String>) {
        self.told += 1;
        if let Err(why) = told {
            self.stories.push(format!("### {} {how}\n{why}", story.name));
        }
    }

    fn none_of(self) {
        let Self { told, stories } = self;
        let first: Vec<&str> = stories.iter().take(40).map(String::as_str).collect();
        assert!(
            stories.is_empty(),
            "{} of {told} tellings failed\n{}",
            stories.len(),
            first.join("\n\n")
        );
        assert!(told > 0, "nothing was told");
    }
}

async fn with_every_call_struck_once_by(mishap: Mishap) {
    let mut failed = Failed::default();
    for story in stories::all() {
        let calls = story.told(Plan::none()).await.expect("every story ends well without mishaps");
        for call in 1..=calls {
            let told = story.told(Plan::at(call, mishap)).await;
            failed.note(&story, &format!("with {mishap:?} at call {call}"), told);
        }
    }
    failed.none_of();
}

#[tokio::test(start_paused = true)]
async fn every_call_loses_its_answer_once() {
    with_every_call_struck_once_by(Mishap::AnswerLost).await;
}

#[tokio::test(start_paused = true)]
async fn every_call_is_not_sent_once() {
    with_every_call_struck_once_by(Mishap::NotSent).await;
}

#[tokio::test(start_paused = true)]
async fn every_call_meets_a_server_error_once() {
    with_every_call_struck_once_by(Mishap::ServerError).await;
}

#[tokio::test(start_paused = true)]
async fn every_call_is_refused_once() {
    with_every_call_struck_once_by(Mishap::Refused).await;
}

#[tokio::test(start_paused = true)]
async fn the_process_dies_after_every_call_once() {
    with_every_call_struck_once_by(Mishap::Death).await;
}

/// Whatever is done at whatever moment of a create.
#[tokio::test(start_paused = true)]
async fn a_create_may_be_interrupted_at_every_call() {
    let mut failed = Failed::default();
    for story in endings::interrupted() {
        for call in 1..=40 {
            let mut story = story.clone();
            if let Some((at, _)) = &mut story.interruption {
                *at = call;
            }
            let told = story.told(Plan::none()).await;
            failed.note(&story, &format!("at call {call}"), told);
        }
    }
    failed.none_of();
}

/// Two mishaps at places drawn by lot, the same ones each time.
#[tokio::test(start_paused = true)]
async fn two_mishaps_in_one_story_do_no_more_harm_than_one() {
    let mut lot = Lot(20_260_301);
    let mut failed = Failed::default();
    for story in stories::all() {
        let calls = story.told(Plan::none()).await.expect("every story ends well without mishaps");
        for _ in 0..TWICE_STRUCK {
            let strikes = [0; 2].map(|_| (lot.below(calls + 10) + 1, lot.mishap()));
            let told = story.told(Plan::of(strikes)).await;
            failed.note(&story, &format!("with {strikes:?}"), told);
        }
    }
    failed.none_of();
}

/// A write that had its effect is not taken for one that had none: nothing has to be made anew.
#[tokio::test(start_paused = true)]
async fn a_credential_whose_storing_was_not_answered_is_not_made_anew() {
    for story in stories::all().iter().filter(|story| story.spared == 0).take(4) {
        let calls = story.told(Plan::none()).await.expect("every story ends well without mishaps");
        for call in 1..=calls {
            let operator =
                story.at_rest(Plan::at(call, Mishap::AnswerLost)).await.expect("it rests");
            let state = operator.world.state();
            let struck = state.log.iter().find(|line| line.mishap.is_some());
            let create = struck.is_some_and(|line| line.what == "create a client");
            assert_eq!(state.tenant.regenerates, u32::from(create), "{struck:?}");
        }
    }
}

/// An interruption and a mishap, both drawn by lot.
#[tokio::test(start_paused = true)]
async fn an_interrupted_create_survives_a_mishap() {
    let mut lot = Lot(7);
    let mut failed = Failed::default();
    for story in endings::interrupted() {
        for _ in 0..INTERRUPTED_AND_STRUCK {
            let mut story = story.clone();
            if let Some((at, _)) = &mut story.interruption {
                *at = lot.below(30) + 1;
            }
            let strike = (lot.below(45) + 1, lot.mishap());
            let how = format!("at call {:?} with {strike:?}", story.interruption.map(|(at, _)| at));
            let told = story.told(Plan::of([strike])).await;
            failed.note(&story, &how, told);
        }
    }
    failed.none_of();
}

const TWICE_STRUCK: usize = 12;
const INTERRUPTED_AND_STRUCK: usize = 60;

/// Numbers by lot, the same ones each time (xorshift).
struct Lot(u64);

impl Lot {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn mishap(&mut self) -> Mishap {
        let number = usize::try_from(self.below(5)).expect("it is below five");
        Mishap::ALL[number]
    }
}
