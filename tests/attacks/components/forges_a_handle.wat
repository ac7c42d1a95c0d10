;; tries: to use a handle that it was never given
;; stands-for: DAT-11, INT-2
;; asks: kv:read
;; expect: trapped unknown handle index

(module
  (import "portcullis:plugin/kv@0.1.0" "[method]bucket.get" (func $get (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "bucket")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (call $get (i32.const 1) (i32.const 16) (i32.const 6) (i32.const 64))
    (i32.const 0)))
