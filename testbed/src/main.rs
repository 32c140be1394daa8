//! In: `tools` or `control-plane`. Out: the programs that tests need, or a control plane to play
//! with until Ctrl-C.
//! stdout is data, one JSON object a line; stderr is talk.
#![expect(clippy::print_stdout, reason = "the output of the program")]

use std::env;
use std::process::ExitCode;

use anyhow::{Result, bail};
use keysteward_testbed::{ControlPlane, Tool};
use serde_json::json;

const USAGE: &str = "usage: keysteward-testbed tools | control-plane
  tools          find or build every program, print their paths
  control-plane  start etcd and kube-apiserver, print KUBECONFIG, stay until Ctrl-C";

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tools"] => {
            for tool in Tool::ALL {
                let path = tokio::task::spawn_blocking(move || tool.obtain()).await??;
                println!(
                    "{}",
                    json!({"tool": tool.name(), "version": tool.version(), "path": path})
                );
            }
        }
        ["control-plane"] => {
            let control_plane = ControlPlane::start().await?;
            println!(
                "{}",
                json!({
                    "KUBECONFIG": control_plane.admin_kubeconfig(),
                    "url": control_plane.url(),
                    "apiserver_pid": control_plane.apiserver_pid().await,
                    "etcd_pid": control_plane.etcd_pid(),
                })
            );
            tokio::signal::ctrl_c().await?;
        }
        ["--help" | "-h"] => println!("{USAGE}"),
        _ => bail!(USAGE),
    }
    Ok(ExitCode::SUCCESS)
}
