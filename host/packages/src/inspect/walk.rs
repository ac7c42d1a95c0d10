//! One walk over the sections of a component that was validated.
//!
//! Invariant: only the outermost component's imports and exports are taken. Those of nested components are met by the
//! component around them, which can give them no more than it has.

use portcullis_model::audit::plain;
use wasmparser::{
    BinaryReaderError, ComponentExternalKind, CustomSectionReader, Encoding, KnownCustom, Parser, Payload,
};

use super::{Extent, Extern, FEATURES, InspectError, Inspection, MAX_FUNCTIONS, Producer, urls};

const MAX_PRODUCERS: usize = 50;

pub(super) fn walk(bytes: &[u8]) -> Result<Inspection, InspectError> {
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    let mut found = Inspection { size: bytes.len(), ..Inspection::default() };
    let (mut open, mut functions): (Vec<Encoding>, u64) = (Vec::new(), 0);
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
                found.depth = found.depth.max(u32::try_from(components.saturating_sub(1)).unwrap_or(u32::MAX));
                found.core_modules += u32::from(*encoding == Encoding::Module);
            }
            Payload::CodeSectionStart { count, .. } => {
                functions += u64::from(*count);
                if functions > MAX_FUNCTIONS {
                    return Err(InspectError::TooManyFunctions(functions));
                }
            }
            Payload::End(_) => drop(open.pop()),
            Payload::ComponentImportSection(_) | Payload::ComponentExportSection(_) if open.len() > 1 => {}
            other => take(&mut found, other).map_err(InspectError::invalid)?,
        }
    }
    found.producers.sort();
    found.producers.dedup();
    Ok(found)
}

fn take(found: &mut Inspection, payload: &Payload<'_>) -> Result<(), BinaryReaderError> {
    match payload {
        Payload::ComponentImportSection(section) => {
            for import in section.clone() {
                let import = import?;
                found.imports.push(item(import.name.name, import.ty.kind()));
            }
        }
        Payload::ComponentExportSection(section) => {
            for export in section.clone() {
                let export = export?;
                found.exports.push(item(export.name.name, export.kind));
            }
        }
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
                urls::collect(data?.data, &mut found.urls);
            }
        }
        Payload::CustomSection(section) => producers(found, section),
        _ => {}
    }
    Ok(())
}

fn item(name: &str, kind: ComponentExternalKind) -> Extern {
    Extern { name: name.to_owned(), kind: kind.desc() }
}

/// Custom sections are not validated: one that cannot be read is left out.
fn producers(found: &mut Inspection, section: &CustomSectionReader<'_>) {
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
