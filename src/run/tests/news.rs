//! Whether what a watch shows of a Secret is news to the object, or its own doing.

use rstest::rstest;

use crate::run::memory::Left;
use crate::run::secrets::Name;

fn secret(name: &str) -> Name {
    ("team-a".into(), name.into())
}

fn left(secrets: &[(&str, &str)]) -> Left {
    let secrets = secrets.iter().map(|(name, version)| (secret(name), (*version).to_owned()));
    Left { secrets: secrets.collect(), ..Left::default() }
}

#[rstest]
#[case::the_version_that_was_written("token", Some("20"), false)]
#[case::an_older_one("token", Some("9"), false)]
#[case::a_newer_one("token", Some("21"), true)]
#[case::longer_is_newer("token", Some("100"), true)]
#[case::no_number("token", Some("x21"), true)]
#[case::deleted("token", None, true)]
#[case::an_unknown_one_that_is_gone("reservation", None, false)]
#[case::an_unknown_one_from_before_the_pass_ended("reservation", Some("29"), false)]
#[case::an_unknown_one_from_after("reservation", Some("31"), true)]
fn only_what_came_after_the_pass_is_news(
    #[case] name: &str,
    #[case] version: Option<&str>,
    #[case] news: bool,
) {
    let left = left(&[("token", "20"), ("credential", "30")]);
    assert_eq!(left.is_news(&secret(name), version), news);
}

#[test]
fn to_a_pass_that_left_no_secret_every_one_is_news() {
    let left = left(&[]);
    assert!(left.is_news(&secret("token"), Some("1")));
    assert!(!left.is_news(&secret("token"), None));
}
