//! tries: to use what the host does not run: 64-bit memory, garbage collection, exceptions, threads, many memories, tail calls
//! stands-for: MNT-6, INC-6
//! expect: refused not valid for this host

use crate::component::{Base, wat};

pub fn make(_: &Base) -> Vec<Vec<u8>> {
    let modules = [
        "(memory i64 1)",
        "(memory 1) (memory 1)",
        "(memory 1 1 shared)",
        "(memory 1 (pagesize 1))",
        "(type (struct (field i32)))",
        "(type (array (mut i8)))",
        "(tag)",
        "(func (drop (ref.i31 (i32.const 1))))",
        "(func $f (return_call $f))",
        "(type $t (func)) (func (param (ref $t)))",
        "(func (drop (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0))) drop)",
        "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))",
        "(func (drop (i32x4.relaxed_trunc_f32x4_s (v128.const i32x4 0 0 0 0))))",
        "(table i64 1 funcref)",
    ];
    let components = [
        "(type (stream u8))",
        "(type (future u8))",
        "(core func (canon thread.yield))",
        "(core func (canon backpressure.inc))",
    ];
    let wrapped = modules.map(|text| wat(&format!("(component (core module {text}))")));
    wrapped.into_iter().chain(components.map(|text| wat(&format!("(component {text})")))).collect()
}
