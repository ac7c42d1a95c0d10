//! One walk over the sections of a component that was validated.
//!
//! Invariant: only the outermost component's imports and exports are taken. Those of nested components are met by the
//! component around them, which can give them no more than it has.

use std::collections::BTreeSet;

use portcullis_model::{audit::plain, id::Digest};
use wasmparser::{
    BinaryReaderError, ComponentExternalKind, CustomSectionReader, Encoding, KnownCustom, Parser, Payload, types::Types,
};

use super::{
    CustomSection, Extent, Extern, FEATURES, InspectError, Inspection, MAX_FUNCTIONS, Producer, dependencies,
    languages::Languages, types::Functions, urls::Links,
};

const MAX_PRODUCERS: usize = 50;
const MAX_CUSTOM: usize = 200;

/// What the walk gathers.
struct Walk<'a> {
    found: Inspection,
    functions: Functions<'a>,
    exported: Functions<'a>,
    links: Links,
    languages: Languages,
    dependencies: dependencies::Finder,
}

pub(super) fn walk(bytes: &[u8], types: &Types) -> Result<Inspection, InspectError> {
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    let mut walk = Walk {
        found: Inspection { digest: Digest::of(bytes), size: bytes.len(), ..Inspection::empty() },
        functions: Functions::new(types.as_ref()),
        exported: Functions::new(types.as_ref()),
        links: Links::default(),
        languages: Languages::new()?,
        dependencies: dependencies::Finder::new()?,
    };
    let mut open: Vec<Encoding> = Vec::new();
    for payload in parser.parse_all(bytes) {
        let payload = payload.map_err(InspectError::invalid)?;
        match &payload {
            // The validator takes one that is cut off between two of its own sections; the engine does not.
            Payload::ModuleSection { unchecked_range: range, .. }
            | Payload::ComponentSection { unchecked_range: range, .. }
                if range.end > bytes.len() =>
            {
                return Err(InspectError::cut_off(range.start));
            }
            Payload::Version { encoding, .. } => {
                open.push(*encoding);
                let components = open.iter().filter(|one| **one == Encoding::Component).count();
                let depth = u32::try_from(components.saturating_sub(1)).unwrap_or(u32::MAX);
                walk.found.depth = walk.found.depth.max(depth);
                walk.found.core_modules += u32::from(*encoding == Encoding::Module);
            }
            Payload::CodeSectionStart { count, .. } => {
                walk.found.functions += u64::from(*count);
                if walk.found.functions > MAX_FUNCTIONS {
                    return Err(InspectError::TooManyFunctions(walk.found.functions));
                }
            }
            Payload::End(_) => drop(open.pop()),
            Payload::ComponentImportSection(_) | Payload::ComponentExportSection(_) if open.len() > 1 => {}
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    let import = import.map_err(InspectError::invalid)?;
                    let functions = walk.functions.of_import(import.name.name)?;
                    walk.found.imports.push(item(import.name.name, import.ty.kind(), functions));
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    let export = export.map_err(InspectError::invalid)?;
                    let functions = walk.exported.of_export(export.name.name)?;
                    walk.found.exports.push(item(export.name.name, export.kind, functions));
                }
            }
            other => walk.take(other).map_err(InspectError::invalid)?,
        }
    }
    Ok(walk.finish())
}

impl Walk<'_> {
    fn take(&mut self, payload: &Payload<'_>) -> Result<(), BinaryReaderError> {
        let found = &mut self.found;
        match payload {
            Payload::MemorySection(section) => {
                for memory in section.clone() {
                    let memory = memory?;
                    found.memories.push(Extent { initial: memory.initial, maximum: memory.maximum });
                }
            }
            Payload::TableSection(section) => {
                for table in section.clone() {
                    let ty = table?.ty;
                    found.tables.push(Extent { initial: ty.initial, maximum: ty.maximum });
                }
            }
            Payload::StartSection { .. } | Payload::ComponentStartSection { .. } => found.start_functions += 1,
            Payload::DataSection(section) => {
                for data in section.clone() {
                    let data = data?.data;
                    found.data_bytes += data.len() as u64;
                    self.links.collect(data);
                    self.languages.look(data);
                    self.dependencies.look(data);
                }
            }
            Payload::CustomSection(section) => {
                custom(found, section);
                self.dependencies.section(section.name(), section.data());
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Inspection {
        let mut found = self.found;
        found.producers.sort();
        found.producers.dedup();
        found.languages = self.languages.finish(&found.producers);
        (found.dependencies, found.dependency_notes) = self.dependencies.finish();
        (found.urls, found.hosts) = (self.links.urls, self.links.hosts.into_iter().collect());
        let names = found.imports.iter().chain(&found.exports);
        let packages: BTreeSet<String> = names.filter_map(|one| package(&one.name)).collect();
        found.packages = packages.into_iter().collect();
        found
    }
}

fn item(name: &str, kind: ComponentExternalKind, functions: Vec<String>) -> Extern {
    Extern { name: name.to_owned(), kind: kind.desc(), functions }
}

/// The WIT package that an interface is of, with its version: `wasi:io@0.2.6` of `wasi:io/poll@0.2.6`.
fn package(name: &str) -> Option<String> {
    let (package, interface) = name.split_once('/').filter(|(package, _)| package.contains(':'))?;
    let version = interface.split_once('@').map(|(_, version)| format!("@{version}"));
    Some(format!("{package}{}", version.unwrap_or_default()))
}

/// Custom sections are not validated: one that cannot be read is left out.
fn custom(found: &mut Inspection, section: &CustomSectionReader<'_>) {
    if found.custom_sections.len() < MAX_CUSTOM {
        found.custom_sections.push(CustomSection { name: plain(section.name()), size: section.data().len() });
    }
    let KnownCustom::Producers(fields) = section.as_known() else { return };
    for field in fields.into_iter().map_while(Result::ok) {
        for value in field.values.into_iter().map_while(Result::ok) {
            if found.producers.len() >= MAX_PRODUCERS {
                return;
            }
            let tool = plain(format!("{} {}", value.name, value.version).trim());
            found.producers.push(Producer { role: field.name.to_owned(), tool });
        }
    }
}
