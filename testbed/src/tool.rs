//! In: the name of a program that tests need. Out: where it lies on this machine.
//! A program is found before it is built, and built from pinned sources only: nothing is ever
//! downloaded ready-made.

mod build;
pub(crate) use build::{program_on_path, say};
mod cache;

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use thiserror::Error;

/// A program that is found on this machine or built with Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tool {
    /// The store behind the API server.
    Etcd,
    /// The Kubernetes API server.
    KubeApiserver,
    /// Renders and lints charts.
    Helm,
    /// Holds manifests against schemas.
    Kubeconform,
}

/// Why a tool cannot be had.
#[derive(Debug, Error)]
pub enum ToolError {
    /// It lies nowhere, and this machine has no Go to build it with.
    #[error(
        "{tool} is neither in KUBEBUILDER_ASSETS nor in {}, and there is no go on the PATH to build it: \
         install Go 1.26 or later, or set KUBEBUILDER_ASSETS",
        cache.display()
    )]
    Missing {
        /// The tool that was looked for.
        tool: Tool,
        /// The directory where an earlier build would lie.
        cache: PathBuf,
    },
    /// The cache directory cannot be named, read or written.
    #[error("could not use the cache {} for {tool}: set KEYSTEWARD_CACHE to a writable directory", path.display())]
    Cache {
        /// The tool that was to be kept there.
        tool: Tool,
        /// The file or directory at fault.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// There is neither a cache directory nor a home to put one in.
    #[error("could not choose a cache directory: set KEYSTEWARD_CACHE or HOME")]
    NoCache,
    /// Go ran and failed.
    #[error("go could not build {tool} {version}, it ended with {status}:\n{output}")]
    Build {
        /// The tool that was being built.
        tool: Tool,
        /// Its pinned version.
        version: &'static str,
        /// How `go build` ended.
        status: std::process::ExitStatus,
        /// The last lines that `go build` wrote.
        output: String,
    },
}

impl ToolError {
    /// True when the tool is absent for want of Go, which a laptop may lack.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }
}

/// A Go module whose `go.mod` and `go.sum` pin what is built.
struct Module {
    go_mod: &'static str,
    go_sum: &'static str,
}

static CONTROL_PLANE: Module = Module {
    go_mod: include_str!("../tools/control-plane/go.mod"),
    go_sum: include_str!("../tools/control-plane/go.sum"),
};

static CHART: Module = Module {
    go_mod: include_str!("../tools/chart/go.mod"),
    go_sum: include_str!("../tools/chart/go.sum"),
};

// === impl Tool ===

impl Tool {
    /// Every tool, in the order in which they are built.
    pub const ALL: [Self; 4] = [Self::Etcd, Self::KubeApiserver, Self::Helm, Self::Kubeconform];

