//! `templates/rbac.yaml`: the table of rights with Helm's scaffolding around it.

use std::fmt::Write;

use keysteward::kubernetes::rbac::{Names, RULES, Scope};

const HEAD: &str = "\
{{- /* Made from src/kubernetes/rbac.rs by `UPDATE_CHART=1 cargo test --test chart`. Change it there. */}}
{{- if .Values.rbac.create }}
{{- $name := include \"keysteward.fullname\" . }}
{{- $labels := include \"keysteward.labels\" . }}
{{- $account := include \"keysteward.serviceAccountName\" . }}
";

/// The whole file.
pub(crate) fn text() -> String {
    let mut text = HEAD.to_owned();
    text.push_str(&role("ClusterRole", "{{ $name | quote }}", None));
    text.push_str(&rules(Scope::Cluster));
    text.push_str("{{- if not .Values.watchNamespaces }}\n");
    text.push_str(&rules(Scope::Served));
    text.push_str("{{- end }}\n");
    text.push_str(&binding("ClusterRole", "{{ $name | quote }}", None));

    text.push_str(&role("Role", "{{ $name | quote }}", Some("{{ .Release.Namespace | quote }}")));
    text.push_str(&rules(Scope::Own));
    text.push_str(&binding(
        "Role",
        "{{ $name | quote }}",
        Some("{{ .Release.Namespace | quote }}"),
    ));

    text.push_str("{{- range $namespace := .Values.watchNamespaces }}\n");
    text.push_str(&role(
        "Role",
        "{{ printf \"%s-served\" $name | quote }}",
        Some("{{ $namespace | quote }}"),
    ));
    text.push_str(&rules(Scope::Served));
    text.push_str(&binding(
        "Role",
        "{{ printf \"%s-served\" $name | quote }}",
        Some("{{ $namespace | quote }}"),
    ));
    text.push_str("{{- end }}\n");

    text.push_str("{{- if .Values.watchNamespaces }}\n");
    text.push_str(&role("Role", "{{ printf \"%s-events\" $name | quote }}", Some("default")));
    text.push_str(&rules(Scope::Default));
    text.push_str(&binding("Role", "{{ printf \"%s-events\" $name | quote }}", Some("default")));
    text.push_str("{{- end }}\n{{- end }}\n");
    text
}

fn head(kind: &str, name: &str, namespace: Option<&str>) -> String {
    let namespace = namespace.map(|it| format!("\n  namespace: {it}")).unwrap_or_default();
    format!(
        "---
apiVersion: rbac.authorization.k8s.io/v1
kind: {kind}
metadata:
  name: {name}{namespace}
  labels:
    {{{{- $labels | nindent 4 }}}}
"
    )
}

fn role(kind: &str, name: &str, namespace: Option<&str>) -> String {
    head(kind, name, namespace) + "rules:\n"
}

fn binding(role: &str, name: &str, namespace: Option<&str>) -> String {
    head(&format!("{role}Binding"), name, namespace)
        + &format!(
            "roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {role}
  name: {name}
subjects:
- kind: ServiceAccount
  name: {{{{ $account | quote }}}}
  namespace: {{{{ $.Release.Namespace | quote }}}}
"
        )
}

fn rules(scope: Scope) -> String {
    let mut text = String::new();
    for rule in RULES.iter().filter(|rule| rule.scope == scope) {
        let list = |words: &[&str]| {
            let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
            format!("[{}]", quoted.join(", "))
        };
        writeln!(text, "# To {}.", rule.why).expect("a string takes everything");
        writeln!(text, "- apiGroups: [{:?}]", rule.group).expect("a string takes everything");
        writeln!(text, "  resources: {}", list(rule.resources)).expect("a string takes everything");
        let name = match rule.names {
            Names::All => None,
            Names::Only(name) => Some(format!("{name:?}")),
            // The chart names the Lease after the release, as the deployment's argument does.
            Names::Lease => Some("{{ $name | quote }}".to_owned()),
        };
        if let Some(name) = name {
            writeln!(text, "  resourceNames: [{name}]").expect("a string takes everything");
        }
        writeln!(text, "  verbs: {}", list(rule.verbs)).expect("a string takes everything");
    }
    text
}
