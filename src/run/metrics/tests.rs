use super::*;
use crate::api::credential::PlatformKind;

fn platform() -> PlatformKey {
    PlatformKey {
        kind: PlatformKind::Platform,
        namespace: "analytics".into(),
        name: "contact-center".into(),
    }
}

fn object() -> ObjectKey {
    ObjectKey { namespace: "analytics".into(), name: "etl".into(), uid: "u".into() }
}

/// The lines of the page without comments.
fn lines(metrics: &Metrics) -> Vec<String> {
    metrics.page(true).lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn each_thing_that_happened_is_on_the_page_under_its_name() {
    let metrics = Metrics::new();
    let second = Duration::from_secs(1);
    let at = Timestamp::from_second(1_700_000_000).unwrap();
    let cluster_wide = PlatformKey {
        kind: PlatformKind::ClusterPlatform,
        namespace: String::new(),
        name: "shared".into(),
    };
    metrics.passed(Passed::Acted, second);
    metrics.remote_calls(&platform(), "GET /api/v2/oauth/clients", "ok", 2);
    metrics.remote_calls(&platform(), "GET /api/v2/oauth/clients", "ok", 3);
    metrics.token_minted(&platform(), "granted");
    metrics.swept(&platform(), 2 * second, at);
    metrics.sweep_failed(&cluster_wide);
    metrics.orphans(&platform(), 3);
    metrics.objects(ObjectCounts { ready: 5, reconciling: 1, stalled: 2 });
    metrics.drift_detected(Field::Roles);
    metrics.drift_corrected(Field::Enabled);
    metrics.secret_repaired();
    metrics.token_published(&object(), at);
    metrics.token_late(&object(), SignedDuration::from_secs(7));
    metrics.finished(&Call {
        verb: "patch",
        resource: "serviceaccountcredentials/status",
        status: Some(200),
        took: second,
    });
    metrics.finished(&Call { verb: "get", resource: "secrets", status: None, took: second });

    let lines = lines(&metrics);
    let version = env!("CARGO_PKG_VERSION");
    for expected in [
        &*format!("keysteward_build_info{{version=\"{version}\"}} 1"),
        "keysteward_leader 1",
        "keysteward_reconcile_total{outcome=\"acted\"} 1",
        "keysteward_reconcile_duration_seconds_count{outcome=\"acted\"} 1",
        "keysteward_remote_calls_total{platform=\"analytics/contact-center\",\
         endpoint=\"GET /api/v2/oauth/clients\",outcome=\"ok\"} 5",
        "keysteward_tokens_minted_total{platform=\"analytics/contact-center\",outcome=\"granted\"} 1",
        "keysteward_sweeps_total{platform=\"analytics/contact-center\",outcome=\"succeeded\"} 1",
        "keysteward_sweeps_total{platform=\"shared\",outcome=\"failed\"} 1",
        "keysteward_sweep_duration_seconds{platform=\"analytics/contact-center\"} 2.0",
        "keysteward_sweep_last_success_timestamp_seconds{platform=\"analytics/contact-center\"} 1700000000.0",
        "keysteward_orphans{platform=\"analytics/contact-center\"} 3",
        "keysteward_objects{state=\"ready\"} 5",
        "keysteward_objects{state=\"stalled\"} 2",
        "keysteward_drift_detected_total{field=\"roles\"} 1",
        "keysteward_drift_corrected_total{field=\"enabled\"} 1",
        "keysteward_secrets_repaired_total 1",
        "keysteward_token_expiry_timestamp_seconds{namespace=\"analytics\",name=\"etl\"} 1700000000.0",
        "keysteward_token_refresh_lateness_seconds{namespace=\"analytics\",name=\"etl\"} 7.0",
        "keysteward_kubernetes_calls_total{verb=\"patch\",resource=\"serviceaccountcredentials/status\",\
         code=\"200\"} 1",
        "keysteward_kubernetes_calls_total{verb=\"get\",resource=\"secrets\",code=\"none\"} 1",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}\nin {lines:#?}");
    }
}

#[test]
fn what_is_gone_is_not_on_the_page() {
    let metrics = Metrics::new();
    let at = Timestamp::UNIX_EPOCH;
    metrics.token_published(&object(), at);
    metrics.token_late(&object(), SignedDuration::from_secs(7));
    metrics.token_late(&object(), SignedDuration::ZERO);
    assert!(!lines(&metrics).iter().any(|line| line.contains("lateness")), "no longer late");
    metrics.forget_object(&object());
    metrics.swept(&platform(), Duration::ZERO, at);
    metrics.orphans(&platform(), 1);
    metrics.forget_platform(&platform());
    let left: Vec<_> = lines(&metrics)
        .into_iter()
        .filter(|line| line.contains("analytics") && !line.starts_with("keysteward_sweeps_total"))
        .collect();
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn the_page_is_open_metrics_with_a_help_text_for_each_name() {
    let page = Metrics::new().page(false);
    assert!(page.ends_with("# EOF\n"));
    let names = page.lines().filter(|line| line.starts_with("# TYPE")).count();
    let helps = page.lines().filter(|line| line.starts_with("# HELP")).count();
    assert_eq!(names, helps);
    assert!(page.contains("keysteward_leader 0\n"), "{page}");
}
