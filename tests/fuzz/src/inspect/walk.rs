//! The independent walk: it reads one component's own sections and descends into nested ones by their byte ranges, instead of
//! following one stream of payloads and counting what is open.

use wasmparser::{Chunk, ComponentTypeRef, Parser, Payload};

/// What stands in a component, by this walk.
#[derive(Debug, Default)]
pub struct Seen {
    /// Name and kind of each import of the outermost component.
    pub imports: Vec<(String, String)>,
    /// Name and kind of each export of the outermost component.
    pub exports: Vec<(String, String)>,
    /// Core modules, at any depth.
    pub core_modules: u32,
    /// How deep components lie in each other.
    pub depth: u32,
    /// Start functions, at any depth.
    pub start_functions: u32,
    /// Functions that have a body, at any depth.
    pub functions: u64,
    /// Initial and most pages of each memory that a core module defines, in the order of their bytes.
    pub memories: Vec<(u64, Option<u64>)>,
    /// Initial and most elements of each table that a core module defines, in the order of their bytes.
    pub tables: Vec<(u64, Option<u64>)>,
}

/// Walks a component that was validated.
pub fn walk(bytes: &[u8]) -> Seen {
    let mut seen = Seen::default();
    level(bytes, 0, &mut seen);
    seen
}

fn level(bytes: &[u8], depth: u32, seen: &mut Seen) {
    let mut parser = Parser::new(0);
    let mut at = 0;
    while at < bytes.len() {
        let chunk = parser.parse(&bytes[at..], true).unwrap_or_else(|e| panic!("valid, but not to be parsed: {e}"));
        let Chunk::Parsed { consumed, payload } = chunk else { panic!("valid, but it ends too early") };
        at += consumed;
        match payload {
            Payload::ComponentSection { unchecked_range, .. } => {
                seen.depth = seen.depth.max(depth + 1);
                level(&bytes[unchecked_range.clone()], depth + 1, seen);
                at = unchecked_range.end;
            }
            Payload::ModuleSection { unchecked_range, .. } => {
                seen.core_modules += 1;
                level(&bytes[unchecked_range.clone()], depth, seen);
                at = unchecked_range.end;
            }
            Payload::End(_) => return,
            other => section(&other, depth, seen),
        }
    }
}

fn section(payload: &Payload<'_>, depth: u32, seen: &mut Seen) {
    let broken = |e: wasmparser::BinaryReaderError| -> ! { panic!("valid, but not to be read: {e}") };
    match payload {
        Payload::ComponentImportSection(section) if depth == 0 => {
            for import in section.clone() {
                let import = import.unwrap_or_else(|e| broken(e));
                seen.imports.push((import.name.name.to_owned(), kind(&import.ty).to_owned()));
            }
        }
        Payload::ComponentExportSection(section) if depth == 0 => {
            for export in section.clone() {
                let export = export.unwrap_or_else(|e| broken(e));
                seen.exports.push((export.name.name.to_owned(), format!("{:?}", export.kind).to_lowercase()));
            }
        }
        Payload::MemorySection(section) => {
            let memories = section.clone().into_iter().map(|memory| memory.unwrap_or_else(|e| broken(e)));
            seen.memories.extend(memories.map(|memory| (memory.initial, memory.maximum)));
        }
        Payload::TableSection(section) => {
            let tables = section.clone().into_iter().map(|table| table.unwrap_or_else(|e| broken(e)).ty);
            seen.tables.extend(tables.map(|table| (table.initial, table.maximum)));
        }
        Payload::CodeSectionEntry(_) => seen.functions += 1,
        Payload::StartSection { .. } | Payload::ComponentStartSection { .. } => seen.start_functions += 1,
        _ => {}
    }
}

fn kind(ty: &ComponentTypeRef) -> &'static str {
    match ty {
        ComponentTypeRef::Module(_) => "module",
        ComponentTypeRef::Func(_) => "func",
        ComponentTypeRef::Value(_) => "value",
        ComponentTypeRef::Type(_) => "type",
        ComponentTypeRef::Instance(_) => "instance",
        ComponentTypeRef::Component(_) => "component",
    }
}
