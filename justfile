# Short names for the real commands; `just` alone lists them. None of them is needed: each is one line that works without.

default:
    @just --list --unsorted

# Everything that CI runs.
check:
    .ci/run

# The quick part of it, while writing.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Rewrite what is made from the code: crds/, and the chart's definitions and roles.
generate:
    UPDATE_CRDS=1 cargo test --test crds
    UPDATE_CHART=1 cargo test --test chart

# All tests; those whose programs are missing are skipped with a line.
test *arguments:
    cargo test --workspace {{ arguments }}

# Speed and size against a real API server; SCALE_OBJECTS and SCALE_SECRETS say how many.
bench:
    cargo bench --bench scale

# A real API server, a simulated tenant, the operator, and the story.
quickstart *arguments:
    cargo run --release --example quickstart -- {{ arguments }}

# Find or build etcd, kube-apiserver, helm and kubeconform.
tools:
    cargo run -p keysteward-testbed -- tools

# What .ci/run leaves out of cargo-deny: needs the advisory database.
advisories:
    cargo deny check advisories
