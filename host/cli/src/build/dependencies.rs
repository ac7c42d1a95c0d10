//! What a plugin is made of, written into its component in the form of cargo-auditable: the section `.dep-v0`.
//!
//! Invariants: the same packages give the same bytes, wherever they were built; no path of this machine is in them. Cargo resolves a
//! workspace as one, so that a package may be listed that this plugin does not need with the features that it was built with; none
//! that it needs is left out, but the standard library's own.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context, Result, bail};
use auditable_serde::{DependencyKind, Package, Source, VersionInfo};
use portcullis_packages::inspect::dependencies::{SECTION, compressed};
use serde::Deserialize;
use wasmparser::{Parser, Payload};

use super::Toolchain;

/// What `cargo metadata` says, as far as it matters.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Listed>,
    resolve: Option<Resolve>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    name: String,
    version: String,
    source: Option<String>,
    targets: Vec<Target>,
    manifest_path: std::path::PathBuf,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

/// Lists the plugin's dependencies and appends them to its component; nothing where it has such a list already.
pub(super) fn embed(component: &mut Vec<u8>, manifest: &Path, toolchain: &Toolchain) -> Result<()> {
    if is_listed(component) {
        return Ok(());
    }
    let output = toolchain.metadata(manifest).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo cannot list what {} depends on: {}", manifest.display(), String::from_utf8_lossy(&output.stderr));
    }
    let metadata = serde_json::from_slice(&output.stdout).context("what cargo says about dependencies")?;
    let info = listed(&metadata, &manifest.canonicalize()?)?;
    append(component, &compressed(&info)?);
    Ok(())
}

fn is_listed(component: &[u8]) -> bool {
    let mut payloads = Parser::new(0).parse_all(component).map_while(Result::ok);
    payloads.any(|one| matches!(one, Payload::CustomSection(section) if section.name() == SECTION))
}

/// A custom section behind all others: its id, its length, its name, its content.
fn append(component: &mut Vec<u8>, content: &[u8]) {
    let mut section = Vec::new();
    leb128(&mut section, SECTION.len());
    section.extend(SECTION.as_bytes());
    section.extend(content);
    component.push(0);
    leb128(component, section.len());
    component.extend(section);
}

fn leb128(into: &mut Vec<u8>, mut number: usize) {
    while number > 0x7f {
        into.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

/// The graph below the package with this manifest, without what only its tests and examples need.
fn listed(metadata: &Metadata, manifest: &Path) -> Result<VersionInfo> {
    let packages: BTreeMap<&str, &Listed> = metadata.packages.iter().map(|one| (one.id.as_str(), one)).collect();
    let nodes = &metadata.resolve.as_ref().context("cargo resolved nothing")?.nodes;
    let nodes: BTreeMap<&str, &Node> = nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let is_root = |one: &&Listed| one.manifest_path.canonicalize().is_ok_and(|path| path == manifest);
    let root = metadata.packages.iter().find(is_root).context("cargo does not list the plugin's own package")?;
    // What a macro needs runs when the plugin is built, and never in it.
    let runs = |id: &&str| packages.get(id).is_some_and(|one| !one.is_macro());
    let runtime = reached(&root.id, |id| edges(&nodes, id, &[None]).filter(runs).collect());
    let all = reached(&root.id, |id| edges(&nodes, id, &[None, Some("build")]).collect());
    let mut order: Vec<&Listed> = all.iter().filter_map(|id| packages.get(id).copied()).collect();
    order.sort_by(|a, b| a.sorted_by().cmp(&b.sorted_by()));
    let places: BTreeMap<&str, usize> = order.iter().enumerate().map(|(place, one)| (one.id.as_str(), place)).collect();
    let package = |one: &&Listed| -> Result<Package> {
        let mut dependencies: Vec<usize> =
            edges(&nodes, &one.id, &[None, Some("build")]).filter_map(|id| places.get(id).copied()).collect();
        dependencies.sort_unstable();
        dependencies.dedup();
        Ok(Package {
            name: one.name.clone(),
            version: one.version.parse().with_context(|| format!("the version of {}", one.name))?,
            source: one.source(),
            kind: if runtime.contains(one.id.as_str()) { DependencyKind::Runtime } else { DependencyKind::Build },
            dependencies,
            root: one.id == root.id,
        })
    };
    let packages = order.iter().map(package).collect::<Result<_>>()?;
    Ok(VersionInfo { packages, format: 1 })
}

fn edges<'a>(nodes: &BTreeMap<&str, &'a Node>, id: &str, kinds: &[Option<&str>]) -> impl Iterator<Item = &'a str> {
    let wanted: Vec<Option<String>> = kinds.iter().map(|kind| kind.map(str::to_owned)).collect();
    let deps = nodes.get(id).map_or(&[][..], |node| node.deps.as_slice());
    deps.iter()
        .filter(move |edge| edge.dep_kinds.iter().any(|one| wanted.contains(&one.kind)))
        .map(|edge| edge.pkg.as_str())
}

