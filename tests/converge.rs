//! The operator's core against a world in memory: whatever answer is lost and wherever the process dies, it ends with
//! one account, one credential, and that credential in the Secret.

#[path = "converge/deeds.rs"]
mod deeds;
#[path = "converge/etcd.rs"]
mod etcd;
#[path = "converge/faults.rs"]
mod faults;
#[path = "converge/operator.rs"]
mod operator;
#[path = "converge/seams.rs"]
mod seams;
#[path = "converge/stories.rs"]
mod stories;
#[path = "converge/story.rs"]
mod story;
#[path = "converge/tenant.rs"]
mod tenant;
#[path = "converge/world.rs"]
mod world;

use faults::{Mishap, Plan};

#[tokio::test(start_paused = true)]
async fn every_story_ends_well() {
    let mut failed = Vec::new();
    for story in stories::all() {
        if let Err(why) = story.told(Plan::none()).await {
            failed.push(format!("### {}\n{why}", story.name));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

async fn with_every_call_struck_once_by(mishap: Mishap) {
    let mut failed = Vec::new();
    let mut told = 0;
    for story in stories::all() {
        let Ok(calls) = story.told(Plan::none()).await else { continue };
        for call in 1..=calls {
            told += 1;
            if let Err(why) = story.told(Plan::at(call, mishap)).await {
                failed.push(format!("### {}, {mishap:?} at call {call}\n{why}", story.name));
            }
        }
    }
    println!("{told} tellings struck by {mishap:?}");
    let first: Vec<String> = failed.iter().take(400).cloned().collect();
    assert!(failed.is_empty(), "{} of {told} tellings failed\n{}", failed.len(), first.join("\n\n"));
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
