;; tries: to use a handle after it gave it back
;; stands-for: DAT-11, INC-6
;; asks: kv:read
;; expect: trapped unknown handle index

(module
  (import "portcullis:plugin/kv@0.1.0" "open" (func $open (param i32 i32 i32)))
  (import "portcullis:plugin/kv@0.1.0" "[method]bucket.get" (func $get (param i32 i32 i32 i32)))
  (import "portcullis:plugin/kv@0.1.0" "[resource-drop]bucket" (func $drop (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "bucket")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (call $open (i32.const 16) (i32.const 6) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then (return (i32.const 0))))
    (call $drop (i32.load (i32.const 72)))
    (call $get (i32.load (i32.const 72)) (i32.const 16) (i32.const 6) (i32.const 64))
    (i32.const 0)))
