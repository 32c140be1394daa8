//! Several operators, of which one works; and what it takes to follow a cluster that changes under it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use keysteward_simulator::ClientEdit;
use serde_json::Value;

use super::harness::{Account, Plan, SOON, World};

/// The Lease's holder, as the name of its process begins.
async fn leader(world: &World, not: Option<usize>) -> usize {
    world
        .until("somebody leads", async || {
            let lease = world.get("Lease", &world.home, "keysteward").await.ok_or("no Lease")?;
            let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
            let number = holder.strip_prefix("operator-").and_then(|rest| rest.split('_').next());
            let number = number.and_then(|number| number.parse().ok());
            number.filter(|number| not != Some(*number)).ok_or_else(|| format!("{holder} leads"))
        })
        .await
}

#[tokio::test]
async fn of_two_operators_one_works_and_when_it_dies_the_other_goes_on_and_mints_nothing() {
    Plan::default()
        .operators(2)
        .short_lease()
        .run(async |world| {
            world.apply(&Account::of_a_day(world, "etl")).await;
            world.ready("etl").await;
            let id = world.client_id("etl").await;
            let first = leader(world, None).await;
            let second = 1 - first;
            assert!(world.operators[first].metric("keysteward_leader").await > 0.5);
            assert!(world.operators[second].metric("keysteward_leader").await < 0.5);
            let (status, _) = world.operators[second].page("/readyz").await;
            assert_eq!(status, 200, "a standby is ready too");
            let admin = world.simulator.admin_client().client_id;
            assert_eq!(world.tenant.client(&admin).unwrap().mints, 1, "only one has a session");

            let (mints, writes) = (world.mints(), world.remote_writes());
            world.operators[first].process.kill().unwrap();
            assert_eq!(leader(world, Some(first)).await, second);
            world.sweeps(2).await;
            assert_eq!((world.mints(), world.remote_writes()), (mints, writes));
            world.edit(&id, &ClientEdit::field("accessTokenValiditySeconds", 600));
            world
                .remote_is(&id, "corrected by the second", |c| {
                    c.access_token_validity_seconds == 86_400
                })
                .await;

            // One that is ended in peace gives the Lease up, and the next begins at once.
            world.operators[first].restart();
            world.operators[first].address().await;
            world.operators[second].process.terminate(Duration::from_secs(30)).await.unwrap();
            assert_eq!(leader(world, Some(second)).await, first);
            world.sweeps(1).await;
            assert_eq!(world.mints(), mints);
            assert_eq!(world.marked(None).len(), 1);
        })
        .await;
}

#[tokio::test]
async fn a_leader_that_hangs_is_replaced_and_ends_when_it_wakes() {
    Plan::default()
        .operators(2)
        .short_lease()
        .run(async |world| {
            world.apply(&Account::of(world, "etl")).await;
            world.ready("etl").await;
            let first = leader(world, None).await;
            world.operators[first].process.pause().unwrap();
            assert_eq!(leader(world, Some(first)).await, 1 - first);
            let (mints, writes) = (world.mints(), world.remote_writes());
            world.operators[first].process.resume().unwrap();
            // Its Deployment starts it again; until then it must not work beside the other.
            world.operators[first].process.ended(SOON).await.unwrap();
            assert_eq!((world.mints(), world.remote_writes()), (mints, writes));
        })
        .await;
}

#[tokio::test]
async fn a_rotated_token_of_the_service_account_is_read_again() {
    Plan::default()
        .run(async |world| {
            world.apply(&Account::of(world, "one")).await;
            world.ready("one").await;
            let file = world.operators[0].access.token_file().to_owned();
            let good = fs::read_to_string(&file).unwrap();
            world.canary("the first token of the ServiceAccount", good.trim());
            let write = |text: &str| {
                let partial = file.with_extension("new");
                fs::write(&partial, text).unwrap();
                fs::set_permissions(&partial, fs::Permissions::from_mode(0o600)).unwrap();
                fs::rename(&partial, &file).unwrap();
            };
            // With a token that is none every write is refused: so it does read the file.
            write("canary.of.nothing");
            world.operators[0]
                .process
                .wait_for_output("nauthorized", Duration::from_secs(90))
                .await
                .unwrap();
            let access = world.operators[0].access.clone();
            world.server.renew_token(&access).await.unwrap();
            world.apply(&Account::of(world, "two")).await;
            world.ready("two").await;
            world.ready("one").await;
        })
        .await;
}

#[tokio::test]
async fn it_says_that_it_lives_and_is_ready_and_writes_json() {
    Plan::default()
        .run(async |world| {
            world.apply(&Account::of(world, "etl")).await;
            world.ready("etl").await;
            let operator = world.operator();
            assert_eq!(operator.page("/livez").await.0, 200);
            assert_eq!(operator.page("/readyz").await.0, 200);
            assert_eq!(operator.page("/").await.0, 404);
            assert!(operator.metric("keysteward_tokens_minted_total").await >= 1.0);
            for line in operator.process.output().unwrap().lines() {
                let line: Value =
                    serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
            }
            let ended = operator.process.terminate(Duration::from_secs(20)).await.unwrap();
            assert!(ended.success(), "{ended}");
        })
        .await;
}
