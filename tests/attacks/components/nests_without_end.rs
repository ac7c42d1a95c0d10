//! tries: to run the host's parser and validator off their stacks, or through time: components in components, types in types
//! stands-for: MNT-6, INC-6
//! expect: contained

use crate::component::{Base, wat};

pub fn make(_: &Base) -> Vec<Vec<u8>> {
    // A component is a section of the one around it: its length comes first.
    let mut deep = b"\0asm\x0d\0\x01\0".to_vec();
    for _ in 0..2_000 {
        let mut around = b"\0asm\x0d\0\x01\0\x04".to_vec();
        around.extend(length(deep.len()));
        around.extend(&deep);
        deep = around;
    }
    // Each type is twice as large as the one before.
    let doubled: String = (1..60).map(|number| format!("(type $t{number} (tuple $t{0} $t{0}))", number - 1)).collect();
    let options: String = (1..5_000).map(|number| format!("(type $t{number} (option $t{}))", number - 1)).collect();
    let modules = "(core module)".repeat(20_000);
    let instances = format!("(core module $m) {}", "(core instance (instantiate $m))".repeat(5_000));
    let memories = format!("(core module $m (memory 1)) {}", "(core instance (instantiate $m))".repeat(200));
    let handler = r#"(instance $events) (export "portcullis:plugin/events@0.1.0" (instance $events))"#;
    let texts = [format!("(type $t0 u8) {doubled}"), format!("(type $t0 u8) {options}"), modules, instances, memories];
    let flat = texts.iter().map(|text| wat(&format!("(component {text} {handler})")));
    flat.chain([deep]).collect()
}

fn length(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        bytes.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return bytes;
        }
    }
}
