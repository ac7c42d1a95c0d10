//! tries: to be taken for a component: modules, scripts, programs, archives, other versions, nothing
//! stands-for: MNT-6
//! expect: refused

use crate::component::{Base, wat};

pub fn make(_: &Base) -> Vec<Vec<u8>> {
    let module = wat(r#"(module (func (export "portcullis:plugin/events@0.1.0#handle")))"#);
    vec![
        module,
        Vec::new(),
        b"#!/bin/sh\nexit 0\n".to_vec(),
        b"\x7fELF\x02\x01\x01\0".to_vec(),
        b"PK\x03\x04".to_vec(),
        b"\0asm".to_vec(),
        b"\0asm\x0d\0\x01\0".to_vec(),
        b"\0asm\x0c\0\x01\0".to_vec(),
        b"\0asm\x0d\0\x02\0".to_vec(),
        b"\0asm\x01\0\0\0\0asm\x0d\0\x01\0".to_vec(),
        b"(component)".to_vec(),
        vec![0; 4_096],
    ]
}
