;; tries: to have the host write a list at an address that is not aligned
;; stands-for: INC-6
;; asks: kv:read
;; asks: kv:write bytes=1KiB
;; expect: trapped realloc return: result not aligned

(module
  (import "portcullis:plugin/kv@0.1.0" "open" (func $open (param i32 i32 i32)))
  (import "portcullis:plugin/kv@0.1.0" "[method]bucket.set" (func $set (param i32 i32 i32 i32 i32 i32 i64 i32)))
  (import "portcullis:plugin/kv@0.1.0" "[method]bucket.list-keys" (func $list (param i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "bucket")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1025))
  (func (export "portcullis:plugin/events@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (call $open (i32.const 16) (i32.const 6) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then (return (i32.const 0))))
    (call $set (i32.load (i32.const 72)) (i32.const 16) (i32.const 6) (i32.const 16) (i32.const 6) (i32.const 0) (i64.const 0)
      (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then (return (i32.const 0))))
    (call $list (i32.load (i32.const 72)) (i32.const 16) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 192))
    (i32.const 0)))