    /// The file name of the program.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::Helm => "helm",
            Self::Kubeconform => "kubeconform",
        }
    }

    /// The version that the module pins, such as `v1.36.3`.
    pub fn version(self) -> &'static str {
        let path = self.go_module();
        self.module()
            .go_mod
            .lines()
            .filter_map(|line| line.trim().strip_prefix(path)?.strip_prefix(' '))
            .find_map(|rest| rest.split_whitespace().next().filter(|word| word.starts_with('v')))
            .expect("go.mod requires the module of every tool, and a test reads each")
    }

    /// The path of the program: found, or built, which takes minutes and tells its progress on
    /// stderr; blocks the thread.
    pub fn obtain(self) -> Result<PathBuf, ToolError> {
        if let Some(found) = self.find()? {
            return Ok(found);
        }
        build::build(self)
    }

    /// The path of the program if it is already on this machine.
    pub fn find(self) -> Result<Option<PathBuf>, ToolError> {
        if let Some(assets) = env::var_os("KUBEBUILDER_ASSETS") {
            let candidate = Path::new(&assets).join(self.name());
            if candidate.is_file() {
                return Ok(Some(candidate));
            }
        }
        let candidate = self.cached()?;
        Ok(candidate.is_file().then_some(candidate))
    }

    /// Where an earlier build lies, whether or not there was one.
    pub fn cached(self) -> Result<PathBuf, ToolError> {
        Ok(self.cache_directory()?.join(self.name()))
    }

    fn cache_directory(self) -> Result<PathBuf, ToolError> {
        Ok(cache::root()?.join("tools").join(self.key()))
    }

    /// Names one build: tool, version, and a hash of everything the build reads.
    fn key(self) -> String {
        let module = self.module();
        let mut hash = Sha256::new();
        let flags = self.ldflags();
        for part in [
            module.go_mod,
            module.go_sum,
            self.package(),
            &flags,
            env::consts::OS,
            env::consts::ARCH,
        ] {
            hash.update(part.len().to_le_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        let short =
            digest.iter().take(6).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        format!("{}-{}-{short}", self.name(), self.version())
    }

    fn module(self) -> &'static Module {
        match self {
            Self::Etcd | Self::KubeApiserver => &CONTROL_PLANE,
            Self::Helm | Self::Kubeconform => &CHART,
        }
    }

    const fn go_module(self) -> &'static str {
        match self {
            Self::Etcd => "go.etcd.io/etcd/server/v3",
            Self::KubeApiserver => "k8s.io/kubernetes",
            Self::Helm => "helm.sh/helm/v3",
            Self::Kubeconform => "github.com/yannh/kubeconform",
        }
    }

    const fn package(self) -> &'static str {
        match self {
            Self::Etcd => "go.etcd.io/etcd/server/v3",
            Self::KubeApiserver => "k8s.io/kubernetes/cmd/kube-apiserver",
            Self::Helm => "helm.sh/helm/v3/cmd/helm",
            Self::Kubeconform => "github.com/yannh/kubeconform/cmd/kubeconform",
        }
    }

    fn ldflags(self) -> String {
        let version = Self::KubeApiserver.version();
        let mut numbers = version.trim_start_matches('v').split('.');
        let (major, minor) = (numbers.next().unwrap_or("0"), numbers.next().unwrap_or("0"));
        let set = match self {
            Self::Etcd | Self::Kubeconform => String::new(),
            // An unset version reports v0.0.0-master, which breaks `kubeVersion` in charts.
            Self::KubeApiserver => {
                let package = "k8s.io/component-base/version";
                format!(
                    " -X {package}.gitVersion={version} -X {package}.gitMajor={major} \
                     -X {package}.gitMinor={minor}"
                )
            }
            // Unset, helm takes every cluster that it is not connected to for v1.20.
            Self::Helm => ["chartutil", "lint/rules"]
                .map(|package| {
                    let package = format!("helm.sh/helm/v3/pkg/{package}");
                    format!(
                        " -X {package}.k8sVersionMajor={major} \
                         -X {package}.k8sVersionMinor={minor}"
                    )
                })
                .concat(),
        };
        format!("-s -w{set}")
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_a_pinned_version() {
        for tool in Tool::ALL {
            let version = tool.version();
            assert!(version.starts_with('v') && version.contains('.'), "{tool}: {version}");
        }
        assert_eq!(Tool::KubeApiserver.version(), "v1.36.3");
    }

    #[test]
    fn the_api_server_is_told_its_version() {
        assert_eq!(
            Tool::KubeApiserver.ldflags(),
            "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
             -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"
        );
    }

    #[test]
    fn each_build_has_a_place_of_its_own() {
        let keys: std::collections::BTreeSet<_> = Tool::ALL.iter().map(|tool| tool.key()).collect();
        assert_eq!(keys.len(), Tool::ALL.len());
        assert!(keys.iter().any(|key| key.starts_with("kube-apiserver-v1.36.3-")), "{keys:?}");
    }
}
