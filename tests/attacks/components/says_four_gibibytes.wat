;; tries: to log a text that is as long as the address space
;; stands-for: RUSTSEC-2026-0020, DAT-11
;; asks: log:write
;; expect: trapped out of bounds of memory

(module
  (import "portcullis:plugin/log@0.1.0" "write" (func $write (param i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (call $write (i32.const 1) (i32.const 1) (i32.const 0xffffffff))
    (i32.const 0)))
