//! A builder of components as plugins have them: imports of interfaces by name, right ones and nearly right ones, core modules,
//! nested components, exports, data with URLs, and who says to have made it.

use arbitrary::{Result, Unstructured};
use wasm_encoder::{
    Component, ComponentExportKind, ComponentExportSection, ComponentImportSection, ComponentSectionId,
    ComponentTypeRef, ComponentTypeSection, CustomSection, InstanceType, ModuleSection, NestedComponentSection,
    RawSection,
};
use wasm_smith::Module;

use super::shape::config;

const NAMES: &[&str] = &[
    "portcullis:plugin/types@0.1.0",
    "portcullis:plugin/tickets@0.1.0",
    "portcullis:plugin/http@0.1.0",
    "portcullis:plugin/kv@0.1.0",
    "portcullis:plugin/events@0.1.0",
    "portcullis:plugin/http@0.1.1",
    "portcullis:plugin/http@0.1.0-rc",
    "portcullis:plugin/http@0.1.0+x",
    "portcullis:plugin/http",
    "portcullis:pluginx/http@0.1.0",
    "portcullis:plugin-x/http@0.1.0",
    "wasi:http/outgoing-handler@0.2.0",
    "wasi:cli/environment@0.2.6",
    "wasi:io/streams@0.2.3",
    "wasi:io/streams@0.3.0",
    "wasi:filesystem/preopens@0.2.0",
    "wasi:sockets/tcp@0.2.0",
    "wasi:random/random@0.2.0-rc",
    "log",
    "url=<https://x.example/a>",
    "locked-dep=<a:b/c@1.0.0>",
];

/// A component of what the bytes say.
pub fn component(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    Ok(level(u, 0)?.finish())
}

fn level(u: &mut Unstructured<'_>, depth: u32) -> Result<Component> {
    let mut component = Component::new();
    let mut instances = 0;
    for _ in 0..u.int_in_range(0..=8)? {
        match u.int_in_range(0..=6)? {
            0 | 1 => instances += import(u, &mut component)?,
            2 if instances > 0 => export(u, &mut component, instances)?,
            3 => drop(component.section(&ModuleSection(&core(u)?))),
            4 if depth < 4 => drop(component.section(&NestedComponentSection(&level(u, depth + 1)?))),
            5 => producers(u, &mut component)?,
            _ => drop(component.section(&RawSection { id: ComponentSectionId::CoreCustom.into(), data: b"\x01x" })),
        }
    }
    Ok(component)
}

fn name(u: &mut Unstructured<'_>) -> Result<String> {
    Ok(if u.ratio(1, 8)? { u.arbitrary()? } else { (*u.choose(NAMES)?).to_owned() })
}

/// An import and its type; 1 where it is an instance.
fn import(u: &mut Unstructured<'_>, component: &mut Component) -> Result<u32> {
    let mut imports = ComponentImportSection::new();
    let name = name(u)?;
    let instance = u.ratio(7, 8)?;
    match instance {
        true => {
            let mut types = ComponentTypeSection::new();
            types.instance(&InstanceType::new());
            component.section(&types);
            imports.import(name.as_str(), ComponentTypeRef::Instance(u.int_in_range(0..=3)?));
        }
        false => drop(imports.import(name.as_str(), ComponentTypeRef::Func(u.int_in_range(0..=3)?))),
    }
    component.section(&imports);
    Ok(u32::from(instance))
}

fn export(u: &mut Unstructured<'_>, component: &mut Component, instances: u32) -> Result<()> {
    let mut exports = ComponentExportSection::new();
    exports.export(name(u)?.as_str(), ComponentExportKind::Instance, u.int_in_range(0..=instances)?, None);
    component.section(&exports);
    Ok(())
}

fn core(u: &mut Unstructured<'_>) -> Result<wasm_encoder::Module> {
    let mut module = wasm_encoder::Module::new();
    if u.arbitrary()? {
        let bytes = Module::new(config(), u)?.to_bytes();
        for payload in wasmparser::Parser::new(0).parse_all(&bytes).flatten() {
            if let Some((id, range)) = payload.as_section() {
                module.section(&RawSection { id, data: &bytes[range] });
            }
        }
        return Ok(module);
    }
    let mut memories = wasm_encoder::MemorySection::new();
    let (minimum, maximum) = (u.arbitrary::<u8>()?.into(), u.arbitrary::<Option<u16>>()?.map(u64::from));
    memories.memory(wasm_encoder::MemoryType {
        minimum,
        maximum,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut data = wasm_encoder::DataSection::new();
    let text = [b"https://", u.bytes(4)?, b" http://a.example/", u.bytes(2)?].concat();
    data.active(0, &wasm_encoder::ConstExpr::i32_const(0), text);
    module.section(&memories).section(&data);
    Ok(module)
}

fn producers(u: &mut Unstructured<'_>, component: &mut Component) -> Result<()> {
    let mut data = vec![1];
    let role: &str = u.choose(&["language", "sdk", "processed-by", "other"])?;
    let (tool, version): (&str, &str) = (u.arbitrary()?, u.arbitrary()?);
    string(&mut data, role);
    data.push(1);
    string(&mut data, tool);
    string(&mut data, version);
    component.section(&CustomSection { name: "producers".into(), data: data.into() });
    Ok(())
}

fn string(data: &mut Vec<u8>, text: &str) {
    let mut length = text.len();
    while length > 0x7f {
        data.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    data.push(length as u8);
    data.extend_from_slice(text.as_bytes());
}
