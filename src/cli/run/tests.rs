use clap::Parser;

use super::*;
use crate::run::controller::scopes;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    run: RunArguments,
}

fn options(arguments: &[&str]) -> Options {
    let line = [&["keysteward"], arguments].concat();
    let settings = Settings { owner: "owner".into(), operator_namespace: "keysteward".into() };
    Line::try_parse_from(line).unwrap().run.options(settings).unwrap()
}

#[test]
fn a_namespace_that_is_named_twice_is_watched_once() {
    let options = options(&["--namespaces", "team-b,team-a,,team-b", "--namespaces", "team-a"]);
    assert_eq!(options.namespaces, ["team-a", "team-b"]);
    let (watched, queues) = scopes(&options.namespaces);
    assert_eq!((watched.len(), queues.len()), (2, 2));
}

#[rstest::rstest]
#[case::unset(&[], 16)]
#[case::as_it_says(&["--concurrency", "3"], 3)]
#[case::at_least_one(&["--concurrency", "0"], 1)]
fn so_many_objects_of_one_platform_are_worked_on_at_once(
    #[case] arguments: &[&str],
    #[case] slots: u16,
) {
    assert_eq!(options(arguments).concurrency, slots);
}