fn reached<'a>(from: &'a str, next: impl Fn(&str) -> Vec<&'a str>) -> BTreeSet<&'a str> {
    let (mut seen, mut open) = (BTreeSet::from([from]), vec![from]);
    while let Some(id) = open.pop() {
        open.extend(next(id).into_iter().filter(|id| seen.insert(*id)));
    }
    seen
}

impl Listed {
    fn is_macro(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "proc-macro"))
    }

    fn sorted_by(&self) -> (&str, &str, String) {
        (&self.name, &self.version, String::from(self.source()))
    }

    fn source(&self) -> Source {
        match self.source.as_deref() {
            None => Source::Local,
            Some(
                "registry+https://github.com/rust-lang/crates.io-index"
                | "registry+sparse+https://index.crates.io/"
                | "sparse+https://index.crates.io/",
            ) => Source::CratesIo,
            Some(git) if git.starts_with("git+") => Source::Git,
            Some(_) => Source::Registry,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, source: Option<&str>, kind: &str) -> serde_json::Value {
        json!({ "id": name, "name": name, "version": "1.0.0", "source": source, "targets": [{ "kind": [kind] }],
                "manifest_path": format!("/nowhere/{name}/Cargo.toml") })
    }

    fn node(id: &str, deps: &[(&str, Option<&str>)]) -> serde_json::Value {
        let deps: Vec<_> =
            deps.iter().map(|(pkg, kind)| json!({ "pkg": pkg, "dep_kinds": [{ "kind": kind }] })).collect();
        json!({ "id": id, "deps": deps })
    }

    #[test]
    fn tells_what_runs_from_what_builds_and_leaves_out_what_tests() {
        let (index, git) =
            (Some("registry+https://github.com/rust-lang/crates.io-index"), Some("git+https://a.test/x#1"));
        let dir = tempfile::tempdir().unwrap();
        let manifest = dir.path().join("Cargo.toml");
        std::fs::write(&manifest, "").unwrap();
        let mut root = package("plugin", None, "cdylib");
        root["manifest_path"] = json!(manifest);
        let metadata = json!({
            "packages": [
                root, package("serde", index, "lib"), package("derive", index, "proc-macro"), package("syn", index, "lib"),
                package("cc", git, "lib"), package("proptest", index, "lib"), package("stranger", index, "lib"),
                package("both", Some("registry+https://other.test/index"), "lib"),
            ],
            "resolve": { "nodes": [
                node("plugin", &[("serde", None), ("cc", Some("build")), ("proptest", Some("dev"))]),
                node("serde", &[("derive", None), ("both", None)]),
                node("derive", &[("syn", None), ("both", None)]),
                node("syn", &[]), node("cc", &[]), node("both", &[]), node("proptest", &[]), node("stranger", &[]),
            ] }
        });
        let metadata: Metadata = serde_json::from_value(metadata).unwrap();
        let info = listed(&metadata, &manifest.canonicalize().unwrap()).unwrap();
        let told: Vec<(&str, bool, String, Vec<usize>)> = info
            .packages
            .iter()
            .map(|one| {
                let build = one.kind == DependencyKind::Build;
                (one.name.as_str(), build, one.source.clone().into(), one.dependencies.clone())
            })
            .collect();
        assert_eq!(
            told,
            [
                ("both", false, "registry".to_owned(), vec![]),
                ("cc", true, "git".to_owned(), vec![]),
                ("derive", true, "crates.io".to_owned(), vec![0, 5]),
                ("plugin", false, "local".to_owned(), vec![1, 4]),
                ("serde", false, "crates.io".to_owned(), vec![0, 2]),
                ("syn", true, "crates.io".to_owned(), vec![]),
            ]
        );
        assert!(info.packages[3].root);
    }

    #[test]
    fn what_is_appended_is_a_section_of_the_component() {
        let mut component = b"\0asm\x0d\0\x01\0".to_vec();
        assert!(!is_listed(&component));
        append(&mut component, &[7; 300]);
        assert!(is_listed(&component));
        let found = portcullis_packages::inspect::Inspection::of(&component).unwrap();
        assert_eq!((found.custom_sections[0].name.as_str(), found.custom_sections[0].size), (".dep-v0", 300));
    }
}
